//! Rate limits by key: a token bucket for each key, in a table of bounded size that forgets the least recently used key first.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};
use lru::LruCache;

/// The maximum number of keys of one limiter.
const MAX_KEYS: usize = 20_000;

/// Allows each key a burst of events, and then one event an interval.
pub struct KeyedLimiter<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, Table<K>, Latest, NoOpMiddleware<Nanos>>,
    table: Table<K>,
    latest: Latest,
    interval: Duration,
}

impl<K: Hash + Eq + Clone> KeyedLimiter<K> {
    /// `burst` is at least 1; `interval` at least a nanosecond.
    pub fn new(burst: u32, interval: Duration) -> Self {
        let interval = interval.max(Duration::from_nanos(1));
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(interval).unwrap_or(Quota::per_second(NonZeroU32::MIN)).allow_burst(burst);
        let (table, latest) = (Table::default(), Latest::default());
        Self { limiter: RateLimiter::new(quota, table.clone(), latest.clone()), table, latest, interval }
    }

    /// Counts an event. `now` is the time since any fixed point.
    ///
    /// # Errors
    /// The time to wait when the rate is exceeded; the event does not count then.
    pub fn admit(&self, key: &K, now: Duration) -> Result<(), Duration> {
        self.latest.0.fetch_max(Nanos::from(now).as_u64(), Ordering::AcqRel);
        self.limiter.check_key(key).map_err(|refused| refused.wait_time_from(self.latest.now()))
    }

    /// Takes back one counted event.
    pub fn refund(&self, key: &K) {
        if let Some(full_at) = self.table.lock().get_mut(key) {
            *full_at = Reference::saturating_sub(full_at, self.interval.into());
        }
    }

    /// Forgets the events of a key.
    pub fn reset(&self, key: &K) {
        self.table.lock().pop(key);
    }
}

/// For each key, the time at which its bucket is full again.
struct Table<K: Hash + Eq>(Arc<Mutex<LruCache<K, Nanos>>>);

impl<K: Hash + Eq> Table<K> {
    fn lock(&self) -> MutexGuard<'_, LruCache<K, Nanos>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq> Default for Table<K> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(LruCache::unbounded())))
    }
}

impl<K: Hash + Eq> Clone for Table<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Hash + Eq + Clone> StateStore for Table<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut table = self.lock();
        let (outcome, full_at) = decide(table.get(key).copied())?;
        table.put(key.clone(), full_at);
        if table.len() > MAX_KEYS {
            table.pop_lru();
        }
        Ok(outcome)
    }
}

/// The latest time passed to [`KeyedLimiter::admit`], in nanoseconds.
#[derive(Debug, Clone, Default)]
struct Latest(Arc<AtomicU64>);

impl Clock for Latest {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::new(self.0.load(Ordering::Acquire))
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
        assert_eq!(limiter.table.lock().len(), MAX_KEYS);
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
