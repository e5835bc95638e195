//! Data for the verification of the log, in chunks of tasks.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::column::{ExecutionId, stored};
use super::statement::fetch;
use super::{Result, Session, millis, rows, time_from_millis};
use crate::domain::execution::{Cause, Status};
use crate::domain::pause_record;
use crate::domain::verify::{Definition, LogRow, OVERLAP, RunInterval};
use crate::i18n::Message;
use crate::ids::first_execution_key;

/// A definition of a task that exists or was deleted.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredDefinition {
    pub task_id: String,
    /// Tells the tasks apart that had the same id one after the other; empty for the one that exists.
    pub former_key: String,
    pub deleted_at: Option<DateTime<Utc>>,
    pub definition: Definition,
}

struct DefinitionRow {
    task_id: String,
    former_key: String,
    deleted_at: Option<DateTime<Utc>>,
    at: DateTime<Utc>,
    content: Value,
}

stored! { DefinitionRow { task_id, former_key, deleted_at, at, content } }

/// Returns at most `limit` ids of tasks that exist or whose definitions are kept, greater than `after`, in order.
pub async fn task_ids(s: &mut dyn Session, after: &str, limit: i64) -> Result<Vec<String>> {
    let text = "select id from (select id from tasks where id > $1 union select task_id from former_versions where task_id > $1) as known
        order by id limit $2";
    fetch!(scalars, s, "list the tasks to verify", text, after, limit)
}

/// Returns the definitions of tasks, those of deleted tasks first, each task's oldest first.
pub async fn definitions(s: &mut dyn Session, task_ids: &[String]) -> Result<Vec<StoredDefinition>> {
    let text =
        "select task_id, task_key as former_key, deleted_at, at, content, version from former_versions where task_id in {ids}
        union all
        select task_id, '' as former_key, null as deleted_at, at, content, version from task_versions where task_id in {ids}
        order by task_id, deleted_at, former_key, version";
    let list = rows(task_ids)?;
    let found: Vec<DefinitionRow> = fetch!(all, s, "read the tasks' definitions", text, list)?;
    let mut found: Vec<StoredDefinition> = found
        .into_iter()
        .map(|DefinitionRow { task_id, former_key, deleted_at, at, content }| {
            let definition = Definition { at, content };
            StoredDefinition { task_id, former_key, deleted_at, definition }
        })
        .collect();
    // The databases sort nulls differently.
    found.sort_by_key(|one| one.deleted_at.is_none());
    Ok(found)
}

struct StoredRow {
    id: String,
    task_id: String,
    scheduled_at: DateTime<Utc>,
    queued_at: DateTime<Utc>,
    cause: Cause,
    status: Status,
    error_message: Option<Message>,
}

stored! { COLUMNS: StoredRow { id via ExecutionId, task_id, scheduled_at, queued_at, cause, status, error_message } }

/// Returns the rows of tasks that were due from `from` to `to`, by task. Runs imported from elsewhere and backfilled ones are left out.
pub async fn log_rows(
    s: &mut dyn Session,
    task_ids: &[String],
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<BTreeMap<String, Vec<LogRow>>> {
    let text = format!(
        "select {COLUMNS} from executions where task_id in {{ids}} and scheduled_at >= $2 and scheduled_at < $3
            and cause not in ('import', 'backfill')"
    );
    let list = rows(task_ids)?;
    let found: Vec<StoredRow> = fetch!(all, s, "read the log", &text, list, millis(from), millis(to))?;
    let mut by_task: BTreeMap<String, Vec<LogRow>> = BTreeMap::new();
    for row in found {
        by_task.entry(row.task_id).or_default().push(LogRow {
            execution_id: row.id,
            scheduled_at: row.scheduled_at,
            queued_at: row.queued_at,
            is_occurrence: matches!(row.cause, Cause::Schedule | Cause::CatchUp),
            status: row.status,
            paused: pause_record::occurrences_of(row.scheduled_at, row.status, row.error_message.as_ref()),
            limit: limit(row.error_message.as_ref()),
            reason: row.error_message.map(|message| message.code().to_owned()),
        });
    }
    Ok(by_task)
}

/// The limit of concurrent runs that a reason names.
fn limit(reason: Option<&Message>) -> Option<i64> {
    reason.filter(|reason| reason.code() == OVERLAP)?.text_of("max")?.parse().ok()
}

/// Returns from when until when the runs of tasks were unfinished: those queued before `to` that had not ended before `from`, by
/// task.
pub async fn run_intervals(
    s: &mut dyn Session,
    task_ids: &[String],
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<BTreeMap<String, Vec<RunInterval>>> {
    let list = rows(task_ids)?;
    let found: Vec<(String, i64, Option<i64>)> =
        fetch!(all, s, "read the runs to verify", RUN_INTERVALS, list, first_execution_key(to), millis(from))?;
    let mut by_task: BTreeMap<String, Vec<RunInterval>> = BTreeMap::new();
    for (task_id, queued_at, finished_at) in found {
        let (queued_at, finished_at) = (time_from_millis(queued_at)?, finished_at.map(time_from_millis).transpose()?);
        by_task.entry(task_id).or_default().push(RunInterval { queued_at, finished_at });
    }
    Ok(by_task)
}

pub(super) const RUN_INTERVALS: &str = "
    select task_id, queued_at, finished_at from executions
    where task_id in {ids} and id < $2 and (finished_at is null or finished_at >= $3)
        and status not in ('skipped', 'missed') and cause <> 'import'";

/// Returns the number of rows of tasks and the oldest scheduled time among them, by task.
pub async fn extents(s: &mut dyn Session, task_ids: &[String]) -> Result<BTreeMap<String, (i64, DateTime<Utc>)>> {
    let text = "select task_id, count(*), min(scheduled_at) from executions where task_id in {ids} group by task_id";
    let list = rows(task_ids)?;
    let found: Vec<(String, i64, i64)> = fetch!(all, s, "count the rows of tasks", text, list)?;
    found.into_iter().map(|(id, count, oldest)| Ok((id, (count, time_from_millis(oldest)?)))).collect()
}
