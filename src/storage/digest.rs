//! Contents of digests: tasks in short, and the runs of a span that did not succeed, from indexes.

use chrono::{DateTime, Utc};

use super::column::stored;
use super::statement::fetch;
use super::{Result, Session, rows};
use crate::domain::execution::Status;
use crate::ids::first_execution_key;

/// A task in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskInShort {
    pub id: String,
    pub tags: Vec<String>,
    pub task_type: String,
    pub enabled: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub next_run_at: Option<DateTime<Utc>>,
    pub last_run_at: Option<DateTime<Utc>>,
    pub last_duration_ms: Option<i64>,
}

stored! {
    COLUMNS: TaskInShort { id, tags, task_type, enabled, created_at, updated_at, next_run_at, last_run_at, last_duration_ms }
}

/// All tasks in short: one read of the table a digest.
pub async fn tasks(s: &mut dyn Session) -> Result<Vec<TaskInShort>> {
    let text = format!("select {COLUMNS} from tasks order by id");
    fetch!(all, s, "read tasks", &text)
}

/// The number of executions queued since `from` that ended without success, by task and status.
pub async fn unsuccessful(s: &mut dyn Session, from: DateTime<Utc>) -> Result<Vec<(String, Status, i64)>> {
    fetch!(all, s, "count failures", UNSUCCESSFUL, first_execution_key(from))
}

/// The inner limit keeps the order of the ids, so that only the span is read, whatever the groups.
pub(super) const UNSUCCESSFUL: &str = "
    select task_id, status, count(*) from (
        select task_id, status from executions
        where id >= $1 and status not in ('queued', 'running', 'succeeded') order by id limit 1000000) as ended
    group by task_id, status order by task_id, status";

/// The number of executions of these tasks queued since `from`.
pub async fn count_runs(s: &mut dyn Session, task_ids: &[&str], from: DateTime<Utc>) -> Result<i64> {
    let list = rows(task_ids)?;
    fetch!(only, s, "count runs", COUNT_RUNS, list, first_execution_key(from))
}

pub(super) const COUNT_RUNS: &str = "select count(*) from executions where task_id in {ids} and id >= $2";
