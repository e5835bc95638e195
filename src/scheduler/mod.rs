//! idle triggers, orphan recovery, notifications between nodes, retention and WAL checkpoints.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::signals::SchedulerHeartbeat;
use crate::storage::{Result, plan};

pub mod idle;
pub mod planner;
mod precise;

pub use planner::{Planned, Planner};

/// The longest sleep. It bounds how late the scheduler notices a change by another process, a changed system clock or the
/// end of a suspend. A poll that finds nothing due reads two indexes.
const MAX_SLEEP: Duration = Duration::from_millis(250);
/// The pause after a database error.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// The background task that plans executions.
pub struct Scheduler {
    pub planner: Planner,
    pub heartbeat: SchedulerHeartbeat,
}

impl Scheduler {
    /// Plans until the shutdown. A database error is logged once and retried every second.
    pub async fn run(&self, shutdown: CancellationToken) {
        let mut failing = false;
        loop {
            let sleep = match self.run_once().await {
                Ok(sleep) => {
                    self.heartbeat.succeeded(self.planner.clock.now());
                    if failing {
                        tracing::info!("scheduling resumed");
                    }
                    failing = false;
                    sleep
                }
                Err(error) => {
                    if !failing {
                        tracing::error!(error = &error as &dyn std::error::Error, "scheduling failed; retrying every second");
                    }
                    failing = true;
                    RETRY_DELAY
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.planner.signals.schedule.notified() => {}
                () = precise::sleep(sleep) => {}
            }
        }
    }

    /// Plans what is due. Returns how long to sleep before the next call, 0 to 250 ms.
    pub async fn run_once(&self) -> Result<Duration> {
        let now = self.planner.clock.now();
        self.heartbeat.beat(now);
        let next = plan::next_due(&mut self.planner.database.read().await?).await?;
        let Some(next) = next else { return Ok(MAX_SLEEP) };
        if next > now {
            return Ok((next - now).to_std().unwrap_or_default().min(MAX_SLEEP));
        }
        let planned = self.planner.run_once(now).await?;
        tracing::debug!(planned.tasks, planned.executions, planned.jobs, "planned due tasks");
        // Rows locked by another node are due but cannot be taken: wait a little instead of spinning.
        let nothing_planned = planned == Planned::default();
        Ok(if nothing_planned { Duration::from_millis(20) } else { Duration::ZERO })
    }
}
