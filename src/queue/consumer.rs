//! A queue consumer: the slots of one named queue in this process. The number of prefetched jobs adapts to how quickly jobs end:
//! quick jobs are fetched in large batches; of slow jobs hardly more are fetched than can run, so that other nodes and
//! jobs of higher priority get their turn.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore};

/// The lowest and highest number of jobs fetched beyond those that can run.
const PREFETCH_MIN: usize = 4;
const PREFETCH_MAX: usize = 1_000;
/// If the prefetched jobs are used up sooner than this, twice as many are fetched next time.
const QUICK: Duration = Duration::from_millis(250);
/// If they last longer than this, half as many.
const SLOW: Duration = Duration::from_secs(2);

/// A named queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueConfig {
    pub name: String,
    /// Concurrent runs of this queue in this process, at least 1.
    pub limit: usize,
}

/// The consumer of one named queue.
pub struct QueueConsumer {
    pub name: String,
    pub permits: Arc<Semaphore>,
    /// Notified when jobs may be waiting in the queue.
    pub wake: Notify,
    slots_used: AtomicUsize,
    prefetch: Mutex<Prefetch>,
}

/// The slot of a fetched job in its queue, released on drop.
pub struct SlotGuard(pub Arc<QueueConsumer>);

impl Drop for SlotGuard {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// The number of jobs to prefetch.
#[derive(Debug)]
struct Prefetch {
    limit: usize,
    size: usize,
    last_fetch: Instant,
}

impl QueueConsumer {
    pub fn new(config: &QueueConfig) -> Self {
        let limit = config.limit.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            name: config.name.clone(),
            permits: Arc::new(Semaphore::new(limit)),
            wake: Notify::new(),
            slots_used: AtomicUsize::new(0),
            prefetch: Mutex::new(Prefetch::new(limit, Instant::now())),
        }
    }

    /// Takes the slot of a fetched job, until [`QueueConsumer::release`].
    pub fn acquire(&self) {
        self.slots_used.fetch_add(1, Ordering::AcqRel);
    }

    /// Releases the slot of a finished job.
    pub fn release(&self) {
        self.slots_used.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether more jobs may be fetched.
    pub fn has_room(&self) -> bool {
        let prefetch = self.prefetch();
        self.slots_used.load(Ordering::Acquire) < prefetch.limit + prefetch.size / 2
    }

    /// Adapts the prefetch when fetching resumes after a pause. Returns how many jobs to fetch at once.
    pub fn resume(&self) -> usize {
        let mut prefetch = self.prefetch();
        prefetch.adjust(Instant::now());
        prefetch.size
    }

    fn prefetch(&self) -> std::sync::MutexGuard<'_, Prefetch> {
        self.prefetch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Prefetch {
    fn new(limit: usize, now: Instant) -> Self {
        Self { limit, size: Self::min_size(limit), last_fetch: now }
    }

    fn min_size(limit: usize) -> usize {
        (limit / 4).clamp(PREFETCH_MIN, PREFETCH_MAX)
    }

    fn adjust(&mut self, now: Instant) {
        let lasted = now.saturating_duration_since(self.last_fetch);
        self.last_fetch = now;
        if lasted < QUICK {
            self.size = (self.size * 2).min(PREFETCH_MAX);
        } else if lasted > SLOW {
            self.size = (self.size / 2).max(Self::min_size(self.limit));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefetch_grows_for_quick_jobs_and_shrinks_for_slow_ones() {
        let start = Instant::now();
        let mut prefetch = Prefetch::new(64, start);
        let mut now = start;
        for _ in 0..10 {
            now += Duration::from_millis(20);
            prefetch.adjust(now);
        }
        assert_eq!(prefetch.size, PREFETCH_MAX, "quick jobs");
        for _ in 0..10 {
            now += Duration::from_secs(10);
            prefetch.adjust(now);
        }
        assert_eq!(prefetch.size, 16, "slow jobs");
    }

    #[test]
    fn release_makes_room_in_a_full_consumer() {
        let consumer = QueueConsumer::new(&QueueConfig { name: "q".into(), limit: 4 });
        (0..6).for_each(|_| consumer.acquire());
        assert!(!consumer.has_room());
        consumer.release();
        assert!(consumer.has_room());
    }
}
