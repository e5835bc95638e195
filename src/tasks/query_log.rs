//! `query_log`: searches the execution log or a log file, counts what it finds, and raises an alarm where that is too much.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::notify::Mailer;
use super::{Run, RunContext, RunError, Spec, TaskType, Text, Toolbox, first, settled};
use crate::domain::fault::Fault;
use crate::domain::policy::Policy;

mod condition;
mod executions;
mod file;
mod lines;
mod params;

use condition::Counts;
use params::{Params, Source};

/// Searches logs.
pub struct QueryLog {
    toolbox: Toolbox,
    /// Sends alarms; without one the type takes no `email_to`.
    mailer: Option<Arc<dyn Mailer>>,
}

/// What was found.
#[derive(Debug)]
struct Found {
    counts: Counts,
    /// The result, all but the alarm.
    result: Value,
}

impl QueryLog {
    pub fn new(toolbox: &Toolbox) -> Self {
        Self { toolbox: toolbox.clone(), mailer: None }
    }

    /// With a way to mail alarms.
    #[must_use]
    pub fn with_mailer(self, mailer: Arc<dyn Mailer>) -> Self {
        Self { mailer: Some(mailer), ..self }
    }
}

impl TaskType for QueryLog {
    fn spec(&self) -> Spec {
        Spec {
            name: "query_log".into(),
            title: Text::of("Search logs", "日志查询"),
            description: Text::of(
                "Searches the execution log or a log file, and fails where it finds too much.",
                "查询执行记录或日志文件，结果超出条件时可判定为失败。",
            ),
            params_schema: params::schema(self.mailer.is_some()),
            example: json!({"source": "executions", "status": ["failed", "timed_out"], "since": "1h", "fail_if": "count > 0"}),
            default_policy: Policy { timeout: Some(Duration::from_secs(600)), ..Policy::default() },
            dangerous: false,
        }
    }

    fn check(&self, params: &Value) -> Vec<Fault> {
        let read = Params::read(params, self.toolbox.clock.now(), self.toolbox.zone);
        settled(params, read.err().unwrap_or_default())
    }

    fn run<'a>(&'a self, params: Value, context: &'a RunContext) -> Run<'a> {
        Box::pin(async move {
            let params = Params::read(&params, self.toolbox.clock.now(), self.toolbox.zone).map_err(first)?;
            tokio::select! {
                ended = self.search(params, context) => ended,
                () = context.cancel.cancelled() => Err(RunError::fail("the search was given up")),
            }
        })
    }
}

impl QueryLog {
    async fn search(&self, params: Params, context: &RunContext) -> Result<Value, RunError> {
        let params = Arc::new(params);
        let Found { counts, mut result } = match params.source {
            Source::Executions => executions::search(&self.toolbox.database, &params, context).await?,
            Source::File => file::search(&self.toolbox, params.clone(), context).await?,
        };
        context.output.line(&counts.in_words());
        let holds = params.fail_if.as_ref().map(|condition| condition.holds(&counts));
        result["alarm"] = holds.unwrap_or(false).into();
        let told = params.fail_if.as_ref().map(|condition| format!("{condition} holds: {}", counts.in_words()));
        match (&self.mailer, params.email_to.is_empty()) {
            (Some(mailer), false) if holds != Some(false) => {
                let title = told.unwrap_or_else(|| counts.in_words());
                let title = format!("[Belfry] {}: {title}", context.task_id);
                mailer.send(params.smtp.as_deref(), &params.email_to, &title, &report(&result), context).await?;
                context.output.line(&format!("mailed to {}", params.email_to.join(", ")));
                Ok(result)
            }
            _ if holds == Some(true) => Err(RunError::fail(told.unwrap_or_default()).with_result(result)),
            _ => Ok(result),
        }
    }
}

/// A result as the text of a mail.
fn report(result: &Value) -> String {
    serde_json::to_string_pretty(result).unwrap_or_default()
}
