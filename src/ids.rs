//! New ids: ULIDs, ascending in order of creation even within a millisecond.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use ulid::Ulid;

static SEQUENCE: Mutex<Sequence> = Mutex::new(Sequence(Ulid::nil()));

/// Returns a new id for the time `now`, greater than the previous one for the same millisecond.
pub fn new_id(now: DateTime<Utc>) -> String {
    SEQUENCE.lock().unwrap_or_else(PoisonError::into_inner).next(now).to_string()
}

/// The last id.
struct Sequence(Ulid);

impl Sequence {
    fn next(&mut self, now: DateTime<Utc>) -> Ulid {
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
        let following = (self.0.timestamp_ms() == millis).then(|| self.0.increment().ok()).flatten();
        // ulid's own generator supplies the random bits.
        self.0 = following.unwrap_or_else(|| Ulid::from_parts(millis, Ulid::generate().random()));
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_millisecond_ascend_and_encode_their_time() {
        let now: DateTime<Utc> = "2026-11-21T08:00:00Z".parse().unwrap();
        let mut sequence = Sequence(Ulid::nil());
        let ids: Vec<_> = (0..1000).map(|_| sequence.next(now)).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
        let earlier = sequence.next(now - chrono::Duration::hours(1));
        assert_eq!(earlier.timestamp_ms(), 1_795_244_400_000, "ids after a clock step back encode the earlier time");
    }
}
