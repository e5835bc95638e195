//! The last result of a task, from which a run may resume.

use serde_json::Value;

use crate::storage::statement::fetch;
use crate::storage::{Result, Session, json};

/// Returns the newest result of a task: of a succeeded or failed run, or of an earlier attempt of the current one.
pub async fn last_result(s: &mut dyn Session, task_id: &str) -> Result<Option<Value>> {
    let found: Option<String> = fetch!(scalar, s, "read a task's last result", LAST_RESULT, task_id)?;
    found.map(|text| json(&text)).transpose()
}

/// Ids begin with their time, so the greatest id is the newest.
pub(in crate::storage) const LAST_RESULT: &str = "select result from executions
    where task_id = $1 and result is not null order by id desc limit 1";
