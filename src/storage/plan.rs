//! Statements of the scheduler: due tasks, due retries, and the next due time. If several nodes plan, each firing is taken by
//! one of them: a task advances only from the next run that was read.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::column::stored;
use super::statement::{execute, fetch};
use super::{Conn, Dialect, Error, Result, Session, millis, rows, time_from_millis};
use crate::domain::policy::Policy;
use crate::domain::task::Task;

/// Returns the tasks whose next run is at or before `now`, the most overdue first, at most `limit`.
pub async fn due(s: &mut dyn Session, now: DateTime<Utc>, limit: i64) -> Result<Vec<Task>> {
    let text = due_sql();
    fetch!(all, s, "read due tasks", &text, millis(now), limit)
}

pub(super) fn due_sql() -> String {
    format!("select {} from tasks where next_run_at <= $1 order by next_run_at limit $2", super::task::COLUMNS)
}

/// Returns the number of queued and running executions per task; tasks without any are omitted.
pub async fn active(s: &mut dyn Session, task_ids: &[&str]) -> Result<HashMap<String, i64>> {
    let list = rows(task_ids)?;
    let found: Vec<(String, i64)> = fetch!(all, s, "count active executions", ACTIVE, list)?;
    Ok(found.into_iter().collect())
}

pub(super) const ACTIVE: &str = "
    select task_id, count(*) from executions
    where status in ('queued', 'running') and task_id in {ids} group by task_id";

/// A task's advance to its next run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    pub task_id: String,
    /// The version that was read; a task changed since then is not advanced.
    pub version: i64,
    pub from: Option<DateTime<Utc>>,
    pub next_run_at: Option<DateTime<Utc>>,
    pub next_rule_at: Option<DateTime<Utc>>,
}

/// Advances tasks to their next runs and returns the ids of those advanced. A task is skipped if it was changed, deleted or
/// advanced by another node since it was read, or if another node has locked it.
pub async fn advance(s: &mut dyn Session, advances: &[Advance]) -> Result<HashSet<String>> {
    if advances.is_empty() {
        return Ok(HashSet::new());
    }
    let unlocked = lock_unlocked(s, advances).await?;
    let advances = advances.iter().filter(|to| unlocked.as_ref().is_none_or(|unlocked| unlocked.contains(&to.task_id)));
    let row = |to: &'_ Advance| {
        (to.task_id.clone(), to.next_run_at.map(millis), to.next_rule_at.map(millis), to.version, to.from.map(millis))
    };
    let list = rows(&advances.map(row).collect::<Vec<_>>())?;
    let advanced: Vec<String> = fetch!(scalars, s, "advance tasks", ADVANCE, list)?;
    Ok(advanced.into_iter().collect())
}

/// Locks the tasks that no other node has locked, so that two nodes advancing the same tasks do not wait for each other. `None`
/// for SQLite, which has one writer.
async fn lock_unlocked(s: &mut dyn Session, advances: &[Advance]) -> Result<Option<HashSet<String>>> {
    let Conn::Postgres(conn) = s.conn() else { return Ok(None) };
    let text = Dialect::Postgres.sql("select id from tasks where id in {ids} {skip_locked}");
    let list = rows(&advances.iter().map(|to| to.task_id.as_str()).collect::<Vec<_>>())?;
    let locked: Vec<String> =
        sqlx::query_scalar(text).bind(list).fetch_all(&mut *conn).await.map_err(Error::on("lock due tasks"))?;
    Ok(Some(locked.into_iter().collect()))
}

/// Row: 0 task, 1 next run, 2 the rule's own scheduled time, 3 version and 4 next run as read.
pub(super) const ADVANCE: &str = "
    update tasks set next_run_at = cast(j.value->>1 as bigint), next_rule_at = cast(j.value->>2 as bigint)
    from {rows}
    where tasks.id = j.value->>0 and tasks.version = cast(j.value->>3 as bigint)
        and tasks.next_run_at = cast(j.value->>4 as bigint)
    returning tasks.id";

/// Returns the earliest next run or retry; it may be in the past.
pub async fn next_due(s: &mut dyn Session) -> Result<Option<DateTime<Utc>>> {
    let (task, retry): (Option<i64>, Option<i64>) = fetch!(one, s, "read the next due time", NEXT_DUE)?;
    [task, retry].into_iter().flatten().min().map(time_from_millis).transpose()
}

pub(super) const NEXT_DUE: &str = "
    select (select min(next_run_at) from tasks where next_run_at is not null),
           (select min(retry_at) from executions where retry_at is not null)";

/// An execution whose next attempt is due.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryDue {
    pub execution_id: String,
    pub task_id: String,
    pub task_type: String,
    pub attempt: i64,
    pub scheduled_at: DateTime<Utc>,
    pub params: Value,
    pub started_by: Option<String>,
    /// Whether the task starts other tasks after a run.
    pub chained: bool,
    /// The task's current policy.
    pub policy: Policy,
}

/// Takes at most `limit` executions whose next attempt is due; they then wait for a worker.
pub async fn take_due_retries(s: &mut dyn Session, now: DateTime<Utc>, limit: i64) -> Result<Vec<RetryDue>> {
    let text = "select id from executions where retry_at <= $1 and status = 'queued' order by retry_at limit $2 {skip_locked}";
    let ids: Vec<String> = fetch!(scalars, s, "read due retries", text, millis(now), limit)?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let list = rows(&ids)?;
    execute!(s, "queue due retries", "update executions set retry_at = null where id in {ids}", &list)?;
    let text = "select e.id as execution_id, e.task_id, e.task_type, e.attempt, e.scheduled_at, e.params, e.started_by,
            coalesce(t.chain, '[]') <> '[]' as chained, coalesce(t.policy, '{}') as policy
        from executions e left join tasks t on t.id = e.task_id where e.id in {ids} order by e.id";
    fetch!(all, s, "read due retries", text, &list)
}

stored! {
    RetryDue { execution_id, task_id, task_type, attempt, scheduled_at, params, started_by, chained, policy }
}
