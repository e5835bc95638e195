//! Run counters of tasks, updated in the transaction that records the results.

use std::collections::{BTreeMap, HashSet};

use super::run_stats::{self, CountedRun};
use super::statement::fetch;
use super::{Result, Session, rows};
use crate::domain::execution::Status;
use crate::domain::recent_outcomes::{self, RecentOutcome};

/// Adds results to the counters of their tasks; retried attempts do not count. `last_*` tells of the run that began last, whatever
/// the order in which they are recorded. Returns those of the tasks that have open incidents: the statement reads the row anyway, so
/// that a run of any node sees the incidents of all nodes at no cost.
pub(super) async fn count_runs(s: &mut dyn Session, counted: &[CountedRun]) -> Result<HashSet<String>> {
    let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
    for run in counted {
        let Some(status) = Status::parse(&run.status).filter(|status| status.is_final()) else { continue };
        if run.is_of_present_task {
            sums.entry(&run.task_id).or_insert_with(|| Sum::new(run)).add(run, status);
        }
    }
    run_stats::count(s, counted).await?;
    if sums.is_empty() {
        return Ok(HashSet::new());
    }
    let list: Vec<_> = sums.into_iter().map(|(task_id, sum)| sum.into_row(task_id)).collect();
    let list = rows(&list)?;
    let kept = i64::try_from(recent_outcomes::KEPT * recent_outcomes::WIDTH).unwrap_or_default();
    let marked: Vec<(String, bool)> = fetch!(all, s, "update run counters", COUNT_RUNS, list, kept)?;
    Ok(marked.into_iter().filter_map(|(task_id, has_incident)| has_incident.then_some(task_id)).collect())
}

/// The results of one task.
struct Sum<'r> {
    runs: i64,
    successes: i64,
    failures: i64,
    last: &'r CountedRun,
    recent: String,
    last_success_at: Option<i64>,
}

type Row<'r> = (&'r str, i64, i64, i64, Option<i64>, &'r str, Option<i64>, String, Option<i64>);

impl<'r> Sum<'r> {
    fn new(first: &'r CountedRun) -> Self {
        Self { runs: 0, successes: 0, failures: 0, last: first, recent: String::new(), last_success_at: None }
    }

    fn add(&mut self, run: &'r CountedRun, status: Status) {
        self.runs += 1;
        if status == Status::Succeeded {
            self.successes += 1;
            self.last_success_at = self.last_success_at.max(run.started_at);
        }
        self.failures += i64::from(status.is_failure());
        let outcome = RecentOutcome { status, duration_ms: run.duration_ms.unwrap_or_default() };
        self.recent.extend(outcome.encode());
        if run.started_at >= self.last.started_at {
            self.last = run;
        }
    }

    fn into_row(self, task_id: &'r str) -> Row<'r> {
        let Sum { runs, successes, failures, last, recent, last_success_at } = self;
        (task_id, runs, successes, failures, last.started_at, &last.status, last.duration_ms, recent, last_success_at)
    }
}

/// Row: 0 task, 1 runs, 2 successes, 3 failures, 4 last start, 5 status, 6 duration, 7 outcomes, 8 start of the last success.
pub(super) const COUNT_RUNS: &str = "
    update tasks set run_count = run_count + cast(j.value->>1 as bigint),
        success_count = success_count + cast(j.value->>2 as bigint),
        failure_count = failure_count + cast(j.value->>3 as bigint),
        last_status = case when coalesce(last_run_at, -1) <= cast(j.value->>4 as bigint) then j.value->>5 else last_status end,
        last_duration_ms = case when coalesce(last_run_at, -1) <= cast(j.value->>4 as bigint)
            then cast(j.value->>6 as bigint) else last_duration_ms end,
        last_run_at = case when coalesce(last_run_at, -1) <= cast(j.value->>4 as bigint)
            then cast(j.value->>4 as bigint) else last_run_at end,
        recent = case when length(recent) + length(j.value->>7) > $2
            then substr(recent || (j.value->>7), length(recent) + length(j.value->>7) - cast($2 as integer) + 1)
            else recent || (j.value->>7) end,
        last_success_at = case when cast(j.value->>8 as bigint) > coalesce(last_success_at, -1)
            then cast(j.value->>8 as bigint) else last_success_at end
    from {rows}
    where tasks.id = j.value->>0
    returning tasks.id, tasks.has_incident";
