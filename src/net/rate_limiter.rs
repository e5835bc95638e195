//! Rate limiter: bounds the requests of each address by a token bucket that holds ten seconds' worth and refills evenly.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The size of a bucket, in seconds' worth of requests.
const BURST: Duration = Duration::from_secs(10);
/// Addresses kept before the ones with a full bucket are removed.
const MAX_ADDRESSES: usize = 20_000;

/// For each address, the time at which its bucket is full again; at most [`BURST`] ahead.
pub(super) struct RateLimiter {
    /// The time in which the bucket refills by one request; `None`: no limit.
    interval: Option<Duration>,
    full_at: Mutex<HashMap<IpAddr, Instant>>,
}

impl RateLimiter {
    /// `per_second` requests on average; 0: no limit.
    pub fn new(per_second: u32) -> Self {
        let interval = (per_second > 0).then(|| Duration::from_secs(1) / per_second);
        Self { interval, full_at: Mutex::default() }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// The time to wait when the rate is exceeded.
    pub fn admit(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let Some(interval) = self.interval else { return Ok(()) };
        let mut buckets = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_ADDRESSES {
            buckets.retain(|_, full_at| *full_at > now);
        }
        if buckets.len() >= MAX_ADDRESSES {
            buckets.clear();
        }
        let full_at = buckets.entry(rate_limit_key(address)).or_insert(now);
        let next = (*full_at).max(now) + interval;
        if next > now + BURST {
            return Err(next - now - BURST);
        }
        *full_at = next;
        Ok(())
    }
}

/// The address that limits count by: for IPv6 the /64, because a single client usually owns a whole /64.
pub(super) fn rate_limit_key(address: IpAddr) -> IpAddr {
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

    #[tokio::test(start_paused = true)]
    async fn admit_allows_a_burst_and_then_the_average_rate() {
        let (limiter, start) = (RateLimiter::new(2), Instant::now());
        let (a, b): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        for _ in 0..20 {
            assert_eq!(limiter.admit(a, start), Ok(()));
        }
        assert_eq!(limiter.admit(a, start), Err(Duration::from_millis(500)));
        assert_eq!(limiter.admit(b, start), Ok(()), "other addresses are not affected");
        let later = start + Duration::from_millis(500);
        assert_eq!(limiter.admit(a, later), Ok(()));
        assert!(limiter.admit(a, later).is_err());
        assert_eq!(RateLimiter::new(0).admit(a, start), Ok(()), "no limit");
    }

    #[test]
    fn rate_limit_key_groups_ipv6_by_64_and_keeps_ipv4() {
        let key = |text: &str| rate_limit_key(text.parse().expect("an address"));
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:1"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    }

    #[tokio::test(start_paused = true)]
    async fn admit_bounds_the_number_of_addresses_kept() {
        let (limiter, now) = (RateLimiter::new(1), Instant::now());
        for number in 0..(MAX_ADDRESSES as u32 * 2) {
            let _ = limiter.admit(IpAddr::V4(number.into()), now); // only the memory matters here
        }
        assert!(limiter.full_at.lock().expect("not poisoned").len() <= MAX_ADDRESSES);
    }
}
