//! Executions, written in batches of one or two statements. A change that the execution's current state does not allow matches
//! no row; the result names the changed rows.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::column::{insert_sql, written};
use super::statement::fetch;
use super::{Result, Session, millis, rows};
use crate::domain::execution::{Cause, Status};
use crate::domain::task::Task;
use crate::i18n::Message;
use crate::ids::new_id;

mod attempt;
mod cancel;
pub(super) mod error;
mod output;
mod progress;
mod read;
mod row;

pub use attempt::{Claim, Finish, Rendered, claim, count_crashes, finish, held_claims, recorded_finishes, save_rendered};
pub use cancel::{cancel_all_queued, cancel_queued, cancel_requested, request_cancel};
pub use output::{NewOutput, append_output, output};
pub use progress::last_result;
pub use read::{attempts, by_idempotency_key, get, last_success, newest_result, rendered_params, result, started_by};

#[cfg(test)]
pub(super) use attempt::{CLAIM, COUNT_CRASHES, FINISH, HELD_CLAIMS, RECORDED_FINISHES, SAVE_RENDERED};
#[cfg(test)]
pub(super) use progress::LAST_RESULT;
#[cfg(test)]
pub(super) use read::NEWEST_RESULT;
pub(super) use row::COLUMNS;

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
    pub error: Option<Message>,
    pub requested_by: Option<String>,
    /// A second request with the same key for the same task creates no execution.
    pub idempotency_key: Option<String>,
    /// The execution whose end started this one (chain).
    pub started_by: Option<String>,
    /// The version of the task that it runs.
    pub task_version: i64,
}

impl NewExecution {
    /// A queued execution of the task, created `now`.
    pub fn new(task: &Task, cause: Cause, scheduled_at: DateTime<Utc>, now: DateTime<Utc>) -> NewExecution {
        NewExecution {
            id: new_id(now),
            task_id: task.id.clone(),
            task_type: task.task_type.clone(),
            schedule_text: task.schedule_text.clone(),
            params: task.params.clone(),
            cause,
            status: Status::Queued,
            scheduled_at,
            error: None,
            requested_by: None,
            idempotency_key: None,
            started_by: None,
            task_version: task.version,
        }
    }
}

/// Inserts executions and returns the ids that are new. A scheduled time that was decided before, or a request with a known
/// idempotency key, is skipped.
pub async fn insert(s: &mut dyn Session, new: &[NewExecution], now: DateTime<Utc>) -> Result<HashSet<String>> {
    if new.is_empty() {
        return Ok(HashSet::new());
    }
    let list = rows(&new.iter().map(NewRow).collect::<Vec<_>>())?;
    let text = insert_sql("executions", NewRow::COLUMNS, &[("queued_at", "$2")]) + " on conflict do nothing returning id";
    let inserted: Vec<String> = fetch!(scalars, s, "insert executions", &text, list, millis(now))?;
    Ok(inserted.into_iter().collect())
}

written! {
    NewRow of NewExecution as new => {
        id Text = new.id,
        task_id Text = new.task_id,
        task_type Text = new.task_type,
        task_version Integer = new.task_version,
        schedule_text Text = new.schedule_text,
        params Text = new.params.to_string(),
        cause Text = new.cause.as_str(),
        status Text = new.status.as_str(),
        attempt Integer = i64::from(!new.status.is_final()),
        scheduled_at Integer = millis(new.scheduled_at),
        error Text = error::words(new.error.as_ref()),
        error_message Text = error::coded(new.error.as_ref()),
        requested_by Text = new.requested_by,
        idempotency_key Text = new.idempotency_key,
        started_by Text = new.started_by,
    }
}
