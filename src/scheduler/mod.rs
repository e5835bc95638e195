//! The scheduler: sleeps until something is due, and plans it. Beside it run loops of the same form: the watch for an idle
//! machine, the rescue of what a dead process left behind, the notices between nodes, and the upkeep of the log and of the
//! database's files.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::signals::Pulse;
use crate::storage::{Result, plan};

pub mod checkpoint;
pub mod idle;
pub mod outside;
mod precise;
pub mod presence;
pub mod prune;
pub mod relay;
pub mod rescue;
pub mod tick;

pub use tick::{Planned, Planner};

/// The longest sleep. It bounds how late a change made by another process, a clock that was set, or the end of a suspend is
/// noticed; a look that finds nothing is one read of two indexes.
const LONGEST_SLEEP: Duration = Duration::from_millis(250);
/// The pause after a failure of the database.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// The loop that plans.
pub struct Scheduler {
    pub planner: Planner,
    pub pulse: Pulse,
}

impl Scheduler {
    /// Plans until the shutdown. A failing database is said once, and tried again every second.
    pub async fn run(&self, shutdown: CancellationToken) {
        let mut failing = false;
        loop {
            let sleep = match self.run_once().await {
                Ok(sleep) => {
                    if failing {
                        tracing::info!("the scheduler works again");
                    }
                    failing = false;
                    sleep
                }
                Err(error) => {
                    if !failing {
                        tracing::error!(
                            error = &error as &dyn std::error::Error,
                            "the scheduler cannot plan; it tries again every second"
                        );
                    }
                    failing = true;
                    AFTER_FAILURE
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.planner.signals.schedule.notified() => {}
                () = precise::sleep(sleep) => {}
            }
        }
    }

    /// Looks once, and plans where something is due. Answers how long to sleep before the next look.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn run_once(&self) -> Result<Duration> {
        let now = self.planner.clock.now();
        self.pulse.beat(now);
        let next = plan::next_due(&mut self.planner.database.read().await?).await?;
        let Some(next) = next else { return Ok(LONGEST_SLEEP) };
        if next > now {
            return Ok((next - now).to_std().unwrap_or_default().min(LONGEST_SLEEP));
        }
        let planned = self.planner.run_once(now).await?;
        tracing::debug!(planned.tasks, planned.executions, planned.jobs, "planned what was due");
        // Rows that another node holds are due but not to be had: no spinning over them.
        let idle = planned == Planned::default();
        Ok(if idle { Duration::from_millis(20) } else { Duration::ZERO })
    }
}
