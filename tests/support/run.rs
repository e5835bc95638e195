//! Runs of a task type without workers.

use std::sync::Arc;

use belfry::clock::SystemClock;
use belfry::tasks::output::{ExecutionChunk, OutputSink};
use belfry::tasks::{RunContext, RunError, TaskType};
use chrono::DateTime;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The context of a run, and its output.
pub fn context() -> (RunContext, mpsc::UnboundedReceiver<ExecutionChunk>) {
    context_of_attempt(1)
}

/// The context of an attempt, and its output.
pub fn context_of_attempt(attempt: i64) -> (RunContext, mpsc::UnboundedReceiver<ExecutionChunk>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let context = RunContext {
        execution_id: "execution-1".into(),
        task_id: "task-1".into(),
        attempt,
        scheduled_at: DateTime::UNIX_EPOCH,
        cancel: CancellationToken::new(),
        output: OutputSink::new("execution-1", attempt, 1_000_000, Arc::new(SystemClock), sender),
    };
    (context, receiver)
}

/// Checks the parameters and runs the task type once. Returns its result and output.
pub async fn run(task_type: &dyn TaskType, params: Value) -> (Result<Value, RunError>, String) {
    run_in(task_type, params, context()).await
}

/// Like [`run`], in a context.
pub async fn run_in(
    task_type: &dyn TaskType,
    params: Value,
    (context, mut output): (RunContext, mpsc::UnboundedReceiver<ExecutionChunk>),
) -> (Result<Value, RunError>, String) {
    assert_eq!(task_type.check(&params), []);
    let ended = task_type.run(params, &context).await;
    drop(context);
    let mut text = String::new();
    while let Some(piece) = output.recv().await {
        text.push_str(&piece.chunk.text);
    }
    (ended, text)
}
