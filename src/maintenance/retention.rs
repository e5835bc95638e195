//! Retention: deletes executions past the limits of the settings or of the task's policy, with their output and attempts. It
//! works in small steps that do not block the scheduler, and runs on its own cron rule.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use apalis_cron::{CronScheduler, Schedule, Tick};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use futures_util::StreamExt;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::clock::SharedClock;
use crate::domain::retention::DefaultRetention;
use crate::domain::trigger::Trigger;
use crate::storage::retention::{self, Cutoff, RetentionLimit, TaskSelection};
use crate::storage::{Database, Reader, Result, heartbeat, incident, notify_message, run_stats, tag_scope, version};

/// When retention runs: every five minutes, 17 seconds after the full minute, when many tasks fire.
const SCHEDULE: &str = "17 */5 * * * *";
/// Executions deleted in one transaction.
const STEP: i64 = 200;
/// Free pages of the database file released in one step.
const PAGES: i64 = 500;
/// The pause between steps, so that other writers get their turn.
const PAUSE: Duration = Duration::from_millis(50);

/// How long the statistics by minute are kept.
const MINUTE_STATS_KEPT: chrono::Duration = chrono::Duration::days(62);

/// How many pings of a heartbeat are kept.
const PINGS_KEPT: i64 = 2_000;

/// The background task that deletes old executions.
pub struct Prune {
    pub database: Database,
    pub clock: SharedClock,
    pub retention: DefaultRetention,
}

impl Prune {
    /// Deletes executions past their limits each time the cron rule fires, until the shutdown.
    pub async fn run(&self, shutdown: CancellationToken) {
        let Ok(rule) = Trigger::parse(&json!({"type": "cron", "expression": SCHEDULE}), Tz::UTC) else { return };
        let ticks = CronScheduler::new(MaintenanceSchedule { rule, clock: self.clock.clone() }).into_stream();
        let mut ticks = pin!(ticks);
        loop {
            let tick = tokio::select! {
                () = shutdown.cancelled() => return,
                tick = ticks.next() => tick,
            };
            if tick.is_none() {
                return;
            }
            match self.run_once(self.clock.now(), &shutdown).await {
                Ok(0) => {}
                Ok(removed) => tracing::info!(removed, "deleted old executions"),
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "failed to delete old executions"),
            }
        }
    }

    /// Deletes all executions past their limits at `now` step by step, and releases the space. Returns how many executions
    /// were deleted. On an error the steps before stay done.
    pub async fn run_once(&self, now: DateTime<Utc>, shutdown: &CancellationToken) -> Result<u64> {
        self.delete_minute_stats(now).await?;
        self.delete_former_versions(now).await?;
        self.delete_unused_tags().await?;
        self.delete_old_pings().await?;
        self.delete_notifications(now, shutdown).await?;
        let cutoffs = self.cutoffs(now).await?;
        let mut removed = 0;
        for chunk in cutoffs.chunks(STEP as usize) {
            removed += self.remove(chunk, shutdown).await?;
        }
        while !shutdown.is_cancelled() && retention::release_free_pages(&self.database, PAGES).await? {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(removed)
    }

    /// Deletes the tags of deleted tasks without executions.
    async fn delete_unused_tags(&self) -> Result<()> {
        let mut tx = self.database.write().await?;
        tag_scope::delete_unused_tags(&mut tx, STEP).await?;
        tx.commit().await
    }

    /// Deletes what is old in the records of heartbeats.
    async fn delete_old_pings(&self) -> Result<()> {
        let mut tx = self.database.write().await?;
        heartbeat::prune(&mut tx, PINGS_KEPT, STEP).await?;
        tx.commit().await
    }

    /// Deletes the records of notifications and closed incidents that are older than the executions kept by default.
    async fn delete_notifications(&self, now: DateTime<Utc>, shutdown: &CancellationToken) -> Result<()> {
        let Some(before) = self.retention.age.and_then(|age| now.checked_sub_signed(age)) else { return Ok(()) };
        while !shutdown.is_cancelled() {
            let mut tx = self.database.write().await?;
            let messages = notify_message::delete_before(&mut tx, before, STEP).await?;
            let incidents = incident::delete_before(&mut tx, before, STEP).await?;
            tx.commit().await?;
            if messages.max(incidents) < STEP as u64 {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Deletes the definitions of deleted tasks without executions. A day later, so that none is queued any more.
    async fn delete_former_versions(&self, now: DateTime<Utc>) -> Result<()> {
        let mut tx = self.database.write().await?;
        version::delete_former(&mut tx, now - chrono::Duration::days(1)).await?;
        tx.commit().await
    }

    /// Deletes statistics by minute that are older than the current and the previous calendar month.
    async fn delete_minute_stats(&self, now: DateTime<Utc>) -> Result<()> {
        let Some(before) = now.checked_sub_signed(MINUTE_STATS_KEPT) else { return Ok(()) };
        let mut tx = self.database.write().await?;
        run_stats::remove_before(&mut tx, before).await?;
        tx.commit().await
    }

    /// Up to which execution each task's history is deleted: by its own policy if that has a limit, else by the settings.
    async fn cutoffs(&self, now: DateTime<Utc>) -> Result<Vec<Cutoff>> {
        let mut reader = self.database.read_engine().await?;
        let own = retention::own_retention(&mut reader).await?;
        let age = |days: u32| now.checked_sub_signed(chrono::Duration::days(i64::from(days))).map(RetentionLimit::Age);
        let by_age = own.iter().filter_map(|(id, retention)| Some((id, retention.max_age_days?)));
        let by_age = Limits::new(by_age.map(|(id, days)| (id, if days == 0 { None } else { age(days) })));
        let by_number = own.iter().filter_map(|(id, retention)| Some((id, retention.max_executions?)));
        let number = |count: u32| (count > 0).then_some(RetentionLimit::Count(i64::from(count)));
        let by_number = Limits::new(by_number.map(|(id, count)| (id, number(count))));
        let before = self.retention.age.and_then(|age| now.checked_sub_signed(age)).map(RetentionLimit::Age);
        let mut cutoffs = by_age.cutoffs(&mut reader, before).await?;
        cutoffs.extend(by_number.cutoffs(&mut reader, self.retention.per_task.map(RetentionLimit::Count)).await?);
        Ok(cutoffs)
    }

    async fn remove(&self, cutoffs: &[Cutoff], shutdown: &CancellationToken) -> Result<u64> {
        let mut removed = 0;
        while !shutdown.is_cancelled() {
            let mut tx = self.database.write().await?;
            let step = retention::delete(&mut tx, cutoffs, STEP).await?;
            tx.commit().await?;
            removed += step;
            if step < STEP as u64 {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(removed)
    }
}

/// The limits of one kind (age or count) in the policies of tasks.
#[derive(Default)]
struct Limits {
    by_limit: BTreeMap<RetentionLimit, Vec<String>>,
    /// All tasks with a limit of this kind, "keep all" included.
    task_ids: Vec<String>,
}

impl Limits {
    fn new<'a>(own: impl Iterator<Item = (&'a String, Option<RetentionLimit>)>) -> Self {
        let mut limits = Limits::default();
        for (id, limit) in own {
            limits.task_ids.push(id.clone());
            if let Some(limit) = limit {
                limits.by_limit.entry(limit).or_default().push(id.clone());
            }
        }
        limits
    }

    /// The cutoffs of the tasks with a limit of their own, and of all others by `default`.
    async fn cutoffs(&self, reader: &mut Reader, default: Option<RetentionLimit>) -> Result<Vec<Cutoff>> {
        let mut cutoffs = match default {
            Some(limit) => retention::cutoffs(reader, limit, TaskSelection::Except(&self.task_ids)).await?,
            None => Vec::new(),
        };
        for (limit, ids) in &self.by_limit {
            cutoffs.extend(retention::cutoffs(reader, *limit, TaskSelection::Only(ids)).await?);
        }
        Ok(cutoffs)
    }
}

/// A cron rule in the form that the cron backend of apalis takes.
struct MaintenanceSchedule {
    rule: Trigger,
    clock: SharedClock,
}

impl<Z> Schedule<Z> for MaintenanceSchedule {
    fn next_tick(&mut self, _zone: &Z) -> Option<Tick<Z>> {
        let now = self.clock.now();
        let next = self.rule.next_after(now, now)?;
        u64::try_from(next.timestamp()).ok().map(Tick::new)
    }
}
