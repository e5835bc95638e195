//! What the scheduler reads and moves on: tasks that are due, retries that are due, and when to look again. Where other nodes
//! plan too, each firing is taken by one of them: a task moves on only from where it was read.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::FromRow;

use super::database::on_session;
use super::task::{TaskRow, read_policy};
use super::{Conn, Dialect, Error, Result, Session, instant, millis, rows};
use crate::domain::policy::Policy;
use crate::domain::task::Task;

/// The tasks whose next firing is at or before `now`, the longest waiting first, at most `limit`.
///
/// # Errors
/// Where the database fails.
pub async fn due(s: &mut dyn Session, now: DateTime<Utc>, limit: i64) -> Result<Vec<Task>> {
    let text = due_sql();
    let found: Vec<TaskRow> = on_session!(s, |conn, dialect| {
        sqlx::query_as(dialect.sql(&text)).bind(millis(now)).bind(limit).fetch_all(&mut *conn).await
    })
    .map_err(Error::on("read due tasks"))?;
    found.into_iter().map(Task::try_from).collect()
}

pub(super) fn due_sql() -> String {
    format!("select {} from tasks where next_run_at <= $1 order by next_run_at limit $2", super::task::COLUMNS)
}

/// How many executions of each task are queued or running; tasks without any are left out.
///
/// # Errors
/// Where the database fails.
pub async fn active(s: &mut dyn Session, task_ids: &[&str]) -> Result<HashMap<String, i64>> {
    let list = rows(task_ids)?;
    let found: Vec<(String, i64)> =
        on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(ACTIVE)).bind(list).fetch_all(&mut *conn).await)
            .map_err(Error::on("count active executions"))?;
    Ok(found.into_iter().collect())
}

pub(super) const ACTIVE: &str = "
    select task_id, count(*) from executions
    where status in ('queued', 'running') and task_id in {ids} group by task_id";

/// A task's move to its next firing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    pub task_id: String,
    /// What the task was when it was read; a task that has changed since stays where it is.
    pub version: i64,
    pub from: Option<DateTime<Utc>>,
    pub next_run_at: Option<DateTime<Utc>>,
    pub next_rule_at: Option<DateTime<Utc>>,
}

/// Moves tasks on to their next firings and answers which moved: not those that were changed, deleted, or moved by another
/// node since they were read, or that another node holds.
///
/// # Errors
/// Where the database fails.
pub async fn advance(s: &mut dyn Session, moves: &[Advance]) -> Result<HashSet<String>> {
    if moves.is_empty() {
        return Ok(HashSet::new());
    }
    let free = unlocked(s, moves).await?;
    let moves = moves.iter().filter(|to| free.as_ref().is_none_or(|free| free.contains(&to.task_id)));
    let row = |to: &'_ Advance| {
        (to.task_id.clone(), to.next_run_at.map(millis), to.next_rule_at.map(millis), to.version, to.from.map(millis))
    };
    let list = rows(&moves.map(row).collect::<Vec<_>>())?;
    let moved: Vec<String> =
        on_session!(s, |conn, dialect| sqlx::query_scalar(dialect.sql(ADVANCE)).bind(list).fetch_all(&mut *conn).await)
            .map_err(Error::on("move tasks on"))?;
    Ok(moved.into_iter().collect())
}

/// Locks the tasks that nobody else holds, where several nodes can write at once: two that move the same tasks on would
/// otherwise wait for each other. `None` where there is one writer.
async fn unlocked(s: &mut dyn Session, moves: &[Advance]) -> Result<Option<HashSet<String>>> {
    let Conn::Postgres(conn) = s.conn() else { return Ok(None) };
    let text = Dialect::Postgres.sql("select id from tasks where id in {ids} {lock}");
    let list = rows(&moves.iter().map(|to| to.task_id.as_str()).collect::<Vec<_>>())?;
    let free: Vec<String> =
        sqlx::query_scalar(text).bind(list).fetch_all(&mut *conn).await.map_err(Error::on("lock due tasks"))?;
    Ok(Some(free.into_iter().collect()))
}

/// Of each row: 0 the task, 1 its next firing, 2 the rule's own instant, 3 the version and 4 the firing that were read.
pub(super) const ADVANCE: &str = "
    update tasks set next_run_at = cast(j.value->>1 as bigint), next_rule_at = cast(j.value->>2 as bigint)
    from {rows}
    where tasks.id = j.value->>0 and tasks.version = cast(j.value->>3 as bigint)
        and tasks.next_run_at = cast(j.value->>4 as bigint)
    returning tasks.id";

/// The instant at which something is due next: a task's firing or a retry. It may have passed.
///
/// # Errors
/// Where the database fails.
pub async fn next_due(s: &mut dyn Session) -> Result<Option<DateTime<Utc>>> {
    let (task, retry): (Option<i64>, Option<i64>) =
        on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(NEXT_DUE)).fetch_one(&mut *conn).await)
            .map_err(Error::on("read the next firing"))?;
    [task, retry].into_iter().flatten().min().map(instant).transpose()
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
    /// Whether the task names others to start at the end of a run.
    pub chained: bool,
    /// The task's present policy.
    pub policy: Policy,
}

/// Takes the executions whose next attempt is due, at most `limit`: they wait for a worker from now on.
///
/// # Errors
/// Where the database fails.
pub async fn take_due_retries(s: &mut dyn Session, now: DateTime<Utc>, limit: i64) -> Result<Vec<RetryDue>> {
    let text = "select id from executions where retry_at <= $1 and status = 'queued' order by retry_at limit $2 {lock}";
    let ids: Vec<String> = on_session!(s, |conn, dialect| {
        sqlx::query_scalar(dialect.sql(text)).bind(millis(now)).bind(limit).fetch_all(&mut *conn).await
    })
    .map_err(Error::on("read due retries"))?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let list = rows(&ids)?;
    on_session!(s, |conn, dialect| {
        sqlx::query(dialect.sql("update executions set retry_at = null where id in {ids}")).bind(&list).execute(&mut *conn).await
    }
    .map(drop))
    .map_err(Error::on("take due retries"))?;
    let text = "select e.id, e.task_id, e.task_type, e.attempt, e.scheduled_at, e.params, e.started_by, t.policy, t.chain
        from executions e left join tasks t on t.id = e.task_id where e.id in {ids} order by e.id";
    let found: Vec<RetryRow> =
        on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(text)).bind(&list).fetch_all(&mut *conn).await)
            .map_err(Error::on("read due retries"))?;
    found.into_iter().map(RetryDue::try_from).collect()
}

#[derive(Debug, FromRow)]
struct RetryRow {
    id: String,
    task_id: String,
    task_type: String,
    attempt: i64,
    scheduled_at: i64,
    params: String,
    started_by: Option<String>,
    policy: Option<String>,
    chain: Option<String>,
}

impl TryFrom<RetryRow> for RetryDue {
    type Error = Error;

    fn try_from(row: RetryRow) -> Result<RetryDue> {
        Ok(RetryDue {
            scheduled_at: instant(row.scheduled_at)?,
            params: super::json(&row.params)?,
            policy: row.policy.as_deref().map(read_policy).transpose()?.unwrap_or_default(),
            execution_id: row.id,
            started_by: row.started_by,
            chained: row.chain.is_some_and(|chain| chain != "[]"),
            task_id: row.task_id,
            task_type: row.task_type,
            attempt: row.attempt,
        })
    }
}
