//! Cancellation: immediate for queued executions, by request to the node for running ones.

use chrono::{DateTime, Utc};

use super::error;
use crate::i18n::Message;
use crate::storage::statement::{execute, fetch};
use crate::storage::{Result, Session, millis};

/// Cancels a queued execution. Returns false if it is not queued.
pub async fn cancel_queued(s: &mut dyn Session, id: &str, reason: &Message, now: DateTime<Utc>) -> Result<bool> {
    let text = "update executions set status = 'cancelled', finished_at = $2, error = $3, error_message = $4,
        retry_at = null
        where id = $1 and status = 'queued'";
    Ok(execute!(s, "cancel an execution", text, id, millis(now), error::words(Some(reason)), error::coded(Some(reason)))? > 0)
}

/// Cancels all queued executions of a task and returns their ids.
pub async fn cancel_all_queued(s: &mut dyn Session, task_id: &str, reason: &Message, now: DateTime<Utc>) -> Result<Vec<String>> {
    let text = "update executions set status = 'cancelled', finished_at = $2, error = $3, error_message = $4,
        retry_at = null
        where task_id = $1 and status = 'queued' returning id";
    fetch!(scalars, s, "cancel executions", text, task_id, millis(now), error::words(Some(reason)), error::coded(Some(reason)))
}

/// Requests the cancellation of a running execution. Returns false if it is not running.
pub async fn request_cancel(s: &mut dyn Session, id: &str) -> Result<bool> {
    let text = "update executions set cancel_requested = true where id = $1 and status = 'running'";
    Ok(execute!(s, "request a cancellation", text, id)? > 0)
}

/// Returns the executions running on a node whose cancellation was requested.
pub async fn cancel_requested(s: &mut dyn Session, node_id: &str) -> Result<Vec<String>> {
    let text = "select id from executions where status = 'running' and node_id = $1 and cancel_requested";
    fetch!(scalars, s, "read cancellations", text, node_id)
}
