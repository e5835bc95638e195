//! A single run of a task type, without workers.

use std::time::Duration;

use belfry::tasks::{RunError, TaskType};
use serde_json::Value;

use crate::support::run::{context_of_attempt, run_in};

/// The outcome of a run.
#[derive(Debug)]
pub struct RunResult {
    pub outcome: Result<Value, RunError>,
    /// The output of both streams.
    pub text: String,
}

impl RunResult {
    pub fn result(&self) -> &Value {
        self.outcome.as_ref().expect("succeeds")
    }

    pub fn error(&self) -> &RunError {
        self.outcome.as_ref().expect_err("fails")
    }

    /// The result of a failed run.
    pub fn failed_result(&self) -> &Value {
        self.error().result.as_ref().expect("the error has a partial result")
    }
}

/// Checks the parameters and runs a second attempt.
pub async fn run(task_type: &dyn TaskType, params: Value) -> RunResult {
    let (outcome, text) = run_in(task_type, params, context_of_attempt(2)).await;
    RunResult { outcome, text }
}

/// Whether a process is running; a zombie is not.
pub fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.trim().starts_with('Z'))
}

pub async fn wait_gone(pid: &str) {
    for _ in 0..1000 {
        if !is_alive(pid) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("process {pid} is still running");
}
