//! `query_log`: searches the execution log or a log file, counts the matches and raises an alarm if a condition holds.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::mailer::Mailer;
use super::{Run, RunContext, RunError, Spec, TaskType, Text, Toolbox, first_fault, without_template_faults};
use crate::domain::fault::Fault;
use crate::domain::policy::Policy;
use crate::i18n::message;

mod condition;
mod content;
mod executions;
mod file;
mod lines;
mod log_time;
mod open_files;
mod params;
mod rotated;
mod schema;

use condition::{Condition, Counts};
use params::{Params, Source};

/// The task type `query_log`.
pub struct QueryLog {
    toolbox: Toolbox,
    /// Sends alarms; without it the type has no parameter `email_to`.
    mailer: Option<Arc<dyn Mailer>>,
}

/// The outcome of a search.
#[derive(Debug)]
struct SearchResult {
    counts: Counts,
    /// The result without `alarm`.
    result: Value,
}

impl QueryLog {
    pub fn new(toolbox: &Toolbox) -> Self {
        Self { toolbox: toolbox.clone(), mailer: None }
    }

    /// Enables alarms by mail.
    #[must_use]
    pub fn with_mailer(self, mailer: Arc<dyn Mailer>) -> Self {
        Self { mailer: Some(mailer), ..self }
    }
}

impl TaskType for QueryLog {
    fn spec(&self) -> Spec {
        Spec {
            name: "query_log".into(),
            title: Text::new("Search logs", "日志查询"),
            description: Text::new(
                "Searches the execution log or a log file and fails if a condition on the matches holds.",
                "查询执行记录或日志文件，结果超出条件时可判定为失败。",
            ),
            params_schema: schema::schema(self.mailer.is_some()),
            example: json!({"source": "executions", "status": ["failed", "timed_out"], "since": "1h", "fail_if": "count > 0"}),
            default_policy: Policy { timeout: Some(Duration::from_secs(600)), ..Policy::default() },
            dangerous: false,
        }
    }

    fn check(&self, params: &Value) -> Vec<Fault> {
        let read = Params::read(params, self.toolbox.clock.now(), self.toolbox.zone);
        without_template_faults(params, read.err().unwrap_or_default())
    }

    fn overridable(&self) -> &'static [&'static str] {
        &["since", "limit"]
    }

    fn uses_profiles(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, params: Value, context: &'a RunContext) -> Run<'a> {
        Box::pin(async move {
            let params = Params::read(&params, self.toolbox.clock.now(), self.toolbox.zone).map_err(first_fault)?;
            tokio::select! {
                ended = self.search(params, context) => ended,
                () = context.cancel.cancelled() => Err(RunError::fail(message!("log.cancelled"))),
            }
        })
    }
}

impl QueryLog {
    async fn search(&self, params: Params, context: &RunContext) -> Result<Value, RunError> {
        let params = Arc::new(params);
        let SearchResult { counts, mut result } = match params.source {
            Source::Executions => executions::search(&self.toolbox.database, &params, context).await?,
            Source::File => file::search(&self.toolbox, params.clone(), context).await?,
        };
        context.output.line(&counts.summary().to_string());
        if let Some(unknown @ 1..) = result["unknown_time"].as_u64() {
            context.output.line(&message!("log.unknown_time", count = unknown).to_string());
        }
        let holds = params.fail_if.as_ref().map(|condition| condition.holds(&counts));
        result["alarm"] = holds.unwrap_or(false).into();
        let alarm = |condition: &Condition| message!("log.alarm", condition = condition.to_string(), summary = counts.summary());
        let message = params.fail_if.as_ref().map(alarm);
        match (&self.mailer, params.email_to.is_empty()) {
            (Some(mailer), false) if holds != Some(false) => {
                let title = message.unwrap_or_else(|| counts.summary());
                let title = format!("[Belfry] {}: {title}", context.task_id);
                mailer.send(params.smtp.as_deref(), &params.email_to, &title, &report(&result), context).await?;
                context.output.line(&format!("mailed to {}", params.email_to.join(", ")));
                Ok(result)
            }
            _ => match message.filter(|_| holds == Some(true)) {
                Some(message) => Err(RunError::fail(message).with_result(result)),
                None => Ok(result),
            },
        }
    }
}

/// A result as the body of a mail.
fn report(result: &Value) -> String {
    serde_json::to_string_pretty(result).unwrap_or_default()
}
