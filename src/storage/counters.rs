//! The counters of tasks, moved on with the results of their runs.

use std::collections::BTreeMap;

use sqlx::FromRow;

use super::database::on_session;
use super::{Error, Result, Session, rows, run_minutes};
use crate::domain::execution::Status;

/// A result that counted, as the task's counters need it.
#[derive(Debug, Clone, FromRow)]
pub(super) struct Counted {
    pub id: String,
    pub task_id: String,
    pub status: String,
    pub started_at: Option<i64>,
    pub duration_ms: Option<i64>,
}

/// Moves the counters of tasks on by results that counted; retried attempts do not count.
pub(super) async fn count_runs(s: &mut dyn Session, counted: &[Counted]) -> Result<()> {
    count_by(s, counted, COUNT_RUNS).await
}

/// As [`count_runs`], for results of long ago: the last run stays the last one.
pub(super) async fn count_past(s: &mut dyn Session, counted: &[Counted]) -> Result<()> {
    count_by(s, counted, COUNT_PAST).await
}

async fn count_by(s: &mut dyn Session, counted: &[Counted], text: &str) -> Result<()> {
    let mut sums: BTreeMap<&str, (i64, i64, i64, &Counted)> = BTreeMap::new();
    for run in counted {
        let Some(status) = Status::parse(&run.status).filter(|status| status.is_final()) else { continue };
        let sum = sums.entry(&run.task_id).or_insert((0, 0, 0, run));
        sum.0 += 1;
        sum.1 += i64::from(status == Status::Succeeded);
        sum.2 += i64::from(status.is_failure());
        if run.started_at >= sum.3.started_at {
            sum.3 = run;
        }
    }
    if sums.is_empty() {
        return Ok(());
    }
    run_minutes::count(s, counted).await?;
    let list: Vec<_> = sums
        .into_iter()
        .map(|(task_id, (runs, successes, failures, last))| {
            (task_id, runs, successes, failures, last.started_at, last.status.as_str(), last.duration_ms)
        })
        .collect();
    let list = rows(&list)?;
    on_session!(s, |conn, dialect| sqlx::query(dialect.sql(text)).bind(list).execute(&mut *conn).await.map(drop))
        .map_err(Error::on("count runs"))
}

/// Of each row: 0 the task, 1 its runs, 2 successes, 3 failures, 4 the last start, 5 status, 6 duration.
pub(super) const COUNT_RUNS: &str = "
    update tasks set run_count = run_count + cast(j.value->>1 as bigint),
        success_count = success_count + cast(j.value->>2 as bigint),
        failure_count = failure_count + cast(j.value->>3 as bigint), last_run_at = cast(j.value->>4 as bigint),
        last_status = j.value->>5, last_duration_ms = cast(j.value->>6 as bigint)
    from {rows}
    where tasks.id = j.value->>0";

/// Of each row what [`COUNT_RUNS`] has.
const COUNT_PAST: &str = "
    update tasks set run_count = run_count + cast(j.value->>1 as bigint),
        success_count = success_count + cast(j.value->>2 as bigint),
        failure_count = failure_count + cast(j.value->>3 as bigint),
        last_status = case when coalesce(last_run_at, -1) < cast(j.value->>4 as bigint) then j.value->>5 else last_status end,
        last_duration_ms = case when coalesce(last_run_at, -1) < cast(j.value->>4 as bigint)
            then cast(j.value->>6 as bigint) else last_duration_ms end,
        last_run_at = case when coalesce(last_run_at, -1) < cast(j.value->>4 as bigint)
            then cast(j.value->>4 as bigint) else last_run_at end
    from {rows}
    where tasks.id = j.value->>0";
