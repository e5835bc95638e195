//! What was read from the database and holds until the database changes.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Database, Result};

/// A value that was read; it is read again once anything was committed. On PostgreSQL it is read each time.
#[derive(Debug)]
pub struct Unchanged<T>(Mutex<Option<(u64, T)>>);

impl<T> Default for Unchanged<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Copy> Unchanged<T> {
    /// Returns the value, by `read` if the database may have changed since.
    pub async fn get(&self, database: &Database, read: impl Future<Output = Result<T>>) -> Result<T> {
        // Before the read: what is committed meanwhile may be missing from it.
        let changes = database.changes();
        let known = *self.lock();
        if let Some((_, value)) = known.filter(|(of, _)| Some(*of) == changes) {
            return Ok(value);
        }
        let value = read.await?;
        *self.lock() = changes.map(|changes| (changes, value));
        Ok(value)
    }

    fn lock(&self) -> MutexGuard<'_, Option<(u64, T)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Synchronous;
    use super::*;

    #[tokio::test]
    async fn a_value_is_read_again_after_a_commit() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open_sqlite(&folder.path().join("task.db"), Synchronous::Normal).await.unwrap();
        let unchanged = Unchanged::default();
        let read = async |value: i64| unchanged.get(&database, async { Ok(value) }).await.unwrap();
        assert_eq!((read(1).await, read(2).await), (1, 1));
        database.write().await.unwrap().commit().await.unwrap();
        assert_eq!((read(3).await, read(4).await), (3, 3));
        drop(database.write().await.unwrap());
        assert_eq!(read(5).await, 3, "a rolled back transaction changes nothing");
        database.count_change();
        assert_eq!(read(6).await, 6, "another process has written");
        database.close().await;
    }
}
