//! States of tasks: what a task type keeps from one run to the next. Deleting a task deletes its state.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::column::stored;
use super::statement::{execute, fetch};
use super::{Result, Session, json, millis, rows};
use crate::domain::task_state::TaskState;

/// A state as a run has read it.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Tells the task from one of the same id that is created later.
    task_key: String,
    revision: i64,
    pub state: Option<Value>,
}

stored! { SNAPSHOT_COLUMNS: Snapshot { task_key, revision, state } }
stored! { COLUMNS: TaskState { state, updated_at, execution_id } }

/// Returns the state of a task; `None` if it never had one.
pub async fn get(s: &mut dyn Session, task_id: &str) -> Result<Option<TaskState>> {
    let text = format!("select {COLUMNS} from task_state where task_id = $1");
    fetch!(optional, s, "read the task's state", &text, task_id)
}

/// Returns the state of a task for a run that saves it later; `None` if the task does not exist.
pub async fn snapshot(s: &mut dyn Session, task_id: &str) -> Result<Option<Snapshot>> {
    let text = format!(
        "select {SNAPSHOT_COLUMNS} from (select t.task_key, coalesce(s.revision, 0) as revision, s.state
            from tasks t left join task_state s on s.task_id = t.id where t.id = $1) as found"
    );
    fetch!(optional, s, "read the task's state", &text, task_id)
}

/// Saves the state of a run. Returns false if the task was replaced, or its state changed since the snapshot.
pub async fn save(
    s: &mut dyn Session,
    task_id: &str,
    execution_id: &str,
    read: &Snapshot,
    state: &Value,
    now: DateTime<Utc>,
) -> Result<bool> {
    let text = "insert into task_state (task_id, state, revision, updated_at, execution_id)
        select id, $2, $3 + 1, $4, $5 from tasks where id = $1 and task_key = $6
        on conflict (task_id) do update set state = excluded.state, revision = excluded.revision,
            updated_at = excluded.updated_at, execution_id = excluded.execution_id
        where task_state.revision = $3";
    let (state, key) = (state.to_string(), &read.task_key);
    Ok(execute!(s, "save the task's state", text, task_id, state, read.revision, millis(now), execution_id, key)? > 0)
}

/// Forgets the state of a task; a run in progress does not save its own any more.
pub async fn reset(s: &mut dyn Session, task_id: &str, now: DateTime<Utc>) -> Result<()> {
    let text = "insert into task_state (task_id, state, revision, updated_at) values ($1, null, 1, $2)
        on conflict (task_id) do update set state = null, revision = task_state.revision + 1,
            updated_at = excluded.updated_at, execution_id = null";
    execute!(s, "reset the task's state", text, task_id, millis(now)).map(drop)
}

/// Returns all states, by task id.
pub async fn all(s: &mut dyn Session) -> Result<BTreeMap<String, Value>> {
    let text = "select task_id, state from task_state where state is not null";
    let found: Vec<(String, String)> = fetch!(all, s, "read the tasks' states", text)?;
    found.into_iter().map(|(id, state)| Ok((id, json(&state)?))).collect()
}

/// Returns which of these tasks have a state.
pub async fn with_state(s: &mut dyn Session, task_ids: &[&str]) -> Result<Vec<String>> {
    let text = "select task_id from task_state where state is not null and task_id in {ids}";
    let list = rows(task_ids)?;
    fetch!(scalars, s, "read the tasks' states", text, list)
}

/// Sets the states of tasks that have none.
pub async fn restore(s: &mut dyn Session, states: &[(&str, &Value)], now: DateTime<Utc>) -> Result<()> {
    let text = "insert into task_state (task_id, state, revision, updated_at)
        select j.value->>0, j.value->>1, 1, $2 from {rows} where true
        on conflict (task_id) do update set state = excluded.state, revision = task_state.revision + 1,
            updated_at = excluded.updated_at, execution_id = null
        where task_state.state is null";
    let list = rows(&states.iter().map(|(id, state)| (id, state.to_string())).collect::<Vec<_>>())?;
    execute!(s, "restore the tasks' states", text, list, millis(now)).map(drop)
}
