//! `auto_test`: runs a test suite, reads its report (JUnit XML or TAP), and compares it with the task's previous run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::process::{self, Ended, Launch};
use super::{Limits, Run, RunContext, RunError, Spec, TaskType, Text, Toolbox, first, settled};
use crate::domain::fault::Fault;
use crate::domain::policy::Policy;
use crate::storage::{Database, execution};

mod compare;
mod junit;
mod params;
mod report;
mod tap;

use junit::Reports;
use params::{Format, Params};
use report::Report;

/// Bytes kept of the end of the output; TAP is read from it.
const OUTPUT_MAX: usize = 8 << 20;

/// Runs test suites.
pub struct AutoTest {
    database: Database,
    limits: Arc<Limits>,
}

impl AutoTest {
    pub fn new(toolbox: &Toolbox) -> Self {
        Self { database: toolbox.database.clone(), limits: toolbox.limits.clone() }
    }
}

impl TaskType for AutoTest {
    fn spec(&self) -> Spec {
        Spec {
            name: "auto_test".into(),
            title: Text::of("Run tests", "自动化测试"),
            description: Text::of(
                "Runs a test suite, reads its JUnit XML or TAP report, and tells what changed since the previous run.",
                "运行测试套件，读取 JUnit XML 或 TAP 报告，并与上一次运行进行对比。",
            ),
            params_schema: params::schema(),
            example: json!({"command": "pytest --junitxml=report.xml", "cwd": "/srv/project", "report": "report.xml"}),
            default_policy: Policy { timeout: Some(Duration::from_secs(3600)), ..Policy::default() },
            dangerous: true,
        }
    }

    fn code(&self) -> &'static [&'static str] {
        &["/command"]
    }

    fn check(&self, params: &Value) -> Vec<Fault> {
        settled(params, Params::read(params).err().unwrap_or_default())
    }

    fn run<'a>(&'a self, params: Value, context: &'a RunContext) -> Run<'a> {
        Box::pin(async move {
            let params = Params::read(&params).map_err(first)?;
            let reports = Reports::before(&params).await?;
            let started = Instant::now();
            let ended = self.carry_out(&params, context).await?;
            let report = match params.format {
                Format::Tap => tap::read(&ended.pipes.stdout()),
                Format::Junit => reports.read().await?,
            };
            let before = self.previous(context).await;
            context.output.line(&report.in_words());
            outcome(&params, &ended, &report, before.as_ref(), started.elapsed())
        })
    }
}

impl AutoTest {
    /// Runs the command under its own time limit.
    async fn carry_out(&self, params: &Params, context: &RunContext) -> Result<Ended, RunError> {
        let launch = Launch {
            cwd: params.cwd.clone(),
            env: params.env.clone(),
            encoding: params.encoding,
            keep: OUTPUT_MAX,
            ..Launch::new(params.command.clone())
        };
        let inner = RunContext { cancel: context.cancel.child_token(), ..context.clone() };
        let mut running = std::pin::pin!(process::run(launch.with_facts(context), &self.limits, &inner));
        let ended = tokio::select! {
            ended = &mut running => ended?,
            () = time_limit(params.timeout) => {
                inner.cancel.cancel();
                let ended = running.await?;
                let message = format!("the tests were ended after {} s", params.timeout.unwrap_or_default().as_secs_f64());
                return Err(RunError::retry(message).with_result(ended.result()));
            }
        };
        match ended.status {
            Some(_) => Ok(ended),
            None => Err(RunError::fail(ended.in_words()).with_result(ended.result())),
        }
    }

    /// What the task's previous run found; that it cannot be read must not spoil this one.
    async fn previous(&self, context: &RunContext) -> Option<Value> {
        let read = async { execution::last_result(&mut self.database.read().await?, &context.task_id).await };
        read.await.unwrap_or_else(|error| {
            tracing::warn!(task.id = context.task_id, error = &error as &dyn std::error::Error, "cannot read a previous result");
            None
        })
    }
}

async fn time_limit(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}

/// Success or failure by the tests, and by the exit code where no share of tests is enough.
fn outcome(params: &Params, ended: &Ended, report: &Report, before: Option<&Value>, took: Duration) -> Result<Value, RunError> {
    let mut result = json!({
        "exit_code": ended.exit_code(),
        "signal": ended.signal(),
        "tests": report.totals(),
        "pass_rate": report.pass_rate(),
        "duration_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "failed_tests": report.failed(),
        "compared": before.and_then(|before| compare::compare(before, report)),
        "reports": report.files,
        "faults": report.faults,
        "stdout_tail": ended.pipes.stdout_tail(),
        "stderr_tail": ended.pipes.stderr_tail(),
    });
    result["cases"] = report.outcomes();
    match judge(params, ended, report) {
        None => Ok(result),
        Some(message) => Err(RunError::retry(message).with_result(result)),
    }
}

/// Why the run failed, if it did.
fn judge(params: &Params, ended: &Ended, report: &Report) -> Option<String> {
    if let Some(fault) = report.faults.first() {
        return Some(fault.clone());
    }
    if report.cases.is_empty() {
        let none = match params.format {
            Format::Junit => "no new report with tests in it was written",
            Format::Tap => "the output holds no tests in TAP",
        };
        return Some(match ended.exit_code() {
            Some(0) => none.to_owned(),
            _ => format!("{}; {none}", ended.in_words()),
        });
    }
    let failed = report.failures().count();
    match (params.min_pass_rate, report.pass_rate()) {
        (Some(least), Some(rate)) if rate < least => {
            Some(format!("{rate} % of the tests passed, less than {least} %: {}", report.names()))
        }
        (Some(_), _) if failed > 0 => None,
        _ if failed > 0 => Some(format!("{failed} of {} tests failed: {}", report.cases.len(), report.names())),
        _ if ended.exit_code() == Some(0) => None,
        _ => Some(format!("{}, though no test failed", ended.in_words())),
    }
}
