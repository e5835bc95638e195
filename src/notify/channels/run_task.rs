//! Mail and text messages: sent by the task types that tasks use, with their profiles.

use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::answer::{self, Outcome};
use super::parcel::Parcel;
use super::transport::Transport;
use crate::i18n::message;
use crate::tasks::output::OutputSink;
use crate::tasks::{RunContext, RunError};

/// The task id of these runs.
const TASK_ID: &str = "notification";
/// The output of a run is not kept.
const OUTPUT_MAX: usize = 4 << 10;

/// Runs a task type once, with the message's id as the id of the execution: a mail has the same Message-ID for each try.
/// `accepted` finds in the result how many recipients were accepted, `read_answer` the provider's code and text.
pub async fn run(
    task_type: &str,
    params: Value,
    parcel: &Parcel,
    transport: &Transport,
    accepted: fn(&Value) -> usize,
    read_answer: fn(&Value) -> (Option<String>, Option<String>),
) -> Outcome {
    let Some(entry) = transport.registry.get(task_type) else {
        return Outcome::unusable(&message!("channel.task_type", task_type));
    };
    // The profiles as they were read last serve while the database is not available.
    if let Err(error) = transport.registry.prepare(&entry).await {
        tracing::debug!(%error, "failed to read the profiles; using those read last");
    }
    if let Some(fault) = entry.check(&params, "").into_iter().next() {
        return Outcome::unusable(&fault.message);
    }
    let (chunks, _discarded) = mpsc::unbounded_channel();
    let output = OutputSink::new(&parcel.id, 1, OUTPUT_MAX, transport.clock.clone(), chunks);
    let context = RunContext {
        execution_id: parcel.id.clone(),
        task_id: TASK_ID.to_owned(),
        attempt: 1,
        scheduled_at: parcel.now,
        cancel: CancellationToken::new(),
        output,
    };
    match entry.task_type.run(params, &context).await {
        Ok(result) => told(&result, read_answer, true),
        Err(RunError { message, retryable, result, retry_after }) => {
            // Who has been told is not told again because another recipient was refused.
            let result = result.unwrap_or_default();
            let partly = accepted(&result) > 0;
            let text = Some(answer::bounded(message));
            Outcome { text, retry_after, permanent: !retryable && !partly, ..told(&result, read_answer, partly) }
        }
    }
}

fn told(result: &Value, read_answer: fn(&Value) -> (Option<String>, Option<String>), delivered: bool) -> Outcome {
    let (code, text) = read_answer(result);
    Outcome { delivered, code, text: text.as_deref().and_then(answer::verbatim), ..Outcome::default() }
}
