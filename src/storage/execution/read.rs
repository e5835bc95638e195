//! Reads of single executions.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::row::{ATTEMPT_COLUMNS, COLUMNS};
use crate::domain::execution::{Attempt, Execution};
use crate::ids::execution_key;
use crate::storage::statement::fetch;
use crate::storage::{Result, Session, json, optional_time_from_millis};

/// Returns an execution.
pub async fn get(s: &mut dyn Session, id: &str) -> Result<Option<Execution>> {
    let text = format!("select {COLUMNS} from executions where id = $1");
    fetch!(optional, s, "read an execution", &text, execution_key(id))
}

/// Returns the execution created by a request with this idempotency key.
pub async fn by_idempotency_key(s: &mut dyn Session, task_id: &str, key: &str) -> Result<Option<Execution>> {
    let text = format!("select {COLUMNS} from executions where task_id = $1 and idempotency_key = $2");
    fetch!(optional, s, "read an execution", &text, task_id, key)
}

/// Returns the result of an execution's latest attempt.
pub async fn result(s: &mut dyn Session, id: &str) -> Result<Option<Value>> {
    let text = "select result from executions where id = $1";
    let row: Option<(Option<String>,)> = fetch!(optional, s, "read a result", text, execution_key(id))?;
    row.and_then(|(result,)| result).map(|text| json(&text)).transpose()
}

/// Returns an execution's rendered parameters, secrets masked; `None` if they contain no templates.
pub async fn rendered_params(s: &mut dyn Session, id: &str) -> Result<Option<Value>> {
    let text = "select rendered_params from executions where id = $1";
    let row: Option<(Option<String>,)> = fetch!(optional, s, "read rendered parameters", text, execution_key(id))?;
    row.and_then(|(params,)| params).map(|text| json(&text)).transpose()
}

/// Returns the start of a task's newest succeeded run.
pub async fn last_success(s: &mut dyn Session, task_id: &str) -> Result<Option<DateTime<Utc>>> {
    let text = "select started_at from executions where task_id = $1 and status = 'succeeded' order by id desc limit 1";
    let found: Option<(Option<i64>,)> = fetch!(optional, s, "read the last success", text, task_id)?;
    optional_time_from_millis(found.and_then(|(at,)| at))
}

/// Returns the executions started by the end of this one, oldest first.
pub async fn started_by(s: &mut dyn Session, id: &str) -> Result<Vec<Execution>> {
    let text = format!("select {COLUMNS} from executions where started_by = $1 order by id limit 100");
    fetch!(all, s, "read chained executions", &text, execution_key(id))
}

/// Returns the result of a task's newest succeeded execution.
pub async fn newest_result(s: &mut dyn Session, task_id: &str) -> Result<Option<Value>> {
    let found: Option<String> = fetch!(scalar, s, "read a task's newest result", NEWEST_RESULT, task_id)?;
    found.map(|text| json(&text)).transpose()
}

/// Ids begin with their time, so the greatest id is the newest.
pub(in crate::storage) const NEWEST_RESULT: &str = "select result from executions
    where task_id = $1 and status = 'succeeded' and result is not null order by id desc limit 1";

/// Returns the attempts that were retried, oldest first. The latest attempt is the execution's own row.
pub async fn attempts(s: &mut dyn Session, id: &str) -> Result<Vec<Attempt>> {
    let text = format!("select {ATTEMPT_COLUMNS} from attempts where execution_id = $1 order by attempt");
    fetch!(all, s, "read attempts", &text, execution_key(id))
}
