//! Folds SQLite's write-ahead log into the database file, aside from the writers, so that no commit has to do it. It takes the
//! quiet moments between firings: a fold beside them makes them late.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::storage::{Database, Log, Result};

/// How often to look; nothing written since the last look is a quiet moment.
const EVERY: Duration = Duration::from_millis(100);
/// A long log is folded at the next quiet moment after the first, and without one after the second.
const LONG: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3));
/// A short one waits for more, as each fold waits for the disk twice.
const SHORT: Duration = Duration::from_secs(30);
/// Pages from which on a log is long: 4 MB.
const MANY: i64 = 1_000;

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
    match log.pages - log.folded {
        ..=0 => false,
        1..MANY => since >= SHORT,
        _ => since >= LONG.1 || (quiet && since >= LONG.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_logs_are_folded_in_quiet_moments_and_short_ones_rarely() {
        let seconds = Duration::from_secs;
        let due = |waiting: i64, quiet, since| is_due(Log { pages: 5_000 + waiting, folded: 5_000 }, quiet, seconds(since));
        assert!(!due(0, true, 3600));
        assert!(!due(999, true, 29) && due(999, false, 30) && due(1, true, 30));
        assert!(!due(1_000, true, 0) && due(1_000, true, 1));
        assert!(!due(1_000, false, 2) && due(1_000, false, 3));
    }
}
