//! Run counters of tasks, updated in the transaction that records the results.

use std::collections::BTreeMap;

use super::run_stats_by_minute::{self, CountedRun};
use super::statement::execute;
use super::{Result, Session, rows};
use crate::domain::execution::Status;

/// Adds results to the counters of their tasks; retried attempts do not count.
pub(super) async fn count_runs(s: &mut dyn Session, counted: &[CountedRun]) -> Result<()> {
    count_by(s, counted, COUNT_RUNS).await
}

/// Like [`count_runs`], for imported runs: `last_*` changes only if the imported run is newer.
pub(super) async fn count_imported(s: &mut dyn Session, counted: &[CountedRun]) -> Result<()> {
    count_by(s, counted, COUNT_IMPORTED).await
}

async fn count_by(s: &mut dyn Session, counted: &[CountedRun], text: &str) -> Result<()> {
    let mut sums: BTreeMap<&str, (i64, i64, i64, &CountedRun)> = BTreeMap::new();
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
    run_stats_by_minute::count(s, counted).await?;
    let list: Vec<_> = sums
        .into_iter()
        .map(|(task_id, (runs, successes, failures, last))| {
            (task_id, runs, successes, failures, last.started_at, last.status.as_str(), last.duration_ms)
        })
        .collect();
    let list = rows(&list)?;
    execute!(s, "update run counters", text, list).map(drop)
}

/// Row: 0 task, 1 runs, 2 successes, 3 failures, 4 last start, 5 status, 6 duration.
pub(super) const COUNT_RUNS: &str = "
    update tasks set run_count = run_count + cast(j.value->>1 as bigint),
        success_count = success_count + cast(j.value->>2 as bigint),
        failure_count = failure_count + cast(j.value->>3 as bigint), last_run_at = cast(j.value->>4 as bigint),
        last_status = j.value->>5, last_duration_ms = cast(j.value->>6 as bigint)
    from {rows}
    where tasks.id = j.value->>0";

/// Row as for [`COUNT_RUNS`].
const COUNT_IMPORTED: &str = "
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
