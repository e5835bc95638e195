//! Slows down guessing: after a few wrong passwords for an account or from an address, each further try must wait, twice as
//! long every time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};

/// Tries that are free.
const FREE: u32 = 5;
/// The first wait, doubled with each further failure.
const FIRST_WAIT: i64 = 2;
/// No wait is longer, in seconds.
const LONGEST_WAIT: i64 = 15 * 60;
/// A key is forgotten after so long without a failure.
const FORGOTTEN_AFTER: Duration = Duration::hours(1);
/// Keys kept at most; beyond it the oldest are forgotten first.
const MOST_KEYS: usize = 10_000;

/// Failures by account and by address, in this process.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<HashMap<String, Failures>>);

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: DateTime<Utc>,
}

impl Failures {
    fn free_at(self) -> DateTime<Utc> {
        let over = self.count.saturating_sub(FREE);
        if self.count < FREE {
            return self.last;
        }
        let seconds = FIRST_WAIT.checked_shl(over.min(16)).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT);
        self.last + Duration::seconds(seconds)
    }
}

impl Throttle {
    /// How many seconds any of these keys must wait still; `None` where they may try.
    pub fn wait(&self, keys: &[String], now: DateTime<Utc>) -> Option<i64> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let free_at = keys.iter().filter_map(|key| known.get(key)).map(|failures| failures.free_at()).max()?;
        (free_at > now).then(|| (free_at - now).num_seconds() + 1)
    }

    /// Counts a failure for each key.
    pub fn failed(&self, keys: &[String], now: DateTime<Utc>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_KEYS {
            known.retain(|_, failures| now - failures.last < FORGOTTEN_AFTER);
        }
        if known.len() >= MOST_KEYS {
            known.clear();
        }
        for key in keys {
            let failures = known.entry(key.clone()).or_insert(Failures { count: 0, last: now });
            let old = now - failures.last >= FORGOTTEN_AFTER;
            *failures = Failures { count: if old { 1 } else { failures.count.saturating_add(1) }, last: now };
        }
    }

    /// Counts a try before it is known to be wrong, so that many at once are no way around the wait: a right one takes it back
    /// with [`Throttle::succeeded`]. Answers how many seconds to wait where no try is free; that one is not counted.
    pub fn attempt(&self, keys: &[String], now: DateTime<Utc>) -> Option<i64> {
        let wait = self.wait(keys, now);
        if wait.is_none() {
            self.failed(keys, now);
        }
        wait
    }

    /// Takes back a try that turned out right.
    pub fn take_back(&self, keys: &[String]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys {
            if let Some(failures) = known.get_mut(key) {
                failures.count = failures.count.saturating_sub(1);
            }
        }
    }

    /// Forgets an account's failures once somebody signed in to it.
    pub fn succeeded(&self, key: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        let throttle = Throttle::default();
        let at = |seconds: i64| DateTime::UNIX_EPOCH + Duration::seconds(seconds);
        let keys = ["user:a".to_owned(), "address:1.2.3.4".to_owned()];
        for _ in 0..FREE - 1 {
            throttle.failed(&keys, at(0));
            assert_eq!(throttle.wait(&keys, at(0)), None);
        }
        throttle.failed(&keys, at(0));
        assert_eq!(throttle.wait(&keys, at(0)), Some(3));
        assert_eq!(throttle.wait(&keys, at(2)), None);
        throttle.failed(&keys, at(2));
        assert_eq!(throttle.wait(&keys, at(2)), Some(5));
        assert_eq!(throttle.wait(&keys[..1], at(2)), Some(5), "by either");
        for _ in 0..100 {
            throttle.failed(&keys, at(3));
        }
        assert_eq!(throttle.wait(&keys, at(3)), Some(LONGEST_WAIT + 1), "bounded");
        throttle.succeeded(&keys[0]);
        assert_eq!(throttle.wait(&keys[..1], at(3)), None);
        assert!(throttle.wait(&keys, at(3)).is_some(), "the address must still wait");
        throttle.failed(&keys, at(4000));
        assert_eq!(throttle.wait(&keys, at(4000)), None, "forgotten after an hour");
    }
}
