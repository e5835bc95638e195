//! Pools of connections, opened when they are needed first. Whoever waits for one is served in turn.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::{SqliteConnection, SqliteOptions};
use crate::blocking::blocking;

/// How long a caller waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

/// A pool; clones share it.
#[derive(Debug, Clone)]
pub struct SqlitePool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    options: SqliteOptions,
    size: u32,
    free: Arc<Semaphore>,
    idle: Mutex<Vec<SqliteConnection>>,
    changes: AtomicU64,
}

impl SqlitePool {
    pub(in crate::storage) fn new(options: SqliteOptions, size: u32) -> Self {
        let free = Arc::new(Semaphore::new(size as usize));
        Self(Arc::new(Shared { options, size, free, idle: Mutex::default(), changes: AtomicU64::new(0) }))
    }

    pub(in crate::storage) fn options(&self) -> &SqliteOptions {
        &self.0.options
    }

    /// The number of commits by connections of this pool, and of calls of [`Self::count_change`].
    pub(in crate::storage) fn changes(&self) -> u64 {
        self.0.changes.load(Ordering::Acquire)
    }

    pub(in crate::storage) fn count_change(&self) {
        self.0.count_change();
    }

    /// Takes a connection.
    ///
    /// # Errors
    /// None becomes free in time, or the file cannot be opened.
    pub async fn acquire(&self) -> sqlx::Result<SqliteLent> {
        let free = tokio::time::timeout(ACQUIRE_TIMEOUT, self.0.free.clone().acquire_owned()).await;
        let permit = free.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
        let idle = self.0.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => SqliteConnection::open(&self.0.options)?,
        };
        Ok(SqliteLent { connection: Some(connection), pool: self.0.clone(), _permit: permit })
    }

    /// Closes all connections once they are returned. SQLite then moves what its log holds into the file.
    pub(in crate::storage) async fn close(&self) {
        if let Ok(all) = self.0.free.acquire_many(self.0.size).await {
            self.0.free.close();
            let idle = std::mem::take(&mut *self.0.idle());
            blocking(|| drop(idle));
            drop(all);
        }
    }
}

impl Shared {
    fn count_change(&self) {
        self.changes.fetch_add(1, Ordering::Release);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that a pool lends. It returns when dropped, rolling back what is open.
#[derive(Debug)]
pub struct SqliteLent {
    /// `None` after the drop has taken it.
    connection: Option<SqliteConnection>,
    pool: Arc<Shared>,
    _permit: OwnedSemaphorePermit,
}

impl SqliteLent {
    /// The connection.
    pub fn get(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect("only the drop takes it")
    }

    /// The connection has committed a transaction.
    pub(super) fn count_change(&self) {
        self.pool.count_change();
    }
}

impl Drop for SqliteLent {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        if connection.is_broken() {
            return;
        }
        if !connection.has_no_transaction()
            && let Err(error) = connection.run_all("rollback")
        {
            tracing::warn!(%error, "transaction could not be rolled back; closing its database connection");
        } else {
            self.pool.idle().push(connection);
        }
    }
}
