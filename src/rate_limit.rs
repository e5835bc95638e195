//! Rate limits by key: a token bucket for each key, in a table of bounded size that forgets the least recently used key first.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru::LruCache;

/// The maximum number of keys of one limiter.
const MAX_KEYS: usize = 20_000;

/// Allows each key a burst of events, and then one event an interval. The generic cell rate algorithm: a key needs one number.
pub struct KeyedLimiter<K: Hash + Eq + Clone> {
    /// For each key, the time at which its bucket is full again.
    table: Mutex<LruCache<K, Duration>>,
    interval: Duration,
    /// How far ahead of now the time of a key may be for one more event.
    tolerance: Duration,
}

impl<K: Hash + Eq + Clone> KeyedLimiter<K> {
    /// `burst` is at least 1; `interval` at least a nanosecond.
    pub fn new(burst: u32, interval: Duration) -> Self {
        let interval = interval.max(Duration::from_nanos(1));
        let tolerance = interval.saturating_mul(burst.saturating_sub(1));
        Self { table: Mutex::new(LruCache::unbounded()), interval, tolerance }
    }

    /// Counts an event. `now` is the time since any fixed point.
    ///
    /// # Errors
    /// The time to wait when the rate is exceeded; the event does not count then.
    pub fn admit(&self, key: &K, now: Duration) -> Result<(), Duration> {
        let mut table = self.lock();
        let full_at = table.get(key).map_or(now, |full_at| now.max(*full_at));
        let wait = (full_at - now).saturating_sub(self.tolerance);
        if !wait.is_zero() {
            return Err(wait);
        }
        table.put(key.clone(), full_at.saturating_add(self.interval));
        if table.len() > MAX_KEYS {
            table.pop_lru();
        }
        Ok(())
    }

    /// Takes back one counted event.
    pub fn refund(&self, key: &K) {
        if let Some(full_at) = self.lock().get_mut(key) {
            *full_at = full_at.saturating_sub(self.interval);
        }
    }

    /// Forgets the events of a key.
    pub fn reset(&self, key: &K) {
        self.lock().pop(key);
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<K, Duration>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The address that limits count by: for IPv6 the /64, because a single client usually owns a whole /64.
pub fn client_key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn admit_allows_a_burst_and_then_one_event_an_interval() {
        let limiter = KeyedLimiter::new(3, SECOND * 2);
        for _ in 0..3 {
            assert_eq!(limiter.admit(&"a", SECOND), Ok(()));
        }
        assert_eq!(limiter.admit(&"a", SECOND), Err(SECOND * 2));
        assert_eq!(limiter.admit(&"b", SECOND), Ok(()), "other keys are not affected");
        assert_eq!(limiter.admit(&"a", SECOND * 3), Ok(()), "refused events do not count");
        assert_eq!(limiter.admit(&"a", SECOND * 4), Err(SECOND));
    }

    #[test]
    fn refund_and_reset_take_events_back() {
        let limiter = KeyedLimiter::new(2, SECOND);
        assert_eq!((limiter.admit(&1, SECOND), limiter.admit(&1, SECOND)), (Ok(()), Ok(())));
        limiter.refund(&1);
        assert_eq!(limiter.admit(&1, SECOND), Ok(()));
        assert_eq!(limiter.admit(&1, SECOND), Err(SECOND));
        limiter.reset(&1);
        assert_eq!((limiter.admit(&1, SECOND), limiter.admit(&1, SECOND)), (Ok(()), Ok(())));
    }

    #[test]
    fn full_table_forgets_the_least_recently_used_key() {
        let limiter = KeyedLimiter::new(1, SECOND * 60);
        for key in 0..MAX_KEYS {
            assert_eq!(limiter.admit(&key, SECOND), Ok(()));
        }
        assert!(limiter.admit(&0, SECOND).is_err(), "used again");
        assert_eq!(limiter.admit(&MAX_KEYS, SECOND), Ok(()));
        assert_eq!(limiter.lock().len(), MAX_KEYS);
        assert!(limiter.admit(&0, SECOND).is_err() && limiter.admit(&2, SECOND).is_err(), "still known");
        assert_eq!(limiter.admit(&1, SECOND), Ok(()), "forgotten");
    }

    #[test]
    fn client_key_groups_ipv6_by_64_and_keeps_ipv4() {
        let key = |text: &str| client_key(text.parse().expect("an address"));
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:1"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    }
}
