//! Throttling of failed sign-ins: after a few failures for an account or an address, each further attempt must wait, with
//! exponential backoff.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};

/// Failures without a wait.
const FREE_ATTEMPTS: u32 = 5;
/// The first wait in seconds, doubled with each further failure.
const FIRST_WAIT: i64 = 2;
/// The maximum wait, in seconds.
const MAX_WAIT: i64 = 15 * 60;
/// The time without a failure after which a key is reset.
const RESET_AFTER: Duration = Duration::hours(1);
/// The maximum number of keys; beyond it expired keys are removed, then all.
const MAX_KEYS: usize = 10_000;

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
        let over = self.count.saturating_sub(FREE_ATTEMPTS);
        if self.count < FREE_ATTEMPTS {
            return self.last;
        }
        let seconds = FIRST_WAIT.checked_shl(over.min(16)).unwrap_or(MAX_WAIT).min(MAX_WAIT);
        self.last + Duration::seconds(seconds)
    }
}

impl Throttle {
    /// The longest remaining wait of these keys, in seconds; `None` if an attempt is allowed.
    pub fn wait(&self, keys: &[String], now: DateTime<Utc>) -> Option<i64> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let free_at = keys.iter().filter_map(|key| known.get(key)).map(|failures| failures.free_at()).max()?;
        (free_at > now).then(|| (free_at - now).num_seconds() + 1)
    }

    /// Counts a failure for each key.
    pub fn record_failure(&self, keys: &[String], now: DateTime<Utc>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KEYS {
            known.retain(|_, failures| now - failures.last < RESET_AFTER);
        }
        if known.len() >= MAX_KEYS {
            known.clear();
        }
        for key in keys {
            let failures = known.entry(key.clone()).or_insert(Failures { count: 0, last: now });
            let old = now - failures.last >= RESET_AFTER;
            *failures = Failures { count: if old { 1 } else { failures.count.saturating_add(1) }, last: now };
        }
    }

    /// Counts an attempt as a failure in advance, so that concurrent attempts cannot bypass the wait; a successful one calls
    /// [`Throttle::undo_attempt`] or [`Throttle::reset`]. Returns the seconds to wait if no attempt is allowed, without
    /// counting.
    pub fn record_attempt(&self, keys: &[String], now: DateTime<Utc>) -> Option<i64> {
        let wait = self.wait(keys, now);
        if wait.is_none() {
            self.record_failure(keys, now);
        }
        wait
    }

    /// Undoes the count of a successful attempt.
    pub fn undo_attempt(&self, keys: &[String]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys {
            if let Some(failures) = known.get_mut(key) {
                failures.count = failures.count.saturating_sub(1);
            }
        }
    }

    /// Clears the failures of a key after a successful sign-in.
    pub fn reset(&self, key: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_maximum_and_expire() {
        let throttle = Throttle::default();
        let at = |seconds: i64| DateTime::UNIX_EPOCH + Duration::seconds(seconds);
        let keys = ["user:a".to_owned(), "address:1.2.3.4".to_owned()];
        for _ in 0..FREE_ATTEMPTS - 1 {
            throttle.record_failure(&keys, at(0));
            assert_eq!(throttle.wait(&keys, at(0)), None);
        }
        throttle.record_failure(&keys, at(0));
        assert_eq!(throttle.wait(&keys, at(0)), Some(3));
        assert_eq!(throttle.wait(&keys, at(2)), None);
        throttle.record_failure(&keys, at(2));
        assert_eq!(throttle.wait(&keys, at(2)), Some(5));
        assert_eq!(throttle.wait(&keys[..1], at(2)), Some(5), "by either");
        for _ in 0..100 {
            throttle.record_failure(&keys, at(3));
        }
        assert_eq!(throttle.wait(&keys, at(3)), Some(MAX_WAIT + 1), "bounded");
        throttle.reset(&keys[0]);
        assert_eq!(throttle.wait(&keys[..1], at(3)), None);
        assert!(throttle.wait(&keys, at(3)).is_some(), "the address is still throttled");
        throttle.record_failure(&keys, at(4000));
        assert_eq!(throttle.wait(&keys, at(4000)), None, "reset after an hour");
    }
}
