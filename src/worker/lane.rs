//! A lane: one named queue within this process, with its limit and its own bookkeeping of what was fetched. How much is
//! fetched ahead follows how quickly jobs end: a burst of quick jobs is taken in large groups, while of slow ones hardly more
//! is held than can run, so that other nodes and jobs of higher priority get their turn.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore};

use super::QueueConfig;

/// Jobs fetched ahead of those that can run: at least, and however quick they are.
const AHEAD_MIN: usize = 4;
const AHEAD_MAX: usize = 1_000;
/// What was fetched ahead is used up sooner than this: the next time twice as much is.
const QUICK: Duration = Duration::from_millis(250);
/// It lasted longer than this: half as much.
const SLOW: Duration = Duration::from_secs(2);

/// One named queue of this process.
pub(super) struct Lane {
    pub name: String,
    pub permits: Arc<Semaphore>,
    /// Jobs may be waiting in the queue.
    pub wake: Notify,
    held: AtomicUsize,
    pace: Mutex<Pace>,
}

/// How many jobs are fetched ahead.
#[derive(Debug)]
struct Pace {
    limit: usize,
    ahead: usize,
    since: Instant,
}

impl Lane {
    pub fn new(config: &QueueConfig) -> Self {
        let limit = config.limit.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            name: config.name.clone(),
            permits: Arc::new(Semaphore::new(limit)),
            wake: Notify::new(),
            held: AtomicUsize::new(0),
            pace: Mutex::new(Pace::new(limit, Instant::now())),
        }
    }

    /// Notes one more job fetched, to be noted as done by [`Lane::let_go`].
    pub fn hold(&self) {
        self.held.fetch_add(1, Ordering::AcqRel);
    }

    pub fn let_go(&self) {
        self.held.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether more jobs may be fetched.
    pub fn has_room(&self) -> bool {
        let pace = self.pace();
        self.held.load(Ordering::Acquire) < pace.limit + pace.ahead / 2
    }

    /// Notes that fetching goes on after a pause; answers how many to fetch at once.
    pub fn resume(&self) -> usize {
        let mut pace = self.pace();
        pace.turn(Instant::now());
        pace.ahead
    }

    fn pace(&self) -> std::sync::MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pace {
    fn new(limit: usize, now: Instant) -> Self {
        Self { limit, ahead: Self::least(limit), since: now }
    }

    fn least(limit: usize) -> usize {
        (limit / 4).clamp(AHEAD_MIN, AHEAD_MAX)
    }

    fn turn(&mut self, now: Instant) {
        let lasted = now.saturating_duration_since(self.since);
        self.since = now;
        if lasted < QUICK {
            self.ahead = (self.ahead * 2).min(AHEAD_MAX);
        } else if lasted > SLOW {
            self.ahead = (self.ahead / 2).max(Self::least(self.limit));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fetched_ahead_follows_the_pace() {
        let start = Instant::now();
        let mut pace = Pace::new(64, start);
        let mut now = start;
        for _ in 0..10 {
            now += Duration::from_millis(20);
            pace.turn(now);
        }
        assert_eq!(pace.ahead, AHEAD_MAX, "quick jobs are taken in large groups");
        for _ in 0..10 {
            now += Duration::from_secs(10);
            pace.turn(now);
        }
        assert_eq!(pace.ahead, 16, "of slow ones little is held");
    }

    #[test]
    fn a_full_lane_has_room_again_when_something_is_done() {
        let lane = Lane::new(&QueueConfig { name: "q".into(), limit: 4 });
        (0..6).for_each(|_| lane.hold());
        assert!(!lane.has_room());
        lane.let_go();
        assert!(lane.has_room());
    }
}
