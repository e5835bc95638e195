//! Executions, written in batches of one or two statements. A change that the execution's current state does not allow matches
//! no row; the result names the changed rows.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::column::{insert_sql, written};
use super::statement::fetch;
use super::{Error, Result, Session, millis, rows};
use crate::domain::execution::{Cause, Status};
use crate::domain::job::Job;
use crate::domain::node::NodeIdentity;
use crate::domain::schedule::Origin;
use crate::domain::task::Task;
use crate::i18n::Message;
use crate::ids::{execution_id, execution_key, new_execution_id};

mod attempt;
mod cancel;
pub(super) mod error;
mod output;
mod queue;
mod read;
mod row;

pub use attempt::{
    Claim, Finish, Finished, Rendered, claim, count_crashes, finish, mark_running, recorded_finishes, release, save_rendered,
};
pub use cancel::{cancel_all_queued, cancel_queued, cancel_requested, request_cancel};
pub use output::{NewOutput, append_output, output};
pub use queue::{depths, hand_out, waiting};
pub use read::{attempts, by_idempotency_key, get, last_success, newest_result, rendered_params, result, started_by};

#[cfg(test)]
pub(super) use attempt::{
    CLAIM, COUNT_CRASHES, FINISH, INSERT_ATTEMPTS, MARK_RUNNING, RECORDED_FINISHES, RELEASE, SAVE_RENDERED,
};
#[cfg(test)]
pub(super) use cancel::CANCEL_REQUESTED;
#[cfg(test)]
pub(super) use queue::{DEPTHS, WAITING, WAITING_IDS};
#[cfg(test)]
pub(super) use read::NEWEST_RESULT;
pub(super) use row::{COLUMNS, of_version};

/// A new execution: queued, or final at once (skipped, missed).
#[derive(Debug, Clone, PartialEq)]
pub struct NewExecution {
    pub id: String,
    pub task_id: String,
    pub task_type: String,
    /// `None`: that of the task's version.
    pub schedule_text: Option<String>,
    /// `None`: those of the task's version.
    pub params: Option<Value>,
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
    pub queue: String,
    pub priority: i32,
    /// Whether it waits for another run of its task to end before it is handed to a worker.
    pub waits: bool,
    /// The rule and the calendars behind an occurrence; `None`: nothing beyond the task itself.
    pub origin: Option<Origin>,
    /// The node that begins it as soon as it is inserted; `None`: it waits in its queue.
    pub holder: Option<Arc<NodeIdentity>>,
}

impl NewExecution {
    /// A queued execution of the task, created `now`.
    pub fn new(task: &Task, cause: Cause, scheduled_at: DateTime<Utc>, now: DateTime<Utc>) -> NewExecution {
        NewExecution {
            id: new_execution_id(now),
            task_id: task.id.clone(),
            task_type: task.task_type.clone(),
            schedule_text: None,
            params: None,
            cause,
            status: Status::Queued,
            scheduled_at,
            error: None,
            requested_by: None,
            idempotency_key: None,
            started_by: None,
            task_version: task.version,
            queue: task.policy.queue.clone(),
            priority: task.policy.priority,
            waits: false,
            origin: None,
            holder: None,
        }
    }

    /// The job of its first attempt, under the task's policy.
    #[must_use]
    pub fn job(&self, task: &Task) -> Job {
        let (timeout_ms, retry) = Job::limits(&task.policy);
        Job {
            execution_id: self.id.clone(),
            attempt: 1,
            task_id: self.task_id.clone(),
            task_type: self.task_type.clone(),
            params: self.params.as_ref().unwrap_or(&task.params).clone(),
            started_by: self.started_by.clone(),
            chained: !task.chain.is_empty(),
            scheduled_at: self.scheduled_at,
            timeout_ms,
            retry,
            late_after_ms: task.policy.alert.late_ms(),
        }
    }

    /// Whether it waits for a worker or is held by one.
    fn is_queued(&self) -> bool {
        !self.status.is_final()
    }
}

/// Inserts executions and returns the ids that are new. A scheduled time that was decided before, or a request with a known
/// idempotency key, is skipped.
///
/// # Errors
/// [`super::Error::Conflict`] if another process made the same id; a repetition with new ids succeeds.
pub async fn insert(s: &mut dyn Session, new: &[NewExecution], now: DateTime<Utc>) -> Result<HashSet<String>> {
    if new.is_empty() {
        return Ok(HashSet::new());
    }
    let list = rows(&new.iter().map(NewRow).collect::<Vec<_>>())?;
    let text = insert_sql("executions", NewRow::COLUMNS, &[("queued_at", "$2")]) + " on conflict do nothing returning id";
    let inserted: Vec<i64> = fetch!(scalars, s, "insert executions", &text, &list, millis(now))?;
    if inserted.len() < new.len() {
        let taken: Option<i64> = fetch!(scalar, s, "insert executions", TAKEN, list)?;
        if taken.is_some() {
            return Err(Error::Conflict("insert executions".to_owned()));
        }
    }
    Ok(inserted.into_iter().map(execution_id).collect())
}

/// Rows as for [`insert`]: whether another execution has one of the ids.
pub(in crate::storage) const TAKEN: &str = "
    select e.id from {rows} join executions e on e.id = cast(j.value->>0 as bigint)
    where e.task_id <> j.value->>1 or e.scheduled_at <> cast(j.value->>2 as bigint) limit 1";

written! {
    NewRow of NewExecution as new => {
        id Integer = execution_key(&new.id),
        task_id Text = new.task_id,
        scheduled_at Integer = millis(new.scheduled_at),
        task_type Text = new.task_type,
        task_version Integer = new.task_version,
        schedule_text Text = new.schedule_text,
        params Text = new.params.as_ref().map(Value::to_string),
        cause Text = new.cause.as_str(),
        status Text = new.status.as_str(),
        attempt Integer = i64::from(new.is_queued()),
        error Text = error::words(new.error.as_ref()),
        error_message Text = error::coded(new.error.as_ref()),
        requested_by Text = new.requested_by,
        idempotency_key Text = new.idempotency_key,
        started_by Integer = new.started_by.as_deref().map(execution_key),
        queue Text = new.is_queued().then_some(&new.queue),
        priority Integer = new.is_queued().then_some(new.priority),
        waits Flag = new.waits,
        node Text = new.holder.as_ref().map(|node| &node.name),
        node_id Text = new.holder.as_ref().map(|node| &node.id),
        origin Text = new.origin.as_ref().map(serde_json::to_string).transpose().map_err(serde::ser::Error::custom)?,
    }
}
