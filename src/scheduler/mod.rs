//! The scheduler: plans due occurrences, watches for idle triggers, and replans when the clock or the time zone changes.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::{ClockReading, precise, tick};
use crate::signals::SchedulerHeartbeat;
use crate::storage::{Error, Result};

mod ahead;
mod backfills;
pub mod calendars;
mod clock_watch;
mod cpu_usage;
pub mod idle;
mod isolate;
mod occurrences;
mod pauses;
pub mod planner;
mod refused;
mod replan;
mod rules;
mod settle;

pub use ahead::PlanAhead;
pub use clock_watch::ClockWatch;
pub use occurrences::Recorded;
pub use planner::{Planned, Planner, PlannerState};
pub use settle::Settlement;

/// The longest sleep. It bounds how late the scheduler notices a changed system clock or the end of a suspend.
pub const MAX_SLEEP: Duration = Duration::from_secs(1);
/// The same on PostgreSQL, where it also bounds how late a change by another node is noticed. A poll that finds nothing due reads a
/// few indexes. What other processes change in a SQLite file wakes the scheduler.
const MAX_SLEEP_BESIDE_NODES: Duration = Duration::from_millis(200);
/// The shortest time between the starts of two passes that plan: what is due within it is planned together.
const MIN_INTERVAL: Duration = Duration::from_millis(3);
/// The pause after tasks were due that another node has locked.
const LOCKED_DELAY: Duration = Duration::from_millis(20);
/// The pause after a database error.
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// How often a pass that met another node's is repeated without a pause.
const MAX_CONFLICTS: u32 = 10;

/// The background task that plans executions.
pub struct Scheduler {
    pub planner: Planner,
    pub heartbeat: SchedulerHeartbeat,
    clock_watch: Mutex<ClockWatch>,
}

impl Scheduler {
    /// Watches the clock from now on.
    pub fn new(planner: Planner, heartbeat: SchedulerHeartbeat) -> Self {
        let clock_watch = Mutex::new(ClockWatch::new(planner.clock.reading()));
        Self { planner, heartbeat, clock_watch }
    }

    /// Plans until the shutdown. A database error is logged once and retried every second; a conflict with another node at once.
    pub async fn run(&self, shutdown: CancellationToken) {
        let (mut failing, mut conflicts, mut started) = (false, 0, false);
        loop {
            let pass = async {
                if !started {
                    self.planner.started(self.planner.clock.now()).await?;
                    started = true;
                }
                self.run_once().await
            };
            let sleep = match pass.await {
                Ok(sleep) => {
                    self.heartbeat.succeeded(self.planner.clock.now());
                    if failing {
                        tracing::info!("scheduling resumed");
                    }
                    (failing, conflicts) = (false, 0);
                    sleep
                }
                Err(error) if error.is_conflict() && conflicts < MAX_CONFLICTS => {
                    conflicts += 1;
                    Duration::ZERO
                }
                Err(error) => {
                    self.heartbeat.failed(&error);
                    if !failing {
                        tracing::error!(error = &error as &dyn std::error::Error, "scheduling failed; retrying every second");
                    }
                    failing = true;
                    if self.isolate(&error).await { Duration::ZERO } else { RETRY_DELAY }
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.planner.signals.schedule.notified() => {}
                () = self.pause(sleep) => {}
            }
        }
    }

    /// Plans what is due. Returns how long to sleep before the next call, at most [`MAX_SLEEP`].
    pub async fn run_once(&self) -> Result<Duration> {
        let reading = self.planner.clock.reading();
        self.watch_clock(reading).await?;
        // The time that was watched: a step of the clock right after it is seen by the next pass.
        let now = reading.wall;
        self.heartbeat.beat(now);
        let planned = self.planner.run_once(now).await?;
        let left = planned.next_pass.map_or(self.max_sleep(), |next| (next - now).to_std().unwrap_or_default());
        if !planned.is_empty() {
            tracing::debug!(planned.tasks, planned.executions, planned.queued, "planned due tasks");
            let took = (self.planner.clock.now() - now).to_std().unwrap_or_default();
            return Ok(MIN_INTERVAL.saturating_sub(took));
        }
        // Rows locked by another node are due but cannot be taken: wait a little instead of spinning.
        Ok(if left.is_zero() { LOCKED_DELAY } else { left.min(self.max_sleep()) })
    }

    /// Leaves out the task because of which a pass was refused. Returns whether there is one.
    async fn isolate(&self, error: &Error) -> bool {
        if error.is_transient() || error.is_conflict() {
            return false;
        }
        let isolated = self.planner.isolate(self.planner.clock.now()).await;
        isolated.unwrap_or_else(|error| {
            tracing::warn!(%error, "failed to look for the task that cannot be planned");
            false
        })
    }

    async fn watch_clock(&self, reading: ClockReading) -> Result<()> {
        let Some((step, unseen_from)) = self.clock_watch().observe(reading) else { return Ok(()) };
        self.planner.clock_stepped(step, unseen_from, reading.wall).await?;
        self.clock_watch().handled();
        Ok(())
    }

    /// Sleeps until something is due, or with whatever else is looked at regularly.
    async fn pause(&self, sleep: Duration) {
        if sleep == self.max_sleep() { tick(sleep).await } else { precise::sleep(sleep).await }
    }

    fn max_sleep(&self) -> Duration {
        match self.planner.database.changes() {
            Some(_) => MAX_SLEEP,
            None => MAX_SLEEP_BESIDE_NODES,
        }
    }

    fn clock_watch(&self) -> MutexGuard<'_, ClockWatch> {
        self.clock_watch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
