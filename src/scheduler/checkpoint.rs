//! Folds SQLite's write-ahead log into the database file, aside from the writers, so that no commit has to do it.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::storage::{Database, Result};

const EVERY: Duration = Duration::from_secs(1);

/// The loop that folds.
pub struct Checkpoint {
    pub database: Database,
}

impl Checkpoint {
    /// Folds every second until the shutdown.
    pub async fn run(&self, shutdown: CancellationToken) {
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

    /// Folds once, as far as no reader needs the log.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn run_once(&self) -> Result<()> {
        self.database.checkpoint().await
    }
}
