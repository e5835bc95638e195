//! A task type run once, outside of the workers.

use std::sync::Arc;
use std::time::Duration;

use belfry::clock::SystemClock;
use belfry::tasks::output::{OutputSink, Piece};
use belfry::tasks::{RunContext, RunError, TaskType};
use chrono::DateTime;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// What came of a run.
#[derive(Debug)]
pub struct Ran {
    pub ended: Result<Value, RunError>,
    /// Both streams.
    pub text: String,
}

impl Ran {
    pub fn result(&self) -> &Value {
        self.ended.as_ref().expect("succeeds")
    }

    pub fn error(&self) -> &RunError {
        self.ended.as_ref().expect_err("fails")
    }

    /// The result of a failed run.
    pub fn failed_result(&self) -> &Value {
        self.error().result.as_ref().expect("has a result all the same")
    }
}

pub fn context() -> (RunContext, mpsc::UnboundedReceiver<Piece>) {
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
pub async fn run(task_type: &dyn TaskType, params: Value) -> Ran {
    assert_eq!(task_type.check(&params), []);
    let (context, mut receiver) = context();
    let ended = task_type.run(params, &context).await;
    drop(context);
    let mut text = String::new();
    while let Some(piece) = receiver.recv().await {
        text.push_str(&piece.chunk.text);
    }
    Ran { ended, text }
}

/// A process that runs; one that ended and only waits to be reaped does not.
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
    panic!("process {pid} is still there");
}
