//! Executions: written in groups, each group a statement or two. What a caller may not do to an execution in its present
//! state simply matches no row; the answer names the rows that were changed.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::database::on_session;
use super::{Error, Result, Session, millis, rows};
use crate::domain::execution::{Cause, Status};

mod attempt;
mod cancel;
mod output;
mod progress;
mod read;
mod row;

pub use attempt::{Claim, Finish, claim, finish};
pub use cancel::{cancel_all_queued, cancel_queued, cancel_requested, request_cancel};
pub use output::{NewOutput, append_output, output};
pub use progress::last_result;
pub use read::{attempts, by_key, get, result};

#[cfg(test)]
pub(super) use attempt::{CLAIM, FINISH};
#[cfg(test)]
pub(super) use progress::LAST_RESULT;
pub(super) use row::{COLUMNS, ExecutionRow, read_status};

/// An execution that comes to be: queued, or decided at once (skipped, missed).
#[derive(Debug, Clone, PartialEq)]
pub struct NewExecution {
    pub id: String,
    pub task_id: String,
    pub task_type: String,
    pub schedule_text: String,
    pub params: Value,
    pub cause: Cause,
    pub status: Status,
    pub scheduled_at: DateTime<Utc>,
    /// Why it was skipped or missed.
    pub error: Option<String>,
    pub requested_by: Option<String>,
    /// A second request with the same key for the same task makes no second execution.
    pub idempotency_key: Option<String>,
}

/// Inserts executions. Answers the ids of those that are new: an instant that was decided before, or a request that was
/// made before, is left as it is.
///
/// # Errors
/// Where the database fails.
pub async fn insert(s: &mut dyn Session, new: &[NewExecution], now: DateTime<Utc>) -> Result<HashSet<String>> {
    if new.is_empty() {
        return Ok(HashSet::new());
    }
    let list: Vec<_> = new.iter().map(new_row).collect();
    let list = rows(&list)?;
    let inserted: Vec<String> = on_session!(s, |conn, dialect| {
        sqlx::query_scalar(dialect.sql(INSERT)).bind(list).bind(millis(now)).fetch_all(&mut *conn).await
    })
    .map_err(Error::on("insert executions"))?;
    Ok(inserted.into_iter().collect())
}

/// Of each row, in the order of [`NewRow`].
const INSERT: &str = "
    insert into executions (id, task_id, task_type, schedule_text, params, cause, status, attempt, scheduled_at, queued_at, error,
        requested_by, idempotency_key)
    select j.value->>0, j.value->>1, j.value->>2, j.value->>3, j.value->>4,
        j.value->>5, j.value->>6, cast(j.value->>7 as bigint), cast(j.value->>8 as bigint), $2,
        j.value->>9, j.value->>10, j.value->>11
    from {rows} where true
    on conflict do nothing returning id";

/// Id, task, type, schedule, parameters, cause, status, attempt, instant, error, who asked, and with which key.
type NewRow<'n> = (
    &'n str,
    &'n str,
    &'n str,
    &'n str,
    String,
    &'static str,
    &'static str,
    i64,
    i64,
    Option<&'n str>,
    Option<&'n str>,
    Option<&'n str>,
);

fn new_row(new: &NewExecution) -> NewRow<'_> {
    (
        &new.id,
        &new.task_id,
        &new.task_type,
        &new.schedule_text,
        new.params.to_string(),
        new.cause.as_str(),
        new.status.as_str(),
        i64::from(!new.status.is_final()),
        millis(new.scheduled_at),
        new.error.as_deref(),
        new.requested_by.as_deref(),
        new.idempotency_key.as_deref(),
    )
}
