//! Statistics of a time window, and the readiness check.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};

use super::{Error, Result, Service, allow};
use crate::domain::execution::Status;
use crate::domain::permission::TagScope;
use crate::domain::stats::{Outcome, Percentiles, Stats};
use crate::domain::task::Task;
use crate::domain::user::{Action, Actor};
use crate::storage::{Reader, plan, run_stats_by_minute, stats, tag_scope_stats};

/// The longest window, in seconds: 366 days.
const MAX_WINDOW: i64 = 31_622_400;
/// The number of newest runs in the window that percentiles are computed from.
const SAMPLE: i64 = 10_000;
/// The number of next firings listed.
const DUE_NEXT_LIMIT: i64 = 10;
/// The scheduler polls several times per second; without a heartbeat for this long it counts as stuck.
const HEARTBEAT_TIMEOUT_MS: i64 = 10_000;

impl Service {
    /// The statistics of the last `window_seconds`, and the next firings.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a window outside 1 second to 366 days; [`Error::Forbidden`].
    pub async fn stats(&self, actor: &Actor, window_seconds: i64) -> Result<Stats> {
        allow(actor, Action::See)?;
        if !(1..=MAX_WINDOW).contains(&window_seconds) {
            let message = format!("window_seconds: {window_seconds} is not between 1 and {MAX_WINDOW}");
            return Err(Error::invalid("/window_seconds", message));
        }
        let to = self.clock().now();
        let from = to - Duration::seconds(window_seconds);
        let mut reader = self.database().read().await?;
        let (by_status, by_type) = self.counts(&mut reader, &actor.scope, from).await?;
        let (durations, latenesses) = run_timings(&mut reader, &actor.scope, from, SAMPLE).await?.into_iter().unzip();
        Ok(Stats {
            window_seconds,
            from,
            to,
            success_rate: success_rate(&by_status),
            by_status,
            by_type,
            duration_ms: percentiles(durations),
            lateness_ms: percentiles(latenesses),
            tasks: stats::tasks(&mut reader, &actor.scope).await?,
            due_next: stats::due_next(&mut reader, &actor.scope, DUE_NEXT_LIMIT).await?,
        })
    }

    async fn counts(&self, reader: &mut Reader, scope: &TagScope, from: DateTime<Utc>) -> Result<(ByStatus, ByType)> {
        if let Some(tags) = scope.tags() {
            return Ok(sum_by_status_and_type(&tag_scope_stats::counts(reader, tags, from).await?));
        }
        let mut by_type = Vec::new();
        for entry in self.registry().all() {
            let count = stats::count_of_type(reader, &entry.spec.name, from).await?;
            if count > 0 {
                by_type.push((entry.spec.name.to_string(), count));
            }
        }
        Ok((stats::by_status(reader, from).await?, by_type))
    }

    /// As [`Service::stats`], but only for actors that may see the whole server.
    pub async fn server_stats(&self, actor: &Actor, window_seconds: i64) -> Result<Stats> {
        allow(actor, Action::SeeServer)?;
        self.stats(actor, window_seconds).await
    }

    /// The number of queued and running executions, by status.
    pub async fn active(&self) -> Result<Vec<(Status, i64)>> {
        Ok(stats::active(&mut self.database().read().await?).await?)
    }

    /// Whether the database responds and the scheduler runs.
    ///
    /// # Errors
    /// The reason, without details, for a health check.
    pub async fn ready(&self) -> std::result::Result<(), String> {
        let answered = async { stats::ping(&mut self.database().read().await?).await };
        if let Err(error) = answered.await {
            tracing::warn!(error = &error as &dyn std::error::Error, "readiness check failed: database unavailable");
            return Err("the database does not respond".to_owned());
        }
        match self.0.deps.heartbeat.age_ms(self.clock().now()) {
            Some(age) if age <= HEARTBEAT_TIMEOUT_MS => Ok(()),
            Some(age) => Err(format!("no scheduler heartbeat for {age} ms")),
            None => Err("the scheduler has not started".to_owned()),
        }
    }

    /// Whether the last scheduler heartbeat is not older than `limit`.
    pub fn scheduler_active_within(&self, limit: std::time::Duration) -> bool {
        let age = self.0.deps.heartbeat.age_ms(self.clock().now());
        age.is_some_and(|age| u128::try_from(age).unwrap_or_default() <= limit.as_millis())
    }
}

type ByStatus = Vec<(Status, i64)>;
type ByType = Vec<(String, i64)>;

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

/// The outcomes of runs that began in `from..to`, in steps of `step_ms`: from the counters if the scope is all tasks, else
/// counted from the executions.
pub(super) async fn outcomes_between(
    reader: &mut Reader,
    scope: &TagScope,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    step_ms: i64,
) -> Result<Vec<Outcome>> {
    Ok(match scope.tags() {
        None => run_stats_by_minute::outcomes(reader, from, to, step_ms).await?,
        Some(tags) => tag_scope_stats::outcomes(reader, tags, from, to, step_ms).await?,
    })
}

/// Duration and lateness in milliseconds of the newest runs in the scope.
pub(super) async fn run_timings(
    reader: &mut Reader,
    scope: &TagScope,
    from: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(i64, i64)>> {
    Ok(match scope.tags() {
        None => stats::newest_runs(reader, from, limit).await?,
        Some(tags) => tag_scope_stats::runs(reader, tags, from, limit).await?,
    })
}

/// The tasks in the scope that fire before `until`, soonest first.
pub(super) async fn due_tasks(reader: &mut Reader, scope: &TagScope, until: DateTime<Utc>, limit: i64) -> Result<Vec<Task>> {
    Ok(match scope.tags() {
        None => plan::due(reader, until, limit).await?,
        Some(tags) => tag_scope_stats::due(reader, tags, until, limit).await?,
    })
}

/// Succeeded / (succeeded + failures), 0 to 1; `None` if there were none.
pub(super) fn success_rate(by_status: &[(Status, i64)]) -> Option<f64> {
    let sum = |wanted: fn(Status) -> bool| by_status.iter().filter(|(status, _)| wanted(*status)).map(|(_, n)| n).sum::<i64>();
    let succeeded = sum(|status| status == Status::Succeeded);
    let ended = succeeded + sum(Status::is_failure);
    (ended > 0).then(|| succeeded as f64 / ended as f64)
}

fn percentiles(mut values: Vec<i64>) -> Percentiles {
    values.sort_unstable();
    let at = |share: f64| values.get(((values.len().max(1) - 1) as f64 * share).round() as usize).copied();
    Percentiles { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_an_empty_and_a_full_sample() {
        assert_eq!(percentiles(Vec::new()), Percentiles::default());
        let found = percentiles((1..=101).rev().collect());
        assert_eq!((found.p50, found.p95, found.p99, found.max), (Some(51), Some(96), Some(100), Some(101)));
    }

    #[test]
    fn success_rate_ignores_missed_and_cancelled() {
        let rate = success_rate(&[(Status::Succeeded, 3), (Status::Failed, 1), (Status::Missed, 9), (Status::Cancelled, 5)]);
        assert_eq!(rate, Some(0.75));
        assert_eq!(success_rate(&[(Status::Skipped, 4)]), None);
    }
}
