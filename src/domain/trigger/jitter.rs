//! Jitter: a pseudo-random delay derived from the task and the scheduled time, so that every process, before and after a
//! restart, computes the same delay.

use chrono::{DateTime, Utc};

/// Returns a delay of 0 to `max` milliseconds, uniformly distributed over keys and scheduled times.
pub(crate) fn delay_millis(key: &str, at: DateTime<Utc>, max: u64) -> u64 {
    let seed = key.bytes().fold(0x9e37_79b9_7f4a_7c15, |state: u64, byte| mix(state ^ u64::from(byte)));
    let random = mix(seed ^ mix(at.timestamp_millis().cast_unsigned()));
    let scaled = (u128::from(random) * (u128::from(max) + 1)) >> 64;
    u64::try_from(scaled).unwrap_or(max)
}

/// The finisher of `SplitMix64` (Steele, Lea and Flood, 2014) with its increment.
fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delay_is_uniform_over_its_range() {
        let mut counts = [0_u32; 10];
        for second in 0..10_000 {
            let at = DateTime::from_timestamp(second * 60, 0).unwrap();
            counts[usize::try_from(delay_millis("task", at, 9)).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    }

    #[test]
    fn delay_depends_only_on_key_and_scheduled_time() {
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        assert_eq!(delay_millis("a", at, 60_000), delay_millis("a", at, 60_000));
        assert_ne!(delay_millis("a", at, u64::from(u32::MAX)), delay_millis("b", at, u64::from(u32::MAX)));
        assert_eq!(delay_millis("a", at, 0), 0);
    }
}
