//! Data for the alarms of tasks: mutes, limits of policies, last successes and unfinished runs.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::column::{ExecutionId, stored};
use super::statement::{execute, fetch};
use super::{Result, Session, Tx, millis, rows, time_from_millis};
use crate::domain::notify::limits::UnfinishedRun;
use crate::domain::task::Task;

/// Until when a task sends no messages, and who muted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mute {
    pub task_id: String,
    pub until: DateTime<Utc>,
    pub muted_by: String,
    pub muted_at: DateTime<Utc>,
}

stored! {
    MUTE_COLUMNS: Mute { task_id, until, muted_by, muted_at }
}

/// The mutes of these tasks that hold at `now`.
pub async fn mutes(s: &mut dyn Session, task_ids: &[&str], now: DateTime<Utc>) -> Result<HashMap<String, Mute>> {
    let list = rows(task_ids)?;
    let found: Vec<Mute> = fetch!(all, s, "read muted tasks", &mutes_sql(), list, millis(now))?;
    Ok(found.into_iter().map(|mute| (mute.task_id.clone(), mute)).collect())
}

pub(super) fn mutes_sql() -> String {
    format!("select {MUTE_COLUMNS} from task_mutes where task_id in {{ids}} and until > $2")
}

/// Mutes a task.
pub async fn mute(tx: &mut Tx, mute: &Mute) -> Result<()> {
    execute!(tx, "mute the task", MUTE, &mute.task_id, millis(mute.until), &mute.muted_by, millis(mute.muted_at)).map(drop)
}

pub(super) const MUTE: &str = "
    insert into task_mutes (task_id, until, muted_by, muted_at) values ($1, $2, $3, $4)
    on conflict (task_id) do update set until = excluded.until, muted_by = excluded.muted_by, muted_at = excluded.muted_at";

/// Ends the mute of a task.
pub async fn unmute(tx: &mut Tx, task_id: &str) -> Result<()> {
    execute!(tx, "unmute the task", UNMUTE, task_id).map(drop)
}

pub(super) const UNMUTE: &str = "delete from task_mutes where task_id = $1";

/// The enabled tasks whose policy has limits for alarms.
pub async fn with_limits(s: &mut dyn Session) -> Result<Vec<Task>> {
    fetch!(all, s, "read tasks with limits", &with_limits_sql())
}

pub(super) fn with_limits_sql() -> String {
    format!(r#"select {} from tasks where policy like '%"alert":{{%' and enabled"#, super::task::COLUMNS)
}

/// When the last success of each of these tasks began; tasks without one are left out.
pub async fn last_successes(s: &mut dyn Session, task_ids: &[&str]) -> Result<HashMap<String, DateTime<Utc>>> {
    let list = rows(task_ids)?;
    let found: Vec<(String, i64)> = fetch!(all, s, "read last successes", LAST_SUCCESSES, list)?;
    found.into_iter().map(|(id, at)| Ok((id, time_from_millis(at)?))).collect()
}

pub(super) const LAST_SUCCESSES: &str = "select id, last_success_at from tasks where id in {ids} and last_success_at is not null";

stored! {
    UnfinishedRun { execution_id via ExecutionId, task_id, status, scheduled_at, started_at, lateness_ms }
}

/// The unfinished runs of these tasks.
pub async fn unfinished(s: &mut dyn Session, task_ids: &[&str]) -> Result<Vec<UnfinishedRun>> {
    let list = rows(task_ids)?;
    fetch!(all, s, "read unfinished runs", UNFINISHED, list)
}

pub(super) const UNFINISHED: &str = "
    select id as execution_id, task_id, status, scheduled_at, started_at, lateness_ms from executions
    where task_id in {ids} and status in ('queued', 'running') order by task_id, id";
