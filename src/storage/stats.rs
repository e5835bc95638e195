//! Statistics over a time window, each answered from an index: counts by status and type, and a sample of the newest runs for
//! percentiles.

use chrono::{DateTime, Utc};

use super::column::stored;
use super::statement::{QueryBuilder, fetch, fetch_built};
use super::{Result, Session, millis, run_stats, tag_scope};
use crate::domain::execution::Status;
use crate::domain::stats::{ActiveRuns, DueTask, SlowTask, TaskCounts};
use crate::domain::tag_scope::TagScope;
use crate::ids::first_execution_key;

/// Returns the number of executions queued since `from`, by status; of the succeeded ones, those that began since that minute.
pub async fn by_status(s: &mut dyn Session, from: DateTime<Utc>) -> Result<Vec<(Status, i64)>> {
    let mut counts = Vec::with_capacity(Status::ALL.len());
    for status in Status::ALL {
        let count = match status {
            Status::Succeeded => run_stats::since(s, status, from).await?,
            _ => {
                let text = count_with_status(status);
                fetch!(only, s, "count executions", &text, first_execution_key(from))?
            }
        };
        counts.push((status, count));
    }
    Ok(counts)
}

pub(super) fn count_with_status(status: Status) -> String {
    let indexed = if status.is_final() { "not in ('queued', 'running', 'succeeded')" } else { "in ('queued', 'running')" };
    let name = status.as_str();
    format!("select count(*) from executions where status = '{name}' and status {indexed} and id >= $1")
}

/// Returns the number of executions of a task type queued since `from`.
pub async fn count_of_type(s: &mut dyn Session, task_type: &str, from: DateTime<Utc>) -> Result<i64> {
    let text = "select count(*) from executions where task_type = $1 and id >= $2";
    fetch!(only, s, "count executions", text, task_type, first_execution_key(from))
}

/// Returns duration and lateness in milliseconds of the newest finished runs since `from`, at most `limit`.
pub async fn newest_runs(s: &mut dyn Session, from: DateTime<Utc>, limit: i64) -> Result<Vec<(i64, i64)>> {
    let text = "select coalesce(duration_ms, 0), coalesce(lateness_ms, 0) from executions
        where id >= $1 and duration_ms is not null order by id desc limit $2";
    fetch!(all, s, "read durations", text, first_execution_key(from), limit)
}

/// Returns the number of tasks in scope: in total, enabled, and failing (the last run failed).
pub async fn tasks(s: &mut dyn Session, scope: &TagScope) -> Result<TaskCounts> {
    let text = "select count(*), coalesce(sum(case when enabled then 1 else 0 end), 0),
            coalesce(sum(case when last_status in ('failed', 'timed_out', 'interrupted') then 1 else 0 end), 0)
        from tasks where true";
    let mut query = QueryBuilder::new(text);
    tag_scope::push(&mut query, "id", scope);
    let (total, enabled, failing): (i64, i64, i64) = fetch_built!(one, s, "count tasks", query)?;
    Ok(TaskCounts { total, enabled, failing })
}

/// Returns the next runs of the tasks in scope, soonest first.
pub async fn due_next(s: &mut dyn Session, scope: &TagScope, limit: i64) -> Result<Vec<DueTask>> {
    firings(s, scope, "next_run_at is not null", limit).await
}

/// Returns the next runs that match a condition, soonest first.
async fn firings(s: &mut dyn Session, scope: &TagScope, condition: &str, limit: i64) -> Result<Vec<DueTask>> {
    let mut query = QueryBuilder::new(format!("select id as task_id, name, next_run_at from tasks where {condition}"));
    tag_scope::push(&mut query, "id", scope);
    query.push(" order by next_run_at limit ").push_bind(limit);
    fetch_built!(all, s, "read the next runs", query)
}

stored! {
    DueTask { task_id, name, next_run_at }
}

/// Returns the tasks in scope whose last run took longest, if it took a second or more.
pub async fn slowest(s: &mut dyn Session, scope: &TagScope, limit: i64) -> Result<Vec<SlowTask>> {
    let query = slowest_query(scope, limit);
    fetch_built!(all, s, "read the slowest tasks", query)
}

pub(super) fn slowest_query(scope: &TagScope, limit: i64) -> QueryBuilder {
    let text = "select id as task_id, name, last_duration_ms, last_run_at, last_status from tasks
        where last_duration_ms >= 1000 and last_run_at is not null and last_status is not null";
    let mut query = QueryBuilder::new(text);
    tag_scope::push(&mut query, "id", scope);
    query.push(" order by last_duration_ms desc limit ").push_bind(limit);
    query
}

stored! {
    SlowTask { task_id, name, last_duration_ms, last_run_at, last_status }
}

/// Returns the number of queued and running executions, by status.
pub async fn active(s: &mut dyn Session) -> Result<Vec<(Status, i64)>> {
    let text = "select status, count(*) from executions where status in ('queued', 'running') group by status";
    fetch!(all, s, "count active executions", text)
}

/// Like [`active`], for the tasks in scope, counting at most `limit` executions.
pub async fn active_up_to(s: &mut dyn Session, scope: &TagScope, limit: i64) -> Result<Vec<(Status, i64)>> {
    let text = "select status, count(*) from (select status from executions where status in ('queued', 'running')";
    let mut query = QueryBuilder::new(text);
    tag_scope::push(&mut query, "task_id", scope);
    query.push(" limit ").push_bind(limit).push(") as active group by status");
    fetch_built!(all, s, "count active executions", query)
}

/// Like [`active_up_to`], by queue as well.
pub async fn active_by_queue(s: &mut dyn Session, scope: &TagScope, limit: i64) -> Result<Vec<ActiveRuns>> {
    let query = active_by_queue_query(scope, limit);
    fetch_built!(all, s, "count active executions", query)
}

pub(super) fn active_by_queue_query(scope: &TagScope, limit: i64) -> QueryBuilder {
    let text = "select status, coalesce(queue, '') as queue, held, waiting, count(*) as runs from (select status, queue,
            node_id is not null as held, node_id is null and retry_at is null and not waits as waiting
        from executions where status in ('queued', 'running')";
    let mut query = QueryBuilder::new(text);
    tag_scope::push(&mut query, "task_id", scope);
    query.push(" limit ").push_bind(limit).push(") as active group by status, queue, held, waiting");
    query
}

stored! {
    ActiveRuns { status, queue, held, waiting, runs }
}

/// Returns the tasks in scope whose next run is before `before`, the most overdue first.
pub async fn overdue(s: &mut dyn Session, scope: &TagScope, before: DateTime<Utc>, limit: i64) -> Result<Vec<DueTask>> {
    firings(s, scope, &format!("next_run_at < {}", millis(before)), limit).await
}

/// Returns whether no task is due by `due_by` and no execution is queued or running.
pub async fn is_idle(s: &mut dyn Session, due_by: DateTime<Utc>) -> Result<bool> {
    let text = "select (select count(*) from (select 1 from tasks where next_run_at <= $1 limit 1) as due)
            + (select count(*) from (select 1 from executions where status in ('queued', 'running') limit 1) as active)";
    let left: i64 = fetch!(only, s, "check for due tasks and active executions", text, millis(due_by))?;
    Ok(left == 0)
}

/// Checks that the database responds.
pub async fn ping(s: &mut dyn Session) -> Result<()> {
    let _: i64 = fetch!(only, s, "reach the database", "select cast(1 as bigint)")?;
    Ok(())
}
