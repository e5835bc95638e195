//! Figures of the tasks with some tags, counted from their executions by the index on task and id. They cost what these
//! tasks ran within the window, however long the log is; nothing is kept for them where runs are recorded.

use chrono::{DateTime, Duration, Utc};

use super::database::on_session;
use super::execution::read_status;
use super::task::TaskRow;
use super::{Error, Result, Session, first_id_at, instant, millis, rows};
use crate::domain::execution::Status;
use crate::domain::stats::Outcome;
use crate::domain::task::Task;

/// A run that waited for longer than this before it began is not found by when it began.
const LONGEST_WAIT: Duration = Duration::days(1);

/// The executions queued since an id of those tasks; more conditions may follow.
macro_rules! of_team {
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

/// As `run_minutes::outcomes`, of these tasks.
///
/// # Errors
/// Where the database fails.
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
    .map_err(Error::on("count a team's runs"))?;
    let outcome = |(at, status, runs): (i64, String, i64)| Ok(Outcome { at: instant(at)?, status: read_status(&status)?, runs });
    found.into_iter().map(outcome).collect()
}

pub(super) const OUTCOMES: &str = of_team!(
    "e.started_at / $5 * $5 as step, e.status, count(*)",
    "and e.started_at >= $3 and e.started_at < $4 and e.status not in ('queued', 'running')
    group by e.started_at / $5 * $5, e.status order by step, e.status"
);

/// How many executions of these tasks were queued since `from`, by status and by type; what there is none of is left out.
///
/// # Errors
/// Where the database fails.
pub async fn counts(s: &mut dyn Session, tags: &[String], from: DateTime<Utc>) -> Result<Vec<(Status, String, i64)>> {
    let list = rows(tags)?;
    let found: Vec<(String, String, i64)> = on_session!(s, |conn, dialect| {
        sqlx::query_as(dialect.sql(COUNTS)).bind(list).bind(first_id_at(from)).fetch_all(&mut *conn).await
    })
    .map_err(Error::on("count a team's executions"))?;
    found.into_iter().map(|(status, kind, count)| Ok((read_status(&status)?, kind, count))).collect()
}

const COUNTS: &str = of_team!("e.status, e.task_type, count(*)", "group by e.status, e.task_type");

/// Duration and lateness in milliseconds of runs of these tasks since `from` that have ended, at most `limit`.
///
/// # Errors
/// Where the database fails.
pub async fn runs(s: &mut dyn Session, tags: &[String], from: DateTime<Utc>, limit: i64) -> Result<Vec<(i64, i64)>> {
    let list = rows(tags)?;
    on_session!(s, |conn, dialect| {
        sqlx::query_as(dialect.sql(RUNS)).bind(list).bind(first_id_at(from)).bind(limit).fetch_all(&mut *conn).await
    })
    .map_err(Error::on("read a team's durations"))
}

const RUNS: &str = of_team!("coalesce(e.duration_ms, 0), coalesce(e.lateness_ms, 0)", "and e.duration_ms is not null limit $3");

/// Those of these tasks whose next firing is at or before an instant, soonest first, at most `limit`.
///
/// # Errors
/// Where the database fails.
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
    .map_err(Error::on("read a team's firings"))?;
    found.into_iter().map(Task::try_from).collect()
}
