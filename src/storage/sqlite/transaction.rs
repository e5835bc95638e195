//! Write transactions of SQLite.

use std::time::Duration;

use tokio::time::Instant;

use super::connection::{BUSY_TIMEOUT, SqliteConnection};
use super::pool::{SqliteLent, SqlitePool};
use super::refusal::{is_busy, sqlx_error};

/// The first and the longest wait for another process's transaction.
const BUSY_DELAY: Duration = Duration::from_millis(1);
const BUSY_DELAY_MAX: Duration = Duration::from_millis(50);

/// A write transaction; dropping it rolls back.
#[derive(Debug)]
pub struct SqliteTransaction(SqliteLent);

impl SqliteTransaction {
    /// Waits for the connection of writers, and then for other processes, without blocking a thread.
    pub(in crate::storage) async fn begin(writer: &SqlitePool) -> sqlx::Result<Self> {
        let mut lent = writer.acquire().await?;
        let (mut delay, last) = (BUSY_DELAY, Instant::now() + BUSY_TIMEOUT);
        loop {
            match lent.get().begin() {
                Err(error) if is_busy(&error) && Instant::now() < last => {}
                begun => return begun.map(|()| Self(lent)).map_err(sqlx_error),
            }
            tokio::time::sleep(delay).await;
            delay = (delay * 2).min(BUSY_DELAY_MAX);
        }
    }

    pub(in crate::storage) fn connection(&mut self) -> &mut SqliteConnection {
        self.0.get()
    }

    pub(in crate::storage) fn commit(mut self) -> sqlx::Result<()> {
        let committed = self.0.get().commit();
        // Also a failed commit may have changed the database.
        self.0.count_change();
        committed
    }

    pub(in crate::storage) fn roll_back(mut self) -> sqlx::Result<()> {
        if self.0.get().has_no_transaction() { Ok(()) } else { self.0.get().run("rollback", &[]).map(drop) }
    }
}
