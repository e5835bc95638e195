//! Executions, written in batches of one or two statements. A change that the execution's current state does not allow matches
//! no row; the result names the changed rows.

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
pub use read::{attempts, by_idempotency_key, get, last_success, newest_result, rendered_params, result, started_by};

#[cfg(test)]
pub(super) use attempt::{CLAIM, FINISH};
#[cfg(test)]
pub(super) use progress::LAST_RESULT;
#[cfg(test)]
pub(super) use read::NEWEST_RESULT;
pub(super) use row::{COLUMNS, ExecutionRow, read_status};

/// A new execution: queued, or final at once (skipped, missed).
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
    /// A second request with the same key for the same task creates no execution.
    pub idempotency_key: Option<String>,
    /// The execution whose end started this one (chain).
    pub started_by: Option<String>,
    /// The version of the task that it runs.
    pub task_version: i64,
}

/// Inserts executions and returns the ids that are new. A scheduled time that was decided before, or a request with a known
/// idempotency key, is skipped.
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

/// Row as in [`NewRow`].
const INSERT: &str = "
    insert into executions (id, task_id, task_type, schedule_text, params, cause, status, attempt, scheduled_at, queued_at, error,
        requested_by, idempotency_key, started_by, task_version)
    select j.value->>0, j.value->>1, j.value->>2, j.value->>3, j.value->>4,
        j.value->>5, j.value->>6, cast(j.value->>7 as bigint), cast(j.value->>8 as bigint), $2,
        j.value->>9, j.value->>10, j.value->>11, j.value->>12, cast(j.value->>13 as bigint)
    from {rows} where true
    on conflict do nothing returning id";

/// Id, task, type, schedule, parameters, cause, status, attempt, scheduled time, error, requesting account, idempotency key,
/// the execution that started it, and the task's version.
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
    Option<&'n str>,
    i64,
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
        new.started_by.as_deref(),
        new.task_version,
    )
}
