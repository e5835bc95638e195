//! SQLite WAL checkpoints: copies the write-ahead log into the database file in the background, so that no commit has to do
//! it. Checkpoints run in quiet moments between firings, because one that runs beside a firing delays it.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::tick;
use crate::storage::{Database, Result, WalStatus};

/// So many pages that are not checkpointed (about 16 MB) are not left to wait: what grows between two checkpoints adds to the log.
const MANY_PAGES: i64 = 4_000;
/// How often the WAL is checked. No new pages since the last check counts as a quiet moment.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// The same while there was nothing to checkpoint.
const IDLE_INTERVAL: Duration = Duration::from_secs(1);
/// The shortest time between two checkpoints: each waits for the disk twice.
const MIN_INTERVAL: Duration = Duration::from_secs(1);
/// After this long a checkpoint runs even without a quiet moment: a power cut may lose what is only in the WAL.
const MAX_INTERVAL: Duration = Duration::from_secs(3);

/// The background task that runs checkpoints.
pub struct Checkpoint {
    database: Database,
    last_status: Option<WalStatus>,
    last_checkpoint: Instant,
}

impl Checkpoint {
    pub fn new(database: Database) -> Self {
        Self { database, last_status: None, last_checkpoint: Instant::now() }
    }

    /// Runs checkpoints until the shutdown. An error is logged once until a checkpoint succeeds.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut failing = false;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tick(self.interval()) => {}
            }
            match self.run_once().await {
                Err(error) if !failing => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "WAL checkpoint failed; retrying");
                    failing = true;
                }
                Ok(true) => failing = false,
                _ => {}
            }
        }
    }

    fn interval(&self) -> Duration {
        if self.last_status.is_some_and(|status| status.pending() == 0) { IDLE_INTERVAL } else { POLL_INTERVAL }
    }

    /// Checks the WAL once and runs a checkpoint if one is due. Returns whether it ran.
    pub async fn run_once(&mut self) -> Result<bool> {
        let Some(status) = self.database.wal_status().await? else { return Ok(false) };
        let quiet = self.last_status.replace(status) == Some(status);
        let due = is_due(status, quiet, self.last_checkpoint.elapsed());
        if due {
            self.database.checkpoint().await?;
            self.last_checkpoint = Instant::now();
        }
        Ok(due)
    }
}

fn is_due(status: WalStatus, quiet: bool, since_last: Duration) -> bool {
    let (soon, at_once) = (quiet || status.is_long(), status.pending() >= MANY_PAGES);
    status.pending() > 0 && (at_once || since_last >= MAX_INTERVAL || (soon && since_last >= MIN_INTERVAL))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoint_is_due_in_quiet_moments_and_after_the_max_interval() {
        let due = |pending: i64, quiet, ms| {
            is_due(WalStatus { pages: 50 + pending, checkpointed: 50 }, quiet, Duration::from_millis(ms))
        };
        assert!(!due(0, true, 3_600_000), "no pages to checkpoint");
        assert!(!due(1, true, 999) && due(1, true, 1_000));
        assert!(!due(1, false, 2_999) && due(1, false, 3_000));
        assert!(!due(MANY_PAGES - 1, false, 0) && due(MANY_PAGES, false, 0), "many pages");
        let long = WalStatus { pages: 6_001, checkpointed: 6_000 };
        assert!(!is_due(long, false, Duration::from_millis(999)) && is_due(long, false, Duration::from_secs(1)));
    }
}
