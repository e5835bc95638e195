//! Folds SQLite's write-ahead log into the database file, aside from the writers, so that no commit has to do it. It takes the
//! quiet moments between firings: a fold beside them makes them late.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::storage::{Database, Log, Result};

/// How often to look; nothing written since the last look is a quiet moment.
const EVERY: Duration = Duration::from_millis(100);
/// Folds are at least this far apart, as each waits for the disk twice.
const SOONEST: Duration = Duration::from_secs(1);
/// Without a quiet moment the log is folded all the same: what is in it alone may be lost with the power.
const LATEST: Duration = Duration::from_secs(3);

/// The loop that folds.
pub struct Checkpoint {
    database: Database,
    seen: Option<Log>,
    folded_at: Instant,
}

impl Checkpoint {
    pub fn new(database: Database) -> Self {
        Self { database, seen: None, folded_at: Instant::now() }
    }

    /// Folds until the shutdown.
    pub async fn run(mut self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            if let Err(error) = self.run_once().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "the write-ahead log grows; trying again");
            }
        }
    }

    /// Looks once, and folds where it is time. Answers whether it did.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn run_once(&mut self) -> Result<bool> {
        let Some(log) = self.database.log().await? else { return Ok(false) };
        let quiet = self.seen.replace(log) == Some(log);
        let due = is_due(log, quiet, self.folded_at.elapsed());
        if due {
            self.database.fold().await?;
            self.folded_at = Instant::now();
        }
        Ok(due)
    }
}

fn is_due(log: Log, quiet: bool, since: Duration) -> bool {
    log.folded < log.pages && (since >= LATEST || (quiet && since >= SOONEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_moment_is_taken_and_not_waited_for_too_long() {
        let due = |waiting: i64, quiet, ms| is_due(Log { pages: 50 + waiting, folded: 50 }, quiet, Duration::from_millis(ms));
        assert!(!due(0, true, 3_600_000), "there is nothing to fold");
        assert!(!due(1, true, 999) && due(1, true, 1_000));
        assert!(!due(1, false, 2_999) && due(1, false, 3_000));
    }
}
