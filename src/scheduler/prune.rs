//! Keeps the log from growing without end: executions that are older, or more of one task, than the settings say go, with
//! their output and attempts, in small steps that never hold up the scheduler. A cron rule of Belfry's own drives it.

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
use crate::storage::history::{self, Overgrown};
use crate::storage::{Database, Result, run_minutes};

/// When the log is looked through: every five minutes, away from the full minutes at which tasks crowd.
const RULE: &str = "17 */5 * * * *";
/// Executions removed in one transaction.
const STEP: i64 = 200;
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

/// What is kept; `None` sets no limit.
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

    /// Removes all that is too old at `now` or too much, step by step. Answers how many executions went.
    ///
    /// # Errors
    /// Where the database fails; the steps before stay done.
    pub async fn run_once(&self, now: DateTime<Utc>, shutdown: &CancellationToken) -> Result<u64> {
        self.forget_minutes(now).await?;
        let before = self.keep.age.and_then(|age| now.checked_sub_signed(age));
        let mut removed = match before {
            Some(before) => self.remove(&What::Before(before), shutdown).await?,
            None => 0,
        };
        if let Some(keep) = self.keep.per_task {
            let overgrown = history::overgrown(&mut self.database.read().await?, keep).await?;
            for task in overgrown {
                removed += self.remove(&What::Beyond(task), shutdown).await?;
            }
        }
        Ok(removed)
    }

    /// The counters by the minute are kept for the calendar's month and the one before.
    async fn forget_minutes(&self, now: DateTime<Utc>) -> Result<()> {
        let Some(before) = now.checked_sub_signed(MINUTES_KEPT) else { return Ok(()) };
        let mut tx = self.database.write().await?;
        run_minutes::remove_before(&mut tx, before).await?;
        tx.commit().await
    }

    async fn remove(&self, what: &What, shutdown: &CancellationToken) -> Result<u64> {
        let mut removed = 0;
        while !shutdown.is_cancelled() {
            let mut tx = self.database.write().await?;
            let step = match what {
                What::Before(instant) => history::remove_before(&mut tx, *instant, STEP).await?,
                What::Beyond(task) => history::remove_beyond(&mut tx, task, STEP).await?,
            };
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

/// What goes.
enum What {
    Before(DateTime<Utc>),
    Beyond(Overgrown),
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
