//! Keeps the log from growing without end: executions that are older, or more of one task, than the settings or the task's
//! own policy say go, with their output and attempts, in small steps that never hold up the scheduler. A cron rule of
//! Belfry's own drives it.

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
use crate::domain::trigger::Trigger;
use crate::storage::history::{self, Among, Beyond, Edge};
use crate::storage::{Database, Reader, Result, reach, run_minutes};

/// When the log is looked through: every five minutes, away from the full minutes at which tasks crowd.
const RULE: &str = "17 */5 * * * *";
/// Executions removed in one transaction.
const STEP: i64 = 200;
/// Pages of the database's file given back in one step.
const PAGES: i64 = 500;
/// The pause between steps, in which others write.
const PAUSE: Duration = Duration::from_millis(50);

/// How long the counters by the minute are kept.
const MINUTES_KEPT: chrono::Duration = chrono::Duration::days(62);

/// The loop that removes old executions.
pub struct Prune {
    pub database: Database,
    pub clock: SharedClock,
    pub keep: Keep,
}

/// What is kept of a task that says nothing of its own; `None` sets no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keep {
    /// How long after it was queued.
    pub age: Option<chrono::Duration>,
    /// How many of one task.
    pub per_task: Option<i64>,
}

impl Prune {
    /// Removes what is too old or too much, each time the rule fires, until the shutdown.
    pub async fn run(&self, shutdown: CancellationToken) {
        let Ok(rule) = Trigger::parse(&json!({"type": "cron", "expression": RULE}), Tz::UTC) else { return };
        let ticks = CronScheduler::new(Upkeep { rule, clock: self.clock.clone() }).into_stream();
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
                Ok(removed) => tracing::info!(removed, "removed old executions from the log"),
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "cannot remove old executions"),
            }
        }
    }

    /// Removes all that is too old at `now` or too much, step by step, and gives the space back. Answers how many executions
    /// went.
    ///
    /// # Errors
    /// Where the database fails; the steps before stay done.
    pub async fn run_once(&self, now: DateTime<Utc>, shutdown: &CancellationToken) -> Result<u64> {
        self.forget_minutes(now).await?;
        self.forget_tags().await?;
        let edges = self.edges(now).await?;
        let mut removed = 0;
        for some in edges.chunks(STEP as usize) {
            removed += self.remove(some, shutdown).await?;
        }
        while !shutdown.is_cancelled() && history::give_back(&self.database, PAGES).await? {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(removed)
    }

    /// Of deleted tasks that have no executions left.
    async fn forget_tags(&self) -> Result<()> {
        let mut tx = self.database.write().await?;
        reach::forget_gone(&mut tx, STEP).await?;
        tx.commit().await
    }

    /// The counters by the minute are kept for the calendar's month and the one before.
    async fn forget_minutes(&self, now: DateTime<Utc>) -> Result<()> {
        let Some(before) = now.checked_sub_signed(MINUTES_KEPT) else { return Ok(()) };
        let mut tx = self.database.write().await?;
        run_minutes::remove_before(&mut tx, before).await?;
        tx.commit().await
    }

    /// Up to where each task's log may go: by its own policy where that says so, else by the settings.
    async fn edges(&self, now: DateTime<Utc>) -> Result<Vec<Edge>> {
        let mut reader = self.database.read().await?;
        let own = history::own_retention(&mut reader).await?;
        let age = |days: u32| now.checked_sub_signed(chrono::Duration::days(i64::from(days))).map(Beyond::Age);
        let by_age = own.iter().filter_map(|(id, retention)| Some((id, retention.max_age_days?)));
        let by_age = Limits::new(by_age.map(|(id, days)| (id, if days == 0 { None } else { age(days) })));
        let by_number = own.iter().filter_map(|(id, retention)| Some((id, retention.max_executions?)));
        let number = |count: u32| (count > 0).then_some(Beyond::Number(i64::from(count)));
        let by_number = Limits::new(by_number.map(|(id, count)| (id, number(count))));
        let before = self.keep.age.and_then(|age| now.checked_sub_signed(age)).map(Beyond::Age);
        let mut edges = by_age.edges(&mut reader, before).await?;
        edges.extend(by_number.edges(&mut reader, self.keep.per_task.map(Beyond::Number)).await?);
        Ok(edges)
    }

    async fn remove(&self, edges: &[Edge], shutdown: &CancellationToken) -> Result<u64> {
        let mut removed = 0;
        while !shutdown.is_cancelled() {
            let mut tx = self.database.write().await?;
            let step = history::remove(&mut tx, edges, STEP).await?;
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

/// One kind of limit: the tasks that have one of their own, or none, and what holds for them.
#[derive(Default)]
struct Limits {
    own: BTreeMap<Beyond, Vec<String>>,
    named: Vec<String>,
}

impl Limits {
    fn new<'a>(own: impl Iterator<Item = (&'a String, Option<Beyond>)>) -> Self {
        let mut limits = Limits::default();
        for (id, beyond) in own {
            limits.named.push(id.clone());
            if let Some(beyond) = beyond {
                limits.own.entry(beyond).or_default().push(id.clone());
            }
        }
        limits
    }

    /// What may go of the tasks that are named here, and of all others by `default`.
    async fn edges(&self, reader: &mut Reader, default: Option<Beyond>) -> Result<Vec<Edge>> {
        let mut edges = match default {
            Some(beyond) => history::edges(reader, beyond, Among::AllBut(&self.named)).await?,
            None => Vec::new(),
        };
        for (beyond, ids) in &self.own {
            edges.extend(history::edges(reader, *beyond, Among::Only(ids)).await?);
        }
        Ok(edges)
    }
}

/// A rule of ours as the queue's cron backend wants it.
struct Upkeep {
    rule: Trigger,
    clock: SharedClock,
}

impl<Z> Schedule<Z> for Upkeep {
    fn next_tick(&mut self, _zone: &Z) -> Option<Tick<Z>> {
        let now = self.clock.now();
        let next = self.rule.next_after(now, now)?;
        u64::try_from(next.timestamp()).ok().map(Tick::new)
    }
}
