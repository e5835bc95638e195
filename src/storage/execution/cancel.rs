//! Cancellation: immediate for queued executions, by request to the node for running ones.

use chrono::{DateTime, Utc};

use super::error;
use crate::i18n::Message;
use crate::ids::{execution_id, execution_key};
use crate::storage::statement::{execute, fetch};
use crate::storage::{Result, Session, millis};

/// Cancels a waiting execution. Returns false if it does not wait: it was handed out to a node or has ended.
pub async fn cancel_queued(s: &mut dyn Session, id: &str, reason: &Message, now: DateTime<Utc>) -> Result<bool> {
    let text = "update executions set status = 'cancelled', finished_at = $2, error = $3, error_message = $4,
        retry_at = null, queue = null, priority = null, waits = false
        where id = $1 and status = 'queued' and node_id is null";
    Ok(execute!(
        s,
        "cancel an execution",
        text,
        execution_key(id),
        millis(now),
        error::words(Some(reason)),
        error::coded(Some(reason))
    )? > 0)
}

/// Cancels all waiting executions of a task and returns their ids.
pub async fn cancel_all_queued(s: &mut dyn Session, task_id: &str, reason: &Message, now: DateTime<Utc>) -> Result<Vec<String>> {
    let text = "update executions set status = 'cancelled', finished_at = $2, error = $3, error_message = $4,
        retry_at = null, queue = null, priority = null, waits = false
        where task_id = $1 and status in ('queued', 'running') and status = 'queued' and node_id is null returning id";
    let (words, coded) = (error::words(Some(reason)), error::coded(Some(reason)));
    let cancelled: Vec<i64> = fetch!(scalars, s, "cancel executions", text, task_id, millis(now), words, coded)?;
    Ok(cancelled.into_iter().map(execution_id).collect())
}

/// Requests the cancellation of an execution that a node holds. Returns false if none does.
pub async fn request_cancel(s: &mut dyn Session, id: &str) -> Result<bool> {
    let text = "update executions set cancel_requested = true
        where id = $1 and status in ('queued', 'running') and node_id is not null";
    Ok(execute!(s, "request a cancellation", text, execution_key(id))? > 0)
}

/// Returns the executions held by a node whose cancellation was requested.
pub async fn cancel_requested(s: &mut dyn Session, node_id: &str) -> Result<Vec<String>> {
    let requested: Vec<i64> = fetch!(scalars, s, "read cancellations", CANCEL_REQUESTED, node_id)?;
    Ok(requested.into_iter().map(execution_id).collect())
}

/// Answered from an index that only such executions are in.
pub(in crate::storage) const CANCEL_REQUESTED: &str =
    "select id from executions where cancel_requested and status in ('queued', 'running') and node_id = $1";
