//! Statistics for a tag scope, counted from executions by the index on task and id. Their cost depends on the runs of these
//! tasks within the window; no counters are stored.

use chrono::{DateTime, Duration, Utc};

use super::database::on_session;
use super::execution::read_status;
use super::task::TaskRow;
use super::{Error, Result, Session, first_id_at, millis, rows, time_from_millis};
use crate::domain::execution::Status;
use crate::domain::stats::Outcome;
use crate::domain::task::Task;

/// Assumed longest time between queueing and start; runs that waited longer are not counted.
const LONGEST_WAIT: Duration = Duration::days(1);

/// Selects the executions of tasks in scope with an id of at least `$2`; more conditions may follow.
macro_rules! scoped_query {
    ($columns:literal, $rest:literal) => {
        concat!(
            "select ",
            $columns,
            " from (select distinct task_id from task_tags where tag in {ids}) as g cross join executions as e
            where e.task_id = g.task_id and e.id >= $2 ",
            $rest
        )
    };
}

/// Like `run_stats_by_minute::outcomes`, for the tasks with these tags.
pub async fn outcomes(
    s: &mut dyn Session,
    tags: &[String],
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    step_ms: i64,
) -> Result<Vec<Outcome>> {
    let (list, first) = (rows(tags)?, first_id_at(from - LONGEST_WAIT));
    let found: Vec<(i64, String, i64)> = on_session!(s, |conn, dialect| {
        let query =
            sqlx::query_as(dialect.sql(OUTCOMES)).bind(list).bind(first).bind(millis(from)).bind(millis(to)).bind(step_ms);
        query.fetch_all(&mut *conn).await
    })
    .map_err(Error::on("count runs in scope"))?;
    let outcome =
        |(at, status, runs): (i64, String, i64)| Ok(Outcome { at: time_from_millis(at)?, status: read_status(&status)?, runs });
    found.into_iter().map(outcome).collect()
}

pub(super) const OUTCOMES: &str = scoped_query!(
    "e.started_at / $5 * $5 as step, e.status, count(*)",
    "and e.started_at >= $3 and e.started_at < $4 and e.status not in ('queued', 'running')
    group by e.started_at / $5 * $5, e.status order by step, e.status"
);

/// Returns the number of executions queued since `from`, by status and type; zero counts are omitted.
pub async fn counts(s: &mut dyn Session, tags: &[String], from: DateTime<Utc>) -> Result<Vec<(Status, String, i64)>> {
    let list = rows(tags)?;
    let found: Vec<(String, String, i64)> = on_session!(s, |conn, dialect| {
        sqlx::query_as(dialect.sql(COUNTS)).bind(list).bind(first_id_at(from)).fetch_all(&mut *conn).await
    })
    .map_err(Error::on("count executions in scope"))?;
    found.into_iter().map(|(status, kind, count)| Ok((read_status(&status)?, kind, count))).collect()
}

const COUNTS: &str = scoped_query!("e.status, e.task_type, count(*)", "group by e.status, e.task_type");

/// Returns duration and lateness in milliseconds of finished runs since `from`, at most `limit`.
pub async fn runs(s: &mut dyn Session, tags: &[String], from: DateTime<Utc>, limit: i64) -> Result<Vec<(i64, i64)>> {
    let list = rows(tags)?;
    on_session!(s, |conn, dialect| {
        sqlx::query_as(dialect.sql(RUNS)).bind(list).bind(first_id_at(from)).bind(limit).fetch_all(&mut *conn).await
    })
    .map_err(Error::on("read durations in scope"))
}

const RUNS: &str =
    scoped_query!("coalesce(e.duration_ms, 0), coalesce(e.lateness_ms, 0)", "and e.duration_ms is not null limit $3");

/// Returns the tasks whose next run is at or before `until`, soonest first, at most `limit`.
pub async fn due(s: &mut dyn Session, tags: &[String], until: DateTime<Utc>, limit: i64) -> Result<Vec<Task>> {
    let text = format!(
        "select {} from tasks where next_run_at <= $2 and id in (select task_id from task_tags where tag in {{ids}})
        order by next_run_at limit $3",
        super::task::COLUMNS
    );
    let list = rows(tags)?;
    let found: Vec<TaskRow> = on_session!(s, |conn, dialect| {
        sqlx::query_as(dialect.sql(&text)).bind(list).bind(millis(until)).bind(limit).fetch_all(&mut *conn).await
    })
    .map_err(Error::on("read next runs in scope"))?;
    found.into_iter().map(Task::try_from).collect()
}
