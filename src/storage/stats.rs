//! Figures over a window of time, each from an index: counts by status and by type, and a sample of the newest runs for
//! percentiles.

use chrono::{DateTime, Utc};

use sqlx::QueryBuilder;

use super::database::on_session;
use super::execution::read_status;
use super::{Error, Result, Session, first_id_at, instant, millis, reach};
use crate::domain::execution::Status;
use crate::domain::permission::Reach;
use crate::domain::stats::{DueTask, TaskCounts};

/// How many executions were queued since `from`, by status.
///
/// # Errors
/// Where the database fails.
pub async fn by_status(s: &mut dyn Session, from: DateTime<Utc>) -> Result<Vec<(Status, i64)>> {
    let mut counts = Vec::with_capacity(Status::ALL.len());
    for status in Status::ALL {
        let set = if status.is_final() { "not in" } else { "in" };
        let name = status.as_str();
        let text = format!(
            "select count(*) from executions where status = '{name}' and status {set} ('queued', 'running') and id >= $1"
        );
        let count: i64 = on_session!(s, |conn, dialect| {
            sqlx::query_scalar(dialect.sql(&text)).bind(first_id_at(from)).fetch_one(&mut *conn).await
        })
        .map_err(Error::on("count executions"))?;
        counts.push((status, count));
    }
    Ok(counts)
}

/// How many executions of a task type were queued since `from`.
///
/// # Errors
/// Where the database fails.
pub async fn of_type(s: &mut dyn Session, task_type: &str, from: DateTime<Utc>) -> Result<i64> {
    let text = "select count(*) from executions where task_type = $1 and id >= $2";
    on_session!(s, |conn, dialect| {
        sqlx::query_scalar(dialect.sql(text)).bind(task_type).bind(first_id_at(from)).fetch_one(&mut *conn).await
    })
    .map_err(Error::on("count executions"))
}

/// Duration and lateness in milliseconds of the newest runs since `from` that have ended, at most `limit`.
///
/// # Errors
/// Where the database fails.
pub async fn newest_runs(s: &mut dyn Session, from: DateTime<Utc>, limit: i64) -> Result<Vec<(i64, i64)>> {
    let text = "select coalesce(duration_ms, 0), coalesce(lateness_ms, 0) from executions
        where id >= $1 and duration_ms is not null order by id desc limit $2";
    on_session!(s, |conn, dialect| {
        sqlx::query_as(dialect.sql(text)).bind(first_id_at(from)).bind(limit).fetch_all(&mut *conn).await
    })
    .map_err(Error::on("read durations"))
}

/// How many tasks there are within reach, are enabled, and failed last.
///
/// # Errors
/// Where the database fails.
pub async fn tasks(s: &mut dyn Session, within: &Reach) -> Result<TaskCounts> {
    let text = "select count(*), coalesce(sum(case when enabled then 1 else 0 end), 0),
            coalesce(sum(case when last_status in ('failed', 'timed_out', 'interrupted') then 1 else 0 end), 0)
        from tasks where true";
    let (total, enabled, failing): (i64, i64, i64) = on_session!(s, |conn, _dialect| {
        let mut query = QueryBuilder::new(text);
        reach::push(&mut query, "id", within);
        query.build_query_as().fetch_one(&mut *conn).await
    })
    .map_err(Error::on("count tasks"))?;
    Ok(TaskCounts { total, enabled, failing })
}

/// The next firings within reach, soonest first.
///
/// # Errors
/// Where the database fails.
pub async fn due_next(s: &mut dyn Session, within: &Reach, limit: i64) -> Result<Vec<DueTask>> {
    firings(s, within, "next_run_at is not null", limit).await
}

/// The next firings that a condition lets through, soonest first.
async fn firings(s: &mut dyn Session, within: &Reach, condition: &str, limit: i64) -> Result<Vec<DueTask>> {
    let found: Vec<(String, String, i64)> = on_session!(s, |conn, _dialect| {
        let mut query = QueryBuilder::new(format!("select id, name, next_run_at from tasks where {condition}"));
        reach::push(&mut query, "id", within);
        query.push(" order by next_run_at limit ").push_bind(limit);
        query.build_query_as().fetch_all(&mut *conn).await
    })
    .map_err(Error::on("read the next firings"))?;
    found.into_iter().map(|(task_id, name, at)| Ok(DueTask { task_id, name, next_run_at: instant(at)? })).collect()
}

/// How many executions stand at each status that is not final.
///
/// # Errors
/// Where the database fails.
pub async fn active(s: &mut dyn Session) -> Result<Vec<(Status, i64)>> {
    let text = "select status, count(*) from executions where status in ('queued', 'running') group by status";
    let found: Vec<(String, i64)> = on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(text)).fetch_all(&mut *conn).await)
        .map_err(Error::on("count active executions"))?;
    found.into_iter().map(|(status, count)| Ok((read_status(&status)?, count))).collect()
}

/// As [`active`], within reach, of at most `limit` executions.
///
/// # Errors
/// Where the database fails.
pub async fn active_up_to(s: &mut dyn Session, within: &Reach, limit: i64) -> Result<Vec<(Status, i64)>> {
    let text = "select status, count(*) from (select status from executions where status in ('queued', 'running')";
    let found: Vec<(String, i64)> = on_session!(s, |conn, _dialect| {
        let mut query = QueryBuilder::new(text);
        reach::push(&mut query, "task_id", within);
        query.push(" limit ").push_bind(limit).push(") as active group by status");
        query.build_query_as().fetch_all(&mut *conn).await
    })
    .map_err(Error::on("count active executions"))?;
    found.into_iter().map(|(status, count)| Ok((read_status(&status)?, count))).collect()
}

/// The tasks within reach whose firing was due before an instant and was not taken, the longest waiting first.
///
/// # Errors
/// Where the database fails.
pub async fn overdue(s: &mut dyn Session, within: &Reach, before: DateTime<Utc>, limit: i64) -> Result<Vec<DueTask>> {
    firings(s, within, &format!("next_run_at < {}", millis(before)), limit).await
}

/// Whether nothing is left to do: no task is due by then, and no execution is queued or running.
///
/// # Errors
/// Where the database fails.
pub async fn settled(s: &mut dyn Session, due_by: DateTime<Utc>) -> Result<bool> {
    let text = "select (select count(*) from (select 1 from tasks where next_run_at <= $1 limit 1) as due)
            + (select count(*) from (select 1 from executions where status in ('queued', 'running') limit 1) as active)";
    let left: i64 = on_session!(s, |conn, dialect| {
        sqlx::query_scalar(dialect.sql(text)).bind(millis(due_by)).fetch_one(&mut *conn).await
    })
    .map_err(Error::on("look for work"))?;
    Ok(left == 0)
}

/// Whether the database answers.
///
/// # Errors
/// Where it does not.
pub async fn ping(s: &mut dyn Session) -> Result<()> {
    let answer: std::result::Result<i64, sqlx::Error> = on_session!(s, |conn, dialect| {
        sqlx::query_scalar(dialect.sql("select cast(1 as bigint)")).fetch_one(&mut *conn).await
    });
    answer.map(drop).map_err(Error::on("ask the database"))
}
