//! Statistics for a tag scope: of all tasks from the counters and indexes, else counted from executions by the index on task
//! and id. Then their cost depends on the runs of these tasks within the window; no counters are stored.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};

use super::statement::fetch;
use super::{Result, Session, millis, plan, rows, run_stats, stats};
use crate::domain::execution::Status;
use crate::domain::stats::Outcome;
use crate::domain::tag_scope::TagScope;
use crate::domain::task::Task;
use crate::ids::first_execution_key;

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

/// Returns the outcomes of runs that began in `from..to`, in steps of `step_ms` milliseconds.
pub async fn outcomes(
    s: &mut dyn Session,
    scope: &TagScope,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    step_ms: i64,
) -> Result<Vec<Outcome>> {
    let Some(tags) = scope.tags() else { return run_stats::outcomes(s, from, to, step_ms).await };
    let (list, first) = (rows(tags)?, first_execution_key(from - LONGEST_WAIT));
    fetch!(all, s, "count runs in scope", OUTCOMES, list, first, millis(from), millis(to), step_ms)
}

pub(super) const OUTCOMES: &str = scoped_query!(
    "e.started_at / $5 * $5 as step, e.status, count(*) as runs",
    "and e.started_at >= $3 and e.started_at < $4 and e.status not in ('queued', 'running')
    group by e.started_at / $5 * $5, e.status order by step, e.status"
);

type ByStatus = Vec<(Status, i64)>;
type ByType = Vec<(String, i64)>;

/// Returns the number of executions queued since `from`, by status with every status, and by type without zeros. `types` are
/// the names of all task types.
pub async fn counts(s: &mut dyn Session, scope: &TagScope, types: &[&str], from: DateTime<Utc>) -> Result<(ByStatus, ByType)> {
    if let Some(tags) = scope.tags() {
        return Ok(sum_by_status_and_type(&counts_in_scope(s, tags, from).await?));
    }
    let mut by_type = Vec::new();
    for name in types {
        let count = stats::count_of_type(s, name, from).await?;
        if count > 0 {
            by_type.push(((*name).to_owned(), count));
        }
    }
    Ok((stats::by_status(s, from).await?, by_type))
}

/// Sums counts by status and type into counts by status, and counts by type.
fn sum_by_status_and_type(counts: &[(Status, String, i64)]) -> (ByStatus, ByType) {
    let of = |status: Status| counts.iter().filter(|(found, ..)| *found == status).map(|(.., count)| count).sum();
    let mut by_type: BTreeMap<&str, i64> = BTreeMap::new();
    for (_, kind, count) in counts {
        *by_type.entry(kind).or_default() += count;
    }
    let by_type = by_type.into_iter().map(|(kind, count)| (kind.to_owned(), count)).collect();
    (Status::ALL.map(|status| (status, of(status))).into(), by_type)
}

async fn counts_in_scope(s: &mut dyn Session, tags: &[String], from: DateTime<Utc>) -> Result<Vec<(Status, String, i64)>> {
    let list = rows(tags)?;
    fetch!(all, s, "count executions in scope", COUNTS, list, first_execution_key(from))
}

const COUNTS: &str = scoped_query!("e.status, e.task_type, count(*)", "group by e.status, e.task_type");

/// Returns duration and lateness in milliseconds of finished runs since `from`, at most `limit`.
pub async fn runs(s: &mut dyn Session, scope: &TagScope, from: DateTime<Utc>, limit: i64) -> Result<Vec<(i64, i64)>> {
    let Some(tags) = scope.tags() else { return stats::newest_runs(s, from, limit).await };
    let list = rows(tags)?;
    fetch!(all, s, "read durations in scope", RUNS, list, first_execution_key(from), limit)
}

const RUNS: &str =
    scoped_query!("coalesce(e.duration_ms, 0), coalesce(e.lateness_ms, 0)", "and e.duration_ms is not null limit $3");

/// Returns the tasks whose next run is at or before `until`, soonest first, at most `limit`.
pub async fn due(s: &mut dyn Session, scope: &TagScope, until: DateTime<Utc>, limit: i64) -> Result<Vec<Task>> {
    let Some(tags) = scope.tags() else { return plan::due(s, until, limit).await };
    let text = format!(
        "select {} from tasks where next_run_at <= $2 and id in (select task_id from task_tags where tag in {{ids}})
        order by next_run_at limit $3",
        super::task::COLUMNS
    );
    let list = rows(tags)?;
    fetch!(all, s, "read next runs in scope", &text, list, millis(until), limit)
}
