//! Recently read values that every page needs: sessions, tags, views, counts, pages of lists. A change by a person ends them all at
//! once; changes by other processes and nodes are seen after a second. What runs change has the number of changes in its key.

use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use lru::LruCache;

use crate::clock::SharedClock;

/// How long a value is used. Both the clock and the process must say that it is not older.
const MAX_AGE: Duration = Duration::from_secs(1);
/// The same of what is long past.
const MAX_AGE_OF_HISTORY: Duration = Duration::from_secs(60);
/// A change is noted before its transaction commits; what is read within this time may still be the old state and is not kept.
const COMMIT_TIME: Duration = Duration::from_secs(2);
/// The longest answer that is kept, in bytes.
const MAX_ANSWER: usize = 1 << 20;
/// The most values of one kind: small ones, and pages of lists.
const CAPACITY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1023);
const PAGES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(31);

/// The time of the last change by a person; clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct LastChange(Arc<Mutex<Option<Instant>>>);

impl LastChange {
    /// Notes a change that is being written or was just written.
    pub fn note(&self) {
        *lock(&self.0) = Some(Instant::now());
    }

    /// Whether nothing has changed since `began`, nor shortly before it.
    fn is_quiet_since(&self, began: Instant) -> bool {
        lock(&self.0).is_none_or(|changed| changed + COMMIT_TIME < began)
    }
}

/// Values of one kind by their key; clones share them.
pub(super) struct RecentValues<K, V> {
    clock: SharedClock,
    last_change: LastChange,
    max_age: Duration,
    values: Arc<Mutex<LruCache<K, Kept<V>>>>,
}

struct Kept<V> {
    began: Instant,
    at: DateTime<Utc>,
    value: V,
}

impl<K: Hash + Eq, V: Clone> RecentValues<K, V> {
    pub fn new(clock: SharedClock, last_change: LastChange) -> Self {
        Self::with_capacity(clock, last_change, MAX_AGE, CAPACITY)
    }

    /// For large values, such as pages of a list.
    pub fn of_pages(clock: SharedClock, last_change: LastChange) -> Self {
        Self::with_capacity(clock, last_change, MAX_AGE, PAGES)
    }

    /// For what is long past and dear to read: it may be a minute old.
    pub fn of_history(clock: SharedClock, last_change: LastChange) -> Self {
        Self::with_capacity(clock, last_change, MAX_AGE_OF_HISTORY, PAGES)
    }

    fn with_capacity(clock: SharedClock, last_change: LastChange, max_age: Duration, capacity: NonZeroUsize) -> Self {
        Self { clock, last_change, max_age, values: Arc::new(Mutex::new(LruCache::new(capacity))) }
    }

    /// Returns the value of a key if it is recent, else what `find` returns; that there is none is not kept.
    pub async fn get_or_find<E>(&self, key: K, find: impl Future<Output = Result<Option<V>, E>>) -> Result<Option<V>, E> {
        if let Some(value) = self.get(&key) {
            return Ok(Some(value));
        }
        let (began, at) = (Instant::now(), self.clock.now());
        let found = find.await?;
        if let Some(value) = &found {
            self.keep(key, began, at, value);
        }
        Ok(found)
    }

    /// As [`RecentValues::get_or_find`], for what is always there.
    pub async fn get_or_read<E>(&self, key: K, read: impl Future<Output = Result<V, E>>) -> Result<V, E> {
        if let Some(value) = self.get(&key) {
            return Ok(value);
        }
        let (began, at) = (Instant::now(), self.clock.now());
        let value = read.await?;
        self.keep(key, began, at, &value);
        Ok(value)
    }

    /// As [`RecentValues::get_or_read`], for many keys: `read` gets those without a recent value.
    pub async fn get_or_read_many<E>(
        &self,
        keys: Vec<K>,
        read: impl AsyncFnOnce(&[K]) -> Result<Vec<V>, E>,
    ) -> Result<Vec<(K, V)>, E>
    where
        K: Clone,
    {
        let mut found = Vec::with_capacity(keys.len());
        let mut missing = Vec::new();
        for key in keys {
            match self.get(&key) {
                Some(value) => found.push((key, value)),
                None => missing.push(key),
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let (began, at) = (Instant::now(), self.clock.now());
        for (key, value) in missing.clone().into_iter().zip(read(&missing).await?) {
            self.keep(key.clone(), began, at, &value);
            found.push((key, value));
        }
        Ok(found)
    }

    /// Ends a value.
    pub fn forget(&self, key: &K) {
        lock(&self.values).pop(key);
    }

    fn keep(&self, key: K, began: Instant, at: DateTime<Utc>, value: &V) {
        if self.last_change.is_quiet_since(began) {
            lock(&self.values).put(key, Kept { began, at, value: value.clone() });
        }
    }

    fn get(&self, key: &K) -> Option<V> {
        let now = self.clock.now();
        let mut values = lock(&self.values);
        let kept = values.get(key)?;
        let is_recent = kept.began.elapsed() < self.max_age && (now - kept.at).to_std().is_ok_and(|age| age < self.max_age);
        (is_recent && self.last_change.is_quiet_since(kept.began)).then(|| kept.value.clone())
    }
}

impl<K: Hash + Eq> RecentValues<K, Arc<[u8]>> {
    /// As [`RecentValues::get_or_read`], for written answers; those longer than 1 MiB are not kept.
    pub async fn get_or_write<E>(&self, key: K, write: impl Future<Output = Result<Vec<u8>, E>>) -> Result<Arc<[u8]>, E> {
        let mut long = None;
        let written = async {
            let written: Arc<[u8]> = write.await?.into();
            if written.len() <= MAX_ANSWER {
                return Ok(Some(written));
            }
            long = Some(written);
            Ok(None)
        };
        let kept = self.get_or_find(key, written).await?;
        Ok(kept.or(long).unwrap_or_default())
    }
}

impl<K, V> Clone for RecentValues<K, V> {
    fn clone(&self) -> Self {
        Self {
            clock: self.clock.clone(),
            last_change: self.last_change.clone(),
            max_age: self.max_age,
            values: self.values.clone(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::clock::ManualClock;

    fn values(clock: &Arc<ManualClock>, change: &LastChange) -> RecentValues<&'static str, u32> {
        RecentValues::new(clock.clone(), change.clone())
    }

    async fn read(values: &RecentValues<&'static str, u32>, current: u32) -> u32 {
        values.get_or_read("a", async { Ok::<_, Infallible>(current) }).await.unwrap()
    }

    #[tokio::test]
    async fn values_are_kept_until_a_change_or_a_second_later() {
        let (clock, change) = (Arc::new(ManualClock::new(DateTime::UNIX_EPOCH)), LastChange::default());
        let values = values(&clock, &change);
        assert_eq!((read(&values, 1).await, read(&values, 2).await), (1, 1));
        clock.advance(chrono::Duration::seconds(2));
        assert_eq!((read(&values, 3).await, read(&values, 4).await), (3, 3));
        change.note();
        assert_eq!((read(&values, 5).await, read(&values, 6).await), (5, 6), "the change may not be committed yet");
    }

    #[tokio::test]
    async fn long_answers_are_not_kept() {
        let values = RecentValues::of_pages(Arc::new(ManualClock::new(DateTime::UNIX_EPOCH)), LastChange::default());
        for (length, read_twice) in [(MAX_ANSWER, 1), (MAX_ANSWER + 1, 2)] {
            let answer = async |byte: u8| {
                let write = async { Ok::<_, Infallible>(vec![byte; length]) };
                values.get_or_write(length, write).await.unwrap()
            };
            assert_eq!((answer(1).await.len(), answer(2).await[0]), (length, read_twice));
        }
    }
}
