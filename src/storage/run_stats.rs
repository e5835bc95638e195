//! Finished runs by start and status, in slots of one minute and again in slots of 15 minutes, of which a long range reads few.
//! Counters are updated in the transaction that records the results, so that a chart's cost does not depend on the number of
//! executions.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::column::{ExecutionId, stored};
use super::statement::{execute, fetch};
use super::{Result, Session, millis, rows};
use crate::domain::execution::Status;
use crate::domain::stats::Outcome;

/// Milliseconds per minute.
const MINUTE: i64 = 60_000;
/// The lengths of the slots, in minutes.
const SLOTS: [i64; 2] = [1, 15];
/// Milliseconds of the longer slots.
const QUARTER: i64 = SLOTS[1] * MINUTE;

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
    // Sorted, so that two nodes counting the same slots cannot deadlock.
    let mut sums: BTreeMap<(i64, i64, &str), i64> = BTreeMap::new();
    for run in counted {
        let is_final = Status::parse(&run.status).is_some_and(Status::is_final);
        for minutes in SLOTS {
            if let Some(started) = run.started_at.filter(|_| is_final) {
                *sums.entry((minutes, start_of(started, minutes * MINUTE), &run.status)).or_default() += 1;
            }
        }
    }
    if sums.is_empty() {
        return Ok(());
    }
    let list =
        rows(&sums.into_iter().map(|((minutes, start, status), runs)| (minutes, start, status, runs)).collect::<Vec<_>>())?;
    execute!(s, "count runs by slot", COUNT, list).map(drop)
}

/// The start of the slot that contains a time.
fn start_of(at: i64, slot: i64) -> i64 {
    at.div_euclid(slot) * slot
}

/// Row: 0 minutes, 1 start, 2 status, 3 count.
const COUNT: &str = "
    insert into run_stats (minutes, start, status, runs)
    select cast(j.value->>0 as smallint), cast(j.value->>1 as bigint), j.value->>2, cast(j.value->>3 as bigint) from {rows} where true
    on conflict (minutes, start, status) do update set runs = run_stats.runs + excluded.runs";

/// Returns the runs started in `from..to`, summed in steps of `step_ms` milliseconds (a multiple of a minute, aligned to the
/// Unix epoch).
pub async fn outcomes(s: &mut dyn Session, from: DateTime<Utc>, to: DateTime<Utc>, step_ms: i64) -> Result<Vec<Outcome>> {
    let (from, to) = (millis(from), millis(to));
    let in_quarters = step_ms % QUARTER == 0 && from % QUARTER == 0;
    let split = if in_quarters { start_of(to, QUARTER).max(from) } else { from };
    fetch!(all, s, "read runs by slot", OUTCOMES, from, to, step_ms, split)
}

stored! {
    Outcome { at = step, status, runs }
}

/// In slots of 15 minutes before `$4`, of one minute from there on.
pub(super) const OUTCOMES: &str = "
    select step, status, cast(sum(runs) as bigint) as runs from (
        select start / $3 * $3 as step, status, runs from run_stats where minutes = 15 and start >= $1 and start < $4
        union all
        select start / $3 * $3 as step, status, runs from run_stats where minutes = 1 and start >= $4 and start < $2
    ) as slots group by step, status order by step, status";

/// Returns the number of runs with a status that began since the minute of `from`.
pub(super) async fn since(s: &mut dyn Session, status: Status, from: DateTime<Utc>) -> Result<i64> {
    let minute = start_of(millis(from), MINUTE);
    let quarter = start_of(minute + QUARTER - MINUTE, QUARTER);
    fetch!(only, s, "count runs", SINCE, minute, status.as_str(), quarter)
}

/// In slots of one minute before `$3`, of 15 minutes from there on.
pub(super) const SINCE: &str = "
    select cast(coalesce(sum(runs), 0) as bigint) from (
        select runs from run_stats where minutes = 1 and start >= $1 and start < $3 and status = $2
        union all
        select runs from run_stats where minutes = 15 and start >= $3 and status = $2
    ) as slots";

/// Deletes the counters of slots that begin before a time.
pub async fn remove_before(s: &mut dyn Session, before: DateTime<Utc>) -> Result<()> {
    execute!(s, "delete old run counters", REMOVE, millis(before), start_of(millis(before), QUARTER)).map(drop)
}

/// A slot of 15 minutes stays as long as one of its minutes.
pub(super) const REMOVE: &str = "delete from run_stats where minutes = 1 and start < $1 or minutes = 15 and start < $2";
