//! `auto_test`: runs a test suite, reads its JUnit XML or TAP report and compares it with the task's previous run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::process::{self, Launch, ProcessExit};
use super::state::{RunState, StateStore};
use super::{Limits, Run, RunContext, RunError, Spec, TaskType, Text, Toolbox, first_fault, without_template_faults};
use crate::domain::fault::Fault;
use crate::domain::policy::Policy;
use crate::i18n::{Message, message};

mod compare;
mod junit;
mod params;
mod report;
mod report_files;
mod tap;

use params::{Format, Params};
use report::Report;
use report_files::Reports;

/// Bytes kept of the end of the output, from which TAP is read.
const OUTPUT_MAX: usize = 8 << 20;

/// Runs test suites.
pub struct AutoTest {
    states: StateStore,
    limits: Arc<Limits>,
}

impl AutoTest {
    pub fn new(toolbox: &Toolbox) -> Self {
        Self { states: StateStore::new(toolbox), limits: toolbox.limits.clone() }
    }
}

impl TaskType for AutoTest {
    fn spec(&self) -> Spec {
        Spec {
            name: "auto_test".into(),
            title: Text::new("Run tests", "自动化测试"),
            description: Text::new(
                "Runs a test suite, reads its JUnit XML or TAP report and lists what changed since the previous run.",
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
        without_template_faults(params, Params::read(params).err().unwrap_or_default())
    }

    fn run<'a>(&'a self, params: Value, context: &'a RunContext) -> Run<'a> {
        Box::pin(async move {
            let params = Params::read(&params).map_err(first_fault)?;
            let reports = Reports::snapshot(&params).await?;
            let started = Instant::now();
            let ended = self.run_command(&params, context).await?;
            let report = match params.format {
                Format::Tap => tap::read(&ended.pipes.stdout()),
                Format::Junit => reports.read().await?,
            };
            let state = self.previous(context).await;
            context.output.line(&report.summary());
            let before = state.as_ref().and_then(RunState::value);
            let outcome = outcome(&params, &ended, &report, before, started.elapsed());
            match state {
                Some(state) if !report.cases.is_empty() => state.save(&json!({"cases": report.outcomes()})).await.and(outcome),
                _ => outcome,
            }
        })
    }
}

impl AutoTest {
    /// Runs the command under its own time limit.
    async fn run_command(&self, params: &Params, context: &RunContext) -> Result<ProcessExit, RunError> {
        let launch = Launch {
            cwd: params.cwd.clone(),
            env: params.env.clone(),
            encoding: params.encoding,
            keep: OUTPUT_MAX,
            ..Launch::new(params.command.clone())
        };
        let inner = RunContext { cancel: context.cancel.child_token(), ..context.clone() };
        let mut running = std::pin::pin!(process::run(launch.with_run_environment(context), &self.limits, &inner));
        let ended = tokio::select! {
            ended = &mut running => ended?,
            () = time_limit(params.timeout) => {
                inner.cancel.cancel();
                let ended = running.await?;
                let message = message!("tests.timed_out", seconds = params.timeout.unwrap_or_default().as_secs_f64());
                return Err(RunError::retry(message).with_result(ended.result()));
            }
        };
        match ended.status {
            Some(_) => Ok(ended),
            None => Err(RunError::fail(ended.describe()).with_result(ended.result())),
        }
    }

    /// The state with the previous report. A read failure is logged and must not fail this run.
    async fn previous<'c>(&'c self, context: &'c RunContext) -> Option<RunState<'c>> {
        let read = self.states.read(context).await;
        read.map_err(|error| {
            let error = error.message.to_string();
            tracing::warn!(task.id = context.task_id, error, "failed to read previous report; skipping comparison");
        })
        .ok()
    }
}

async fn time_limit(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}

/// The result of the run, or an error with it if the run failed.
fn outcome(
    params: &Params,
    ended: &ProcessExit,
    report: &Report,
    before: Option<&Value>,
    elapsed: Duration,
) -> Result<Value, RunError> {
    let mut result = json!({
        "exit_code": ended.exit_code(),
        "signal": ended.signal(),
        "tests": report.totals(),
        "pass_rate": report.pass_rate(),
        "duration_ms": u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        "failed_tests": report.failed(),
        "flaky_tests": report.flaky(),
        "compared": before.and_then(|before| compare::compare(before, report)),
        "reports": report.files,
        "faults": report.faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "stdout_tail": ended.pipes.stdout_tail(),
        "stderr_tail": ended.pipes.stderr_tail(),
    });
    result["cases"] = report.outcomes();
    match failure_reason(params, ended, report) {
        None => Ok(result),
        Some(message) => Err(RunError::retry(message).with_result(result)),
    }
}

/// Why the run failed, if it did: a fault of the report, no tests, failed tests beyond `min_pass_rate`, or (without
/// `min_pass_rate`) a non-zero exit code.
fn failure_reason(params: &Params, ended: &ProcessExit, report: &Report) -> Option<Message> {
    if let Some(fault) = report.faults.first() {
        return Some(fault.clone());
    }
    if report.cases.is_empty() {
        let none = match params.format {
            Format::Junit => message!("tests.no_report"),
            Format::Tap => message!("tests.no_tap"),
        };
        return Some(match ended.exit_code() {
            Some(0) => none,
            _ => message!("tests.and", what = ended.describe(), problem = none),
        });
    }
    let failed = report.failures().count();
    match (params.min_pass_rate, report.pass_rate()) {
        (Some(least), Some(rate)) if rate < least => {
            Some(message!("tests.pass_rate", rate, least, names = report.failed_names()))
        }
        (Some(_), _) if failed > 0 => None,
        _ if failed > 0 => Some(message!("tests.failed", failed, all = report.cases.len(), names = report.failed_names())),
        _ if ended.exit_code() == Some(0) => None,
        _ => Some(message!("tests.none_failed", what = ended.describe())),
    }
}
