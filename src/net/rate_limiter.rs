//! Rate limiter: bounds the requests of each address by a token bucket that holds ten seconds' worth and refills evenly.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use crate::rate_limit::{KeyedLimiter, client_key};

/// The size of a bucket, in seconds' worth of requests.
const BURST_SECONDS: u32 = 10;

pub(super) struct RateLimiter {
    /// `None`: no limit.
    limiter: Option<KeyedLimiter<IpAddr>>,
    start: Instant,
}

impl RateLimiter {
    /// `per_second` requests on average; 0: no limit.
    pub fn new(per_second: u32) -> Self {
        let limiter = |rate: u32| KeyedLimiter::new(rate.saturating_mul(BURST_SECONDS), Duration::from_secs(1) / rate);
        Self { limiter: (per_second > 0).then(|| limiter(per_second)), start: Instant::now() }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// The time to wait when the rate is exceeded.
    pub fn admit(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        limiter.admit(&client_key(address), now.saturating_duration_since(self.start))
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
}
