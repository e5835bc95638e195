//! How many requests one address may send: a bucket of ten seconds' worth that fills evenly.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What may come at once, in seconds' worth.
const BURST: Duration = Duration::from_secs(10);
/// Addresses kept before those whose bucket is full again are forgotten.
const MOST_KEYS: usize = 20_000;

/// For each address the time at which its bucket is full again, no later than the burst allows.
pub(super) struct Rate {
    /// What one request takes; `None`: nothing.
    each: Option<Duration>,
    full_at: Mutex<HashMap<IpAddr, Instant>>,
}

impl Rate {
    /// `per_second` requests; 0: any number.
    pub fn new(per_second: u32) -> Self {
        let each = (per_second > 0).then(|| Duration::from_secs(1) / per_second);
        Self { each, full_at: Mutex::default() }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// How long to wait where there were too many.
    pub fn admit(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let Some(each) = self.each else { return Ok(()) };
        let mut known = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_KEYS {
            known.retain(|_, full_at| *full_at > now);
        }
        if known.len() >= MOST_KEYS {
            known.clear();
        }
        let full_at = known.entry(origin(address)).or_insert(now);
        let next = (*full_at).max(now) + each;
        if next > now + BURST {
            return Err(next - now - BURST);
        }
        *full_at = next;
        Ok(())
    }
}

/// What counts as one address: of IPv6 the /64, as each client has that many for itself.
pub(super) fn origin(address: IpAddr) -> IpAddr {
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
    async fn a_burst_passes_and_then_only_the_rate() {
        let (rate, start) = (Rate::new(2), Instant::now());
        let (a, b): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        for _ in 0..20 {
            assert_eq!(rate.admit(a, start), Ok(()));
        }
        assert_eq!(rate.admit(a, start), Err(Duration::from_millis(500)));
        assert_eq!(rate.admit(b, start), Ok(()), "others are not held up");
        let later = start + Duration::from_millis(500);
        assert_eq!(rate.admit(a, later), Ok(()));
        assert!(rate.admit(a, later).is_err());
        assert_eq!(Rate::new(0).admit(a, start), Ok(()), "no limit");
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_ipv4_is_told_apart() {
        let of = |text: &str| origin(text.parse().expect("an address"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded() {
        let (rate, now) = (Rate::new(1), Instant::now());
        for number in 0..(MOST_KEYS as u32 * 2) {
            let _admitted = rate.admit(IpAddr::V4(number.into()), now);
        }
        assert!(rate.full_at.lock().expect("not poisoned").len() <= MOST_KEYS);
    }
}
