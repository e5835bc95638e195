//! Cancellation: immediate for queued executions, by request to the node for running ones.

use chrono::{DateTime, Utc};

use crate::storage::database::on_session;
use crate::storage::{Error, Result, Session, millis};

/// Cancels a queued execution. Returns false if it is not queued.
pub async fn cancel_queued(s: &mut dyn Session, id: &str, reason: &str, now: DateTime<Utc>) -> Result<bool> {
    let text = "update executions set status = 'cancelled', finished_at = $2, error = $3, retry_at = null
        where id = $1 and status = 'queued'";
    let done = on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql(text)).bind(id).bind(millis(now)).bind(reason);
        query.execute(&mut *conn).await.map(|done| done.rows_affected())
    });
    done.map(|rows| rows > 0).map_err(Error::on("cancel an execution"))
}

/// Cancels all queued executions of a task and returns their ids.
pub async fn cancel_all_queued(s: &mut dyn Session, task_id: &str, reason: &str, now: DateTime<Utc>) -> Result<Vec<String>> {
    let text = "update executions set status = 'cancelled', finished_at = $2, error = $3, retry_at = null
        where task_id = $1 and status = 'queued' returning id";
    on_session!(s, |conn, dialect| {
        let query = sqlx::query_scalar(dialect.sql(text)).bind(task_id).bind(millis(now)).bind(reason);
        query.fetch_all(&mut *conn).await
    })
    .map_err(Error::on("cancel executions"))
}

/// Requests the cancellation of a running execution. Returns false if it is not running.
pub async fn request_cancel(s: &mut dyn Session, id: &str) -> Result<bool> {
    let text = "update executions set cancel_requested = true where id = $1 and status = 'running'";
    let done = on_session!(s, |conn, dialect| {
        sqlx::query(dialect.sql(text)).bind(id).execute(&mut *conn).await.map(|done| done.rows_affected())
    });
    done.map(|rows| rows > 0).map_err(Error::on("request a cancellation"))
}

/// Returns the executions running on a node whose cancellation was requested.
pub async fn cancel_requested(s: &mut dyn Session, node_id: &str) -> Result<Vec<String>> {
    let text = "select id from executions where status = 'running' and node_id = $1 and cancel_requested";
    on_session!(s, |conn, dialect| sqlx::query_scalar(dialect.sql(text)).bind(node_id).fetch_all(&mut *conn).await)
        .map_err(Error::on("read cancellations"))
}
