//! Unfinished runs of tasks: how many there are, those that wait for others, and the oldest ones.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::statement::{execute, fetch};
use super::{Result, Session, execution, millis, rows, time_from_millis};
use crate::domain::overlap::ActiveRuns;
use crate::i18n::Message;
use crate::ids::{execution_id, execution_key};

/// Returns the unfinished runs of these tasks; tasks without any are omitted.
pub async fn active(s: &mut dyn Session, task_ids: &[&str]) -> Result<HashMap<String, ActiveRuns>> {
    let list = rows(task_ids)?;
    let found: Vec<(String, i64, i64)> = fetch!(all, s, "count active executions", ACTIVE, list)?;
    Ok(found.into_iter().map(|(task_id, started, waiting)| (task_id, ActiveRuns { started, waiting })).collect())
}

pub(super) const ACTIVE: &str = "
    select task_id, count(*) filter (where not waits), count(*) filter (where waits) from executions
    where status in ('queued', 'running') and task_id in {ids} group by task_id";

/// Returns the latest scheduled time after `now`, up to `until`, of a run of these tasks that was handed out before its time.
pub async fn planned_ahead(
    s: &mut dyn Session,
    task_ids: &[&str],
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>> {
    let list = rows(task_ids)?;
    let latest: Option<i64> = fetch!(only, s, "read runs planned ahead", PLANNED_AHEAD, list, millis(now), millis(until))?;
    latest.map(time_from_millis).transpose()
}

pub(super) const PLANNED_AHEAD: &str = "
    select max(scheduled_at) from executions where status in ('queued', 'running') and task_id in {ids}
        and node_id is not null and scheduled_at > $2 and scheduled_at <= $3";

/// As [`planned_ahead`], of any task.
pub async fn any_planned_ahead(s: &mut dyn Session, now: DateTime<Utc>, until: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
    let latest: Option<i64> = fetch!(only, s, "read runs planned ahead", ANY_PLANNED_AHEAD, millis(now), millis(until))?;
    latest.map(time_from_millis).transpose()
}

pub(super) const ANY_PLANNED_AHEAD: &str = "
    select max(scheduled_at) from executions where status in ('queued', 'running')
        and node_id is not null and scheduled_at > $1 and scheduled_at <= $2";

/// Returns the tasks of those executions that are unfinished on record, one for each.
pub async fn tasks_of_unfinished(s: &mut dyn Session, ids: &[String]) -> Result<Vec<String>> {
    let list = rows(&ids.iter().map(|id| execution_key(id)).collect::<Vec<_>>())?;
    fetch!(scalars, s, "read active executions", UNFINISHED, list)
}

pub(super) const UNFINISHED: &str =
    "select task_id from executions where id in {keys} and (status in ('queued', 'running')) is true and not waits";

/// Returns the ids of the oldest unfinished runs of a task, at most `limit`. Those that another node is recording are left out.
pub async fn oldest(s: &mut dyn Session, task_id: &str, limit: i64) -> Result<Vec<String>> {
    let oldest: Vec<i64> = fetch!(scalars, s, "read the oldest executions", OLDEST, task_id, limit)?;
    Ok(oldest.into_iter().map(execution_id).collect())
}

pub(super) const OLDEST: &str = "
    select id from executions where task_id = $1 and status in ('queued', 'running') order by id limit $2 {skip_locked}";

/// Cancels the oldest unfinished runs of a task: a queued one at once, a running one by request to its node. Returns the ids of
/// the running ones.
pub async fn cancel_oldest(
    s: &mut dyn Session,
    task_id: &str,
    count: i64,
    reason: &Message,
    now: DateTime<Utc>,
) -> Result<Vec<String>> {
    let mut running = Vec::new();
    for id in oldest(s, task_id, count).await? {
        if !execution::cancel_queued(s, &id, reason, now).await? && execution::request_cancel(s, &id).await? {
            running.push(id);
        }
    }
    Ok(running)
}

/// Returns the number of waiting runs per task.
pub async fn waiting(s: &mut dyn Session) -> Result<HashMap<String, i64>> {
    let found: Vec<(String, i64)> = fetch!(all, s, "count waiting executions", WAITING)?;
    Ok(found.into_iter().collect())
}

pub(super) const WAITING: &str = "select task_id, count(*) from executions where waits and status = 'queued' group by task_id";

/// Lets the oldest waiting runs of a task start. Returns how many.
pub async fn release(s: &mut dyn Session, task_id: &str, limit: i64) -> Result<u64> {
    execute!(s, "release waiting executions", RELEASE, task_id, limit)
}

pub(super) const RELEASE: &str = "
    update executions set waits = false
    where id in (select id from executions where waits and status = 'queued' and task_id = $1 order by id limit $2)";

/// Deletes occurrences that were recorded while the clock was ahead and did not run, so that they are decided at their own
/// time. Returns the task and the scheduled time of each, in milliseconds.
pub async fn delete_premature(s: &mut dyn Session, occurrences: &[(&str, i64)], now: i64) -> Result<Vec<(String, i64)>> {
    let list = rows(occurrences)?;
    fetch!(all, s, "delete premature occurrences", DELETE_PREMATURE, list, now)
}

/// Row: 0 task, 1 scheduled time.
pub(super) const DELETE_PREMATURE: &str = "
    delete from executions where id in (
        select e.id from {rows} join executions e
            on e.task_id = j.value->>0 and e.scheduled_at = cast(j.value->>1 as bigint) and e.cause in ('schedule', 'catch_up')
        where e.status in ('skipped', 'missed') and e.queued_at > $2)
    returning task_id, scheduled_at";
