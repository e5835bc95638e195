//! Attempts: claiming an execution and recording its result.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::error;
use crate::domain::execution::Status;
use crate::domain::node::NodeIdentity;
use crate::i18n::Message;
use crate::storage::counters;
use crate::storage::run_stats_by_minute::CountedRun;
use crate::storage::statement::{execute, fetch};
use crate::storage::{Result, Session, millis, rows};

/// An attempt about to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub execution_id: String,
    pub attempt: i64,
    pub started_at: DateTime<Utc>,
}

/// Claims queued executions for a node and returns the claimed ids. The others were cancelled or claimed by another attempt.
/// The previous attempt's result stays until this attempt records one, because the attempt may resume from it.
pub async fn claim(s: &mut dyn Session, node: &NodeIdentity, claims: &[Claim]) -> Result<HashSet<String>> {
    if claims.is_empty() {
        return Ok(HashSet::new());
    }
    let row = |claim: &'_ Claim| (claim.execution_id.clone(), claim.attempt, millis(claim.started_at));
    let list = rows(&claims.iter().map(row).collect::<Vec<_>>())?;
    let taken: Vec<String> = fetch!(scalars, s, "claim executions", CLAIM, list, &node.name, &node.id)?;
    Ok(taken.into_iter().collect())
}

/// Row: 0 id, 1 attempt, 2 start.
pub(in crate::storage) const CLAIM: &str = "
    update executions set status = 'running', node = $2, node_id = $3, started_at = cast(j.value->>2 as bigint),
        lateness_ms = coalesce(lateness_ms, cast(j.value->>2 as bigint) - scheduled_at),
        finished_at = null, duration_ms = null, error = null, error_message = null, rendered_params = null
    from {rows}
    where executions.id = j.value->>0 and executions.status = 'queued'
        and executions.attempt = cast(j.value->>1 as bigint) and executions.retry_at is null
    returning executions.id";

/// Returns which of these very claims the node holds already: the commit succeeded, but its answer was lost.
pub async fn held_claims(s: &mut dyn Session, node_id: &str, claims: &[Claim]) -> Result<HashSet<String>> {
    let row = |claim: &'_ Claim| (claim.execution_id.clone(), claim.attempt, millis(claim.started_at));
    let list = rows(&claims.iter().map(row).collect::<Vec<_>>())?;
    let held: Vec<String> = fetch!(scalars, s, "read claims", HELD_CLAIMS, list, node_id)?;
    Ok(held.into_iter().collect())
}

/// Rows as for [`CLAIM`].
pub(in crate::storage) const HELD_CLAIMS: &str = "
    select e.id from {rows} join executions e on e.id = j.value->>0
    where e.status = 'running' and e.node_id = $2 and e.attempt = cast(j.value->>1 as bigint)
        and e.started_at = cast(j.value->>2 as bigint)";

/// The parameters of a running attempt with templates rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    pub execution_id: String,
    pub attempt: i64,
    /// As JSON, secrets masked.
    pub params: String,
}

/// Stores the rendered parameters of attempts that still hold their execution.
pub async fn save_rendered(s: &mut dyn Session, node_id: &str, rendered: &[Rendered]) -> Result<()> {
    let list = rendered.iter().map(|one| (&one.execution_id, one.attempt, &one.params)).collect::<Vec<_>>();
    let list = rows(&list)?;
    execute!(s, "save rendered parameters", SAVE_RENDERED, &list, node_id).map(drop)
}

/// Row: 0 id, 1 attempt, 2 parameters.
pub(in crate::storage) const SAVE_RENDERED: &str = "
    update executions set rendered_params = j.value->>2
    from {rows}
    where executions.id = j.value->>0 and executions.status = 'running' and executions.node_id = $2
        and executions.attempt = cast(j.value->>1 as bigint)";

/// Counts one more death of the process for each of these executions.
pub async fn count_crashes(s: &mut dyn Session, ids: &[String]) -> Result<()> {
    let list = rows(&ids.iter().map(|id| (id,)).collect::<Vec<_>>())?;
    execute!(s, "count crashes", COUNT_CRASHES, &list).map(drop)
}

/// Row: 0 id.
pub(in crate::storage) const COUNT_CRASHES: &str =
    "update executions set crashes = crashes + 1 from {rows} where executions.id = j.value->>0";

/// The result of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Finish {
    pub execution_id: String,
    pub attempt: i64,
    /// The attempt's final status.
    pub status: Status,
    /// If set, the execution is queued again and its next attempt is due then; this attempt moves to the table `attempts`.
    pub retry_at: Option<DateTime<Utc>>,
    pub finished_at: DateTime<Utc>,
    pub duration_ms: i64,
    pub error: Option<Message>,
    pub result: Option<Value>,
}

/// Records the results of attempts that still hold their execution, updates the tasks' counters, and stores attempts that will
/// be retried. Returns the ids of the recorded executions.
pub async fn finish(s: &mut dyn Session, node_id: &str, finishes: &[Finish]) -> Result<HashSet<String>> {
    if finishes.is_empty() {
        return Ok(HashSet::new());
    }
    let list: Vec<_> = finishes.iter().map(finish_row).collect();
    let list = rows(&list)?;
    if finishes.iter().any(|finish| finish.retry_at.is_some()) {
        execute!(s, "save attempts", INSERT_ATTEMPTS, &list, node_id)?;
    }
    let counted: Vec<CountedRun> = fetch!(all, s, "record results", FINISH, &list, node_id)?;
    counters::count_runs(s, &counted).await?;
    Ok(counted.into_iter().map(|row| row.id).collect())
}

/// Returns which of these very results the node recorded already: the commit succeeded, but its answer was lost.
pub async fn recorded_finishes(s: &mut dyn Session, node_id: &str, finishes: &[Finish]) -> Result<HashSet<String>> {
    let list: Vec<_> = finishes.iter().map(finish_row).collect();
    let list = rows(&list)?;
    let recorded: Vec<String> = fetch!(scalars, s, "read results", RECORDED_FINISHES, list, node_id)?;
    Ok(recorded.into_iter().collect())
}

/// Rows as for [`FINISH`].
pub(in crate::storage) const RECORDED_FINISHES: &str = "
    select e.id from {rows} join executions e on e.id = j.value->>0
    where e.node_id = $2 and e.finished_at = cast(j.value->>4 as bigint)
        and case when j.value->>3 is null
            then e.attempt = cast(j.value->>1 as bigint) and e.status = j.value->>2
            else e.attempt = cast(j.value->>1 as bigint) + 1 end";

/// Rows as for [`FINISH`].
const INSERT_ATTEMPTS: &str = "
    insert into attempts (execution_id, attempt, status, started_at, finished_at, duration_ms, error, error_message, node)
    select e.id, e.attempt, j.value->>2, e.started_at, cast(j.value->>4 as bigint),
        cast(j.value->>5 as bigint), j.value->>6, j.value->>8, e.node
    from {rows} join executions e on e.id = j.value->>0
    where j.value->>3 is not null and e.status = 'running' and e.node_id = $2
        and e.attempt = cast(j.value->>1 as bigint)
    on conflict do nothing";

/// Row: 0 id, 1 attempt, 2 status, 3 next attempt's due time, 4 end, 5 duration, 6 error, 7 result, 8 error as a message.
pub(in crate::storage) const FINISH: &str = "
    update executions set
        status = case when j.value->>3 is null then j.value->>2 else 'queued' end,
        attempt = case when j.value->>3 is null then attempt else attempt + 1 end,
        retry_at = cast(j.value->>3 as bigint), finished_at = cast(j.value->>4 as bigint),
        duration_ms = cast(j.value->>5 as bigint), error = j.value->>6, error_message = j.value->>8,
        result = j.value->>7
    from {rows}
    where executions.id = j.value->>0 and executions.status = 'running' and executions.node_id = $2
        and executions.attempt = cast(j.value->>1 as bigint)
    returning executions.id, executions.task_id, executions.status, executions.started_at, executions.duration_ms";

type FinishRow<'f> = (&'f str, i64, &'static str, Option<i64>, i64, i64, Option<String>, Option<String>, Option<String>);

fn finish_row(finish: &Finish) -> FinishRow<'_> {
    (
        &finish.execution_id,
        finish.attempt,
        finish.status.as_str(),
        finish.retry_at.map(millis),
        millis(finish.finished_at),
        finish.duration_ms,
        error::words(finish.error.as_ref()),
        finish.result.as_ref().map(Value::to_string),
        error::coded(finish.error.as_ref()),
    )
}
