//! Finished runs per start minute and status. Counters are updated in the transaction that records the results, so that a
//! chart's cost does not depend on the number of executions.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::column::{ExecutionId, stored};
use super::statement::{execute, fetch};
use super::{Result, Session, millis, rows};
use crate::domain::execution::Status;
use crate::domain::stats::Outcome;

/// Milliseconds per minute.
const MINUTE: i64 = 60_000;

/// The part of a recorded result that the counters need.
#[derive(Debug, Clone)]
pub(super) struct CountedRun {
    pub id: String,
    pub task_id: String,
    pub status: String,
    pub started_at: Option<i64>,
    pub duration_ms: Option<i64>,
    /// False for a run of a deleted task whose id another task has since.
    pub is_of_present_task: bool,
}

stored! {
    CountedRun { id via ExecutionId, task_id, status, started_at, duration_ms, is_of_present_task }
}

/// Counts results; retried attempts and executions that never started do not count.
pub(super) async fn count(s: &mut dyn Session, counted: &[CountedRun]) -> Result<()> {
    // Sorted, so that two nodes counting the same minutes cannot deadlock.
    let mut sums: BTreeMap<(i64, &str), i64> = BTreeMap::new();
    for run in counted {
        let is_final = Status::parse(&run.status).is_some_and(Status::is_final);
        if let Some(started) = run.started_at.filter(|_| is_final) {
            *sums.entry((started.div_euclid(MINUTE) * MINUTE, &run.status)).or_default() += 1;
        }
    }
    if sums.is_empty() {
        return Ok(());
    }
    let list = rows(&sums.into_iter().map(|((minute, status), runs)| (minute, status, runs)).collect::<Vec<_>>())?;
    execute!(s, "count runs per minute", COUNT, list).map(drop)
}

/// Row: 0 minute, 1 status, 2 count.
const COUNT: &str = "
    insert into run_stats_by_minute (minute, status, runs)
    select cast(j.value->>0 as bigint), j.value->>1, cast(j.value->>2 as bigint) from {rows} where true
    on conflict (minute, status) do update set runs = run_stats_by_minute.runs + excluded.runs";

/// Returns the runs started in `from..to`, summed in steps of `step_ms` milliseconds (a multiple of a minute, aligned to the
/// Unix epoch).
pub async fn outcomes(s: &mut dyn Session, from: DateTime<Utc>, to: DateTime<Utc>, step_ms: i64) -> Result<Vec<Outcome>> {
    fetch!(all, s, "read runs per minute", OUTCOMES, millis(from), millis(to), step_ms)
}

stored! {
    Outcome { at = step, status, runs }
}

pub(super) const OUTCOMES: &str = "
    select minute / $3 * $3 as step, status, cast(sum(runs) as bigint) as runs from run_stats_by_minute where minute >= $1 and minute < $2
    group by minute / $3 * $3, status order by step, status";

/// Returns the number of runs with a status that began since the minute of `from`.
pub(super) async fn since(s: &mut dyn Session, status: Status, from: DateTime<Utc>) -> Result<i64> {
    let minute = millis(from).div_euclid(MINUTE) * MINUTE;
    fetch!(only, s, "count runs", SINCE, minute, status.as_str())
}

pub(super) const SINCE: &str =
    "select cast(coalesce(sum(runs), 0) as bigint) from run_stats_by_minute where minute >= $1 and status = $2";

/// Deletes the counters of minutes before a time.
pub async fn remove_before(s: &mut dyn Session, before: DateTime<Utc>) -> Result<()> {
    let text = "delete from run_stats_by_minute where minute < $1";
    execute!(s, "delete old run counters", text, millis(before)).map(drop)
}
