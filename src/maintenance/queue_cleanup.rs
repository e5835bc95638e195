//! Queue clean-up: deletes acknowledged jobs, so that the queue's table stays small.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::queue::jobs;
use crate::storage::{Database, Result};

/// How often acknowledged jobs are deleted.
const INTERVAL: Duration = Duration::from_secs(5);
/// Jobs deleted in one transaction: few, so that other writers do not wait long.
const BATCH: i64 = 500;
/// The pause between batches, so that other writers get their turn.
const PAUSE: Duration = Duration::from_millis(5);

/// The background task that deletes acknowledged jobs.
pub struct QueueCleanup {
    pub database: Database,
}

impl QueueCleanup {
    /// Deletes acknowledged jobs until the shutdown.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut failing = false;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(INTERVAL) => {}
            }
            let result = self.run_once().await;
            if let Err(error) = &result
                && !failing
            {
                tracing::warn!(error = error as &dyn std::error::Error, "failed to delete acknowledged jobs; retrying");
            }
            failing = result.is_err();
        }
    }

    /// Deletes all acknowledged jobs in small batches. Returns how many.
    pub async fn run_once(&self) -> Result<u64> {
        let mut deleted = 0;
        loop {
            let mut tx = self.database.write().await?;
            let batch = jobs::delete_done(&mut tx, BATCH).await?;
            tx.commit().await?;
            deleted += batch;
            if batch < BATCH.unsigned_abs() {
                return Ok(deleted);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
