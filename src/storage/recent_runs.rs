//! Newest runs of many tasks in one statement, for the charts in lists.

use std::collections::HashMap;

use super::statement::fetch;
use super::{Result, Session, optional_time_from_millis, rows};
use crate::domain::execution::Status;
use crate::domain::stats::RunPoint;
use crate::ids::execution_id;

/// Returns the newest `limit` executions of each task, oldest first; tasks without any are omitted.
pub async fn for_tasks(s: &mut dyn Session, task_ids: &[&str], limit: i64) -> Result<HashMap<String, Vec<RunPoint>>> {
    if task_ids.is_empty() || limit < 1 {
        return Ok(HashMap::new());
    }
    let list = rows(&task_ids.iter().map(|id| [id]).collect::<Vec<_>>())?;
    let found: Vec<Row> = fetch!(all, s, "read recent runs", RECENT, list, limit - 1)?;
    let mut runs: HashMap<String, Vec<RunPoint>> = HashMap::new();
    for (id, task_id, status, started_at, duration_ms, lateness_ms) in found {
        let started_at = optional_time_from_millis(started_at)?;
        runs.entry(task_id).or_default().push(RunPoint { id: execution_id(id), status, started_at, duration_ms, lateness_ms });
    }
    Ok(runs)
}

type Row = (i64, String, Status, Option<i64>, Option<i64>, Option<i64>);

/// Row: 0 task id. `oldest` is the oldest execution to return; with fewer runs there is none.
pub(super) const RECENT: &str = "
    select e.id, e.task_id, e.status, e.started_at, e.duration_ms, e.lateness_ms
    from {rows} join executions e on e.task_id = j.value->>0 and e.id >= coalesce(
        (select oldest.id from executions oldest where oldest.task_id = j.value->>0 order by oldest.id desc limit 1 offset $2), 0)
    order by e.task_id, e.id";
