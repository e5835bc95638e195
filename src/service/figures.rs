//! Figures for people and for watchers: statistics of a window, and whether all is well.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};

use super::{Error, Result, Service, allow};
use crate::domain::execution::Status;
use crate::domain::permission::Reach;
use crate::domain::stats::{Outcome, Percentiles, Stats};
use crate::domain::task::Task;
use crate::domain::user::{Action, Actor};
use crate::storage::{Reader, plan, run_minutes, stats, team_stats};

/// The longest window: 366 days.
const MAX_WINDOW: i64 = 31_622_400;
/// Runs that percentiles are taken from: the newest of the window.
const SAMPLE: i64 = 10_000;
/// Firings shown ahead.
const DUE_NEXT: i64 = 10;
/// The scheduler looks four times a second; silence beyond this means that it hangs.
const PULSE_LIMIT_MS: i64 = 10_000;

impl Service {
    /// What happened within the last `window_seconds`, and what comes next.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a window that is not 1 second to 366 days; [`Error::Forbidden`].
    pub async fn stats(&self, actor: &Actor, window_seconds: i64) -> Result<Stats> {
        allow(actor, Action::See)?;
        if !(1..=MAX_WINDOW).contains(&window_seconds) {
            let message = format!("window_seconds: {window_seconds} is not between 1 and {MAX_WINDOW}");
            return Err(Error::invalid("/window_seconds", message));
        }
        let to = self.clock().now();
        let from = to - Duration::seconds(window_seconds);
        let mut reader = self.database().read().await?;
        let (by_status, by_type) = self.counts(&mut reader, &actor.reach, from).await?;
        let (durations, latenesses) = runs(&mut reader, &actor.reach, from, SAMPLE).await?.into_iter().unzip();
        Ok(Stats {
            window_seconds,
            from,
            to,
            success_rate: success_rate(&by_status),
            by_status,
            by_type,
            duration_ms: percentiles(durations),
            lateness_ms: percentiles(latenesses),
            tasks: stats::tasks(&mut reader, &actor.reach).await?,
            due_next: stats::due_next(&mut reader, &actor.reach, DUE_NEXT).await?,
        })
    }

    async fn counts(&self, reader: &mut Reader, reach: &Reach, from: DateTime<Utc>) -> Result<(ByStatus, ByType)> {
        if let Some(tags) = reach.tags() {
            return Ok(summed(&team_stats::counts(reader, tags, from).await?));
        }
        let mut by_type = Vec::new();
        for entry in self.registry().all() {
            let count = stats::of_type(reader, &entry.spec.name, from).await?;
            if count > 0 {
                by_type.push((entry.spec.name.to_string(), count));
            }
        }
        Ok((stats::by_status(reader, from).await?, by_type))
    }

    /// [`Service::stats`] of the whole server, for those who may see all of it.
    ///
    /// # Errors
    /// As [`Service::stats`].
    pub async fn server_stats(&self, actor: &Actor, window_seconds: i64) -> Result<Stats> {
        allow(actor, Action::SeeServer)?;
        self.stats(actor, window_seconds).await
    }

    /// Executions that are queued or running now, by status.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub async fn active(&self) -> Result<Vec<(Status, i64)>> {
        Ok(stats::active(&mut self.database().read().await?).await?)
    }

    /// Whether the database answers and the scheduler looks; otherwise what does not, without details.
    ///
    /// # Errors
    /// The reason, fit for a watcher.
    pub async fn ready(&self) -> std::result::Result<(), String> {
        let answered = async { stats::ping(&mut self.database().read().await?).await };
        if let Err(error) = answered.await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the database does not answer");
            return Err("the database does not answer".to_owned());
        }
        match self.0.parts.pulse.age_ms(self.clock().now()) {
            Some(age) if age <= PULSE_LIMIT_MS => Ok(()),
            Some(age) => Err(format!("the scheduler has not looked for {age} ms")),
            None => Err("the scheduler has not begun".to_owned()),
        }
    }

    /// Whether the scheduler looked for due tasks within this time.
    pub fn scheduler_looked_within(&self, limit: std::time::Duration) -> bool {
        let age = self.0.parts.pulse.age_ms(self.clock().now());
        age.is_some_and(|age| u128::try_from(age).unwrap_or_default() <= limit.as_millis())
    }
}

type ByStatus = Vec<(Status, i64)>;
type ByType = Vec<(String, i64)>;

/// Counts of status and type together, as each by itself.
fn summed(counts: &[(Status, String, i64)]) -> (ByStatus, ByType) {
    let of = |status: Status| counts.iter().filter(|(found, ..)| *found == status).map(|(.., count)| count).sum();
    let mut by_type: BTreeMap<&str, i64> = BTreeMap::new();
    for (_, kind, count) in counts {
        *by_type.entry(kind).or_default() += count;
    }
    let by_type = by_type.into_iter().map(|(kind, count)| (kind.to_owned(), count)).collect();
    (Status::ALL.map(|status| (status, of(status))).into(), by_type)
}

/// The runs that began within a span, in steps: from the counters for those who reach all tasks, counted for others.
pub(super) async fn ran(
    reader: &mut Reader,
    reach: &Reach,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    step_ms: i64,
) -> Result<Vec<Outcome>> {
    Ok(match reach.tags() {
        None => run_minutes::outcomes(reader, from, to, step_ms).await?,
        Some(tags) => team_stats::outcomes(reader, tags, from, to, step_ms).await?,
    })
}

/// Duration and lateness of runs within reach.
pub(super) async fn runs(reader: &mut Reader, reach: &Reach, from: DateTime<Utc>, limit: i64) -> Result<Vec<(i64, i64)>> {
    Ok(match reach.tags() {
        None => stats::newest_runs(reader, from, limit).await?,
        Some(tags) => team_stats::runs(reader, tags, from, limit).await?,
    })
}

/// The tasks within reach that fire until an instant, soonest first.
pub(super) async fn due(reader: &mut Reader, reach: &Reach, until: DateTime<Utc>, limit: i64) -> Result<Vec<Task>> {
    Ok(match reach.tags() {
        None => plan::due(reader, until, limit).await?,
        Some(tags) => team_stats::due(reader, tags, until, limit).await?,
    })
}

/// Succeeded, of all that succeeded or failed in any way.
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
    fn percentiles_of_few_and_of_none() {
        assert_eq!(percentiles(Vec::new()), Percentiles::default());
        let found = percentiles((1..=101).rev().collect());
        assert_eq!((found.p50, found.p95, found.p99, found.max), (Some(51), Some(96), Some(100), Some(101)));
    }

    #[test]
    fn the_success_rate_leaves_out_what_did_not_run() {
        let rate = success_rate(&[(Status::Succeeded, 3), (Status::Failed, 1), (Status::Missed, 9), (Status::Cancelled, 5)]);
        assert_eq!(rate, Some(0.75));
        assert_eq!(success_rate(&[(Status::Skipped, 4)]), None);
    }
}
