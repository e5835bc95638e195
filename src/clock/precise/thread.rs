//! Precise sleeps where the system has no timers that a runtime can wait for: one thread wakes all sleepers.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// Sleeps for `duration`.
pub async fn sleep(duration: Duration) {
    static STARTED: LazyLock<bool> = LazyLock::new(|| {
        let thread = std::thread::Builder::new().name("timer".to_owned()).spawn(|| SLEEPERS.wake_for_ever());
        thread.inspect_err(|error| tracing::warn!(%error, "failed to start the timer; runs begin some milliseconds late")).is_ok()
    });
    if !*STARTED {
        return tokio::time::sleep(duration).await;
    }
    let (wake, woken) = oneshot::channel();
    SLEEPERS.add(Sleeper { until: Instant::now() + duration, wake });
    let _ = woken.await; // the thread does not end
}

static SLEEPERS: Sleepers = Sleepers { waiting: Mutex::new(BinaryHeap::new()), earlier: Condvar::new() };

struct Sleepers {
    /// The earliest first.
    waiting: Mutex<BinaryHeap<Reverse<Sleeper>>>,
    /// There is an earlier one.
    earlier: Condvar,
}

struct Sleeper {
    until: Instant,
    wake: oneshot::Sender<()>,
}

type Waiting<'s> = MutexGuard<'s, BinaryHeap<Reverse<Sleeper>>>;

impl Sleepers {
    fn add(&self, sleeper: Sleeper) {
        let mut waiting = self.lock();
        let is_earliest = waiting.peek().is_none_or(|Reverse(first)| sleeper.until < first.until);
        waiting.push(Reverse(sleeper));
        if is_earliest {
            self.earlier.notify_one();
        }
    }

    fn wake_for_ever(&self) {
        let mut waiting = self.lock();
        loop {
            let now = Instant::now();
            while waiting.peek().is_some_and(|Reverse(first)| first.until <= now) {
                if let Some(Reverse(sleeper)) = waiting.pop() {
                    let _ = sleeper.wake.send(()); // fails if nobody waits any more
                }
            }
            let left = waiting.peek().map(|Reverse(first)| first.until - now);
            waiting = self.wait(waiting, left);
        }
    }

    /// Waits until the time is over or there is an earlier sleeper.
    #[cfg(not(windows))]
    fn wait<'s>(&'s self, waiting: Waiting<'s>, left: Option<Duration>) -> Waiting<'s> {
        match left {
            None => self.earlier.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            Some(left) => self.earlier.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0,
        }
    }

    /// As on other systems. Waits of Windows are accurate to 16 ms, but for `thread::sleep`, which nothing ends early.
    #[cfg(windows)]
    fn wait<'s>(&'s self, waiting: Waiting<'s>, left: Option<Duration>) -> Waiting<'s> {
        const INACCURACY: Duration = Duration::from_millis(16);
        const STEP: Duration = Duration::from_millis(1);
        match left {
            None => self.earlier.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            Some(left) if left > INACCURACY => {
                self.earlier.wait_timeout(waiting, left - INACCURACY).unwrap_or_else(PoisonError::into_inner).0
            }
            Some(left) => {
                drop(waiting);
                std::thread::sleep(left.min(STEP));
                self.lock()
            }
        }
    }

    fn lock(&self) -> Waiting<'_> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PartialEq for Sleeper {
    fn eq(&self, other: &Self) -> bool {
        self.until == other.until
    }
}

impl Eq for Sleeper {}

impl PartialOrd for Sleeper {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Sleeper {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.until.cmp(&other.until)
    }
}
