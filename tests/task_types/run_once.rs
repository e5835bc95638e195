//! A single run of a task type, without workers.

use std::sync::Arc;
use std::time::Duration;

use belfry::clock::SystemClock;
use belfry::tasks::output::{ExecutionChunk, OutputSink};
use belfry::tasks::{RunContext, RunError, TaskType};
use chrono::DateTime;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

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

pub fn run_context() -> (RunContext, mpsc::UnboundedReceiver<ExecutionChunk>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let context = RunContext {
        execution_id: "execution-1".into(),
        task_id: "task-1".into(),
        attempt: 2,
        scheduled_at: DateTime::UNIX_EPOCH,
        cancel: CancellationToken::new(),
        output: OutputSink::new("execution-1", 2, 1_000_000, Arc::new(SystemClock), sender),
    };
    (context, receiver)
}

/// Checks the parameters and runs.
pub async fn run(task_type: &dyn TaskType, params: Value) -> RunResult {
    assert_eq!(task_type.check(&params), []);
    let (context, mut receiver) = run_context();
    let outcome = task_type.run(params, &context).await;
    drop(context);
    let mut text = String::new();
    while let Some(piece) = receiver.recv().await {
        text.push_str(&piece.chunk.text);
    }
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
