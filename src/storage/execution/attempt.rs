//! Attempts: claiming an execution, marking it as running and recording its result. An attempt holds its execution from the
//! claim to the result: the row has its node, and the status queued or, for runs that are not quick, running.
//!
//! `is true` hides the condition on the status from the partial index of active executions: a list of ids is found by the primary
//! key, however many executions are active.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::error;
use crate::domain::execution::Status;
use crate::domain::node::NodeIdentity;
use crate::i18n::Message;
use crate::ids::{execution_id, execution_key};
use crate::storage::counters;
use crate::storage::run_stats::CountedRun;
use crate::storage::statement::{execute, fetch};
use crate::storage::{Result, Session, millis, rows};

/// The start of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub execution_id: String,
    pub attempt: i64,
    pub started_at: DateTime<Utc>,
}

fn claim_rows(claims: &[Claim]) -> Result<String> {
    let row = |claim: &Claim| (execution_key(&claim.execution_id), claim.attempt, millis(claim.started_at));
    rows(&claims.iter().map(row).collect::<Vec<_>>())
}

/// Claims waiting executions for a node and returns the claimed ids. The others were cancelled or claimed by another attempt.
/// The previous attempt's result stays until this attempt records one, because the attempt may resume from it.
pub async fn claim(s: &mut dyn Session, node: &NodeIdentity, claims: &[Claim]) -> Result<HashSet<String>> {
    if claims.is_empty() {
        return Ok(HashSet::new());
    }
    let taken: Vec<i64> = fetch!(scalars, s, "claim executions", CLAIM, claim_rows(claims)?, &node.name, &node.id)?;
    Ok(taken.into_iter().map(execution_id).collect())
}

/// Row: 0 id, 1 attempt, 2 start.
pub(in crate::storage) const CLAIM: &str = "
    update executions set node = $2, node_id = $3, started_at = cast(j.value->>2 as bigint),
        lateness_ms = coalesce(lateness_ms, cast(j.value->>2 as bigint)
            - case when cause = 'backfill' then queued_at else scheduled_at end),
        finished_at = null, duration_ms = null, error = null, error_message = null, rendered_params = null
    from {rows}
    where executions.id = cast(j.value->>0 as bigint) and executions.status = 'queued' and executions.node_id is null
        and executions.attempt = cast(j.value->>1 as bigint) and executions.retry_at is null and not executions.waits
    returning executions.id";

/// Marks held executions as running and returns their ids. The others have ended, or are held by another attempt.
pub async fn mark_running(s: &mut dyn Session, node_id: &str, started: &[Claim]) -> Result<HashSet<String>> {
    let marked: Vec<i64> = fetch!(scalars, s, "mark running executions", MARK_RUNNING, claim_rows(started)?, node_id)?;
    Ok(marked.into_iter().map(execution_id).collect())
}

/// Rows as for [`CLAIM`]. Not only from queued: an answer may have been lost.
pub(in crate::storage) const MARK_RUNNING: &str = "
    update executions set status = 'running', started_at = cast(j.value->>2 as bigint),
        lateness_ms = coalesce(lateness_ms, cast(j.value->>2 as bigint)
            - case when cause = 'backfill' then queued_at else scheduled_at end)
    from {rows}
    where executions.id = cast(j.value->>0 as bigint) and (executions.status in ('queued', 'running')) is true
        and executions.node_id = $2 and executions.attempt = cast(j.value->>1 as bigint)
    returning executions.id";

/// Lets a node's held executions that have not begun wait again, except those of `begun`. Returns how many.
pub async fn release(s: &mut dyn Session, node_id: &str, begun: &[String]) -> Result<u64> {
    let begun = rows(&begun.iter().map(|id| execution_key(id)).collect::<Vec<_>>())?;
    execute!(s, "release executions", RELEASE, begun, node_id)
}

pub(in crate::storage) const RELEASE: &str = "
    update executions set node = null, node_id = null, started_at = null,
        lateness_ms = case when attempt = 1 then null else lateness_ms end
    where status in ('queued', 'running') and status = 'queued' and node_id = $2 and id not in {keys}";

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
    let row = |one: &'_ Rendered| (execution_key(&one.execution_id), one.attempt, one.params.clone());
    let list = rows(&rendered.iter().map(row).collect::<Vec<_>>())?;
    execute!(s, "save rendered parameters", SAVE_RENDERED, &list, node_id).map(drop)
}

/// Row: 0 id, 1 attempt, 2 parameters.
pub(in crate::storage) const SAVE_RENDERED: &str = "
    update executions set rendered_params = j.value->>2
    from {rows}
    where executions.id = cast(j.value->>0 as bigint) and (executions.status in ('queued', 'running')) is true
        and executions.node_id = $2 and executions.attempt = cast(j.value->>1 as bigint)";

/// Counts one more death of the process for each of these executions.
pub async fn count_crashes(s: &mut dyn Session, ids: &[String]) -> Result<()> {
    let list = rows(&ids.iter().map(|id| (execution_key(id),)).collect::<Vec<_>>())?;
    execute!(s, "count crashes", COUNT_CRASHES, &list).map(drop)
}

/// Row: 0 id.
pub(in crate::storage) const COUNT_CRASHES: &str =
    "update executions set crashes = crashes + 1 from {rows} where executions.id = cast(j.value->>0 as bigint)";

/// The result of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Finish {
    pub execution_id: String,
    pub attempt: i64,
    /// The attempt's final status.
    pub status: Status,
    /// If set, the execution is queued again and its next attempt is due then; this attempt moves to the table `attempts`.
    pub retry_at: Option<DateTime<Utc>>,
    pub started_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
    pub duration_ms: i64,
    pub error: Option<Message>,
    pub result: Option<Value>,
}

/// The recorded results.
#[derive(Debug, Default)]
pub struct Finished {
    /// The ids of the recorded executions.
    pub executions: HashSet<String>,
    /// The ids of their tasks that have open incidents.
    pub tasks_with_incidents: HashSet<String>,
}

/// Records the results of attempts that still hold their execution, updates the tasks' counters, and stores attempts that will
/// be retried.
pub async fn finish(s: &mut dyn Session, node_id: &str, finishes: &[Finish]) -> Result<Finished> {
    if finishes.is_empty() {
        return Ok(Finished::default());
    }
    let list: Vec<_> = finishes.iter().map(finish_row).collect();
    let list = rows(&list)?;
    if finishes.iter().any(|finish| finish.retry_at.is_some()) {
        execute!(s, "save attempts", INSERT_ATTEMPTS, &list, node_id)?;
    }
    let counted: Vec<CountedRun> = fetch!(all, s, "record results", FINISH, &list, node_id)?;
    let tasks_with_incidents = counters::count_runs(s, &counted).await?;
    Ok(Finished { executions: counted.into_iter().map(|row| row.id).collect(), tasks_with_incidents })
}

/// Returns which of these very results are recorded already: the commit succeeded, but its answer was lost.
pub async fn recorded_finishes(s: &mut dyn Session, finishes: &[Finish]) -> Result<HashSet<String>> {
    let list: Vec<_> = finishes.iter().map(finish_row).collect();
    let list = rows(&list)?;
    let recorded: Vec<i64> = fetch!(scalars, s, "read results", RECORDED_FINISHES, list)?;
    Ok(recorded.into_iter().map(execution_id).collect())
}

/// Rows as for [`FINISH`]. No node holds the execution any more; the start and the end of the attempt identify the result.
pub(in crate::storage) const RECORDED_FINISHES: &str = "
    select e.id from {rows} join executions e on e.id = cast(j.value->>0 as bigint)
    where e.started_at = cast(j.value->>9 as bigint) and e.finished_at = cast(j.value->>4 as bigint)
        and case when j.value->>3 is null
            then e.attempt = cast(j.value->>1 as bigint) and e.status = j.value->>2
            else e.attempt = cast(j.value->>1 as bigint) + 1 and e.status = 'queued' end";

/// Rows as for [`FINISH`].
pub(in crate::storage) const INSERT_ATTEMPTS: &str = "
    insert into attempts (execution_id, attempt, status, started_at, finished_at, duration_ms, error, error_message, node)
    select e.id, e.attempt, j.value->>2, cast(j.value->>9 as bigint), cast(j.value->>4 as bigint),
        cast(j.value->>5 as bigint), j.value->>6, j.value->>8, e.node
    from {rows} join executions e on e.id = cast(j.value->>0 as bigint)
    where j.value->>3 is not null and (e.status in ('queued', 'running')) is true and e.node_id = $2
        and e.attempt = cast(j.value->>1 as bigint)
    on conflict do nothing";

/// Row: 0 id, 1 attempt, 2 status, 3 next attempt's due time, 4 end, 5 duration, 6 error, 7 result, 8 error as a message,
/// 9 start.
pub(in crate::storage) const FINISH: &str = "
    update executions set
        status = case when j.value->>3 is null then j.value->>2 else 'queued' end,
        attempt = case when j.value->>3 is null then attempt else attempt + 1 end,
        retry_at = cast(j.value->>3 as bigint), finished_at = cast(j.value->>4 as bigint),
        started_at = cast(j.value->>9 as bigint),
        lateness_ms = coalesce(lateness_ms, cast(j.value->>9 as bigint)
            - case when cause = 'backfill' then queued_at else scheduled_at end),
        duration_ms = cast(j.value->>5 as bigint), error = j.value->>6, error_message = j.value->>8,
        result = j.value->>7, queue = case when j.value->>3 is null then null else queue end,
        priority = case when j.value->>3 is null then null else priority end,
        node_id = null
    from {rows}
    where executions.id = cast(j.value->>0 as bigint) and (executions.status in ('queued', 'running')) is true
        and executions.node_id = $2 and executions.attempt = cast(j.value->>1 as bigint)
    returning executions.id, executions.task_id, executions.status, executions.started_at, executions.duration_ms,
        coalesce((select tasks.created_at <= executions.queued_at from tasks where tasks.id = executions.task_id), false)
            as is_of_present_task";

type FinishRow = (i64, i64, &'static str, Option<i64>, i64, i64, Option<String>, Option<String>, Option<String>, i64);

fn finish_row(finish: &Finish) -> FinishRow {
    (
        execution_key(&finish.execution_id),
        finish.attempt,
        finish.status.as_str(),
        finish.retry_at.map(millis),
        millis(finish.finished_at),
        finish.duration_ms,
        error::words(finish.error.as_ref()),
        finish.result.as_ref().map(Value::to_string),
        error::coded(finish.error.as_ref()),
        millis(finish.started_at),
    )
}
