//! The random delay of a fire: derived from the task and the rule's own instant, so that a
//! restart, another process or a repeated question gets the same answer.

use chrono::{DateTime, Utc};

/// A delay of 0 to `most` milliseconds, uniform over the tasks' keys and the instants.
pub(crate) fn delay_millis(key: &str, at: DateTime<Utc>, most: u64) -> u64 {
    let seed = key.bytes().fold(0x9e37_79b9_7f4a_7c15, |state: u64, byte| mix(state ^ u64::from(byte)));
    let random = mix(seed ^ mix(at.timestamp_millis().cast_unsigned()));
    let scaled = (u128::from(random) * (u128::from(most) + 1)) >> 64;
    u64::try_from(scaled).unwrap_or(most)
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
    fn delays_fill_their_range_evenly() {
        let mut counts = [0_u32; 10];
        for second in 0..10_000 {
            let at = DateTime::from_timestamp(second * 60, 0).unwrap();
            counts[usize::try_from(delay_millis("task", at, 9)).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_delay_depends_on_key_and_instant_alone() {
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        assert_eq!(delay_millis("a", at, 60_000), delay_millis("a", at, 60_000));
        assert_ne!(delay_millis("a", at, u64::from(u32::MAX)), delay_millis("b", at, u64::from(u32::MAX)));
        assert_eq!(delay_millis("a", at, 0), 0);
    }
}
