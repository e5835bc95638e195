//! New ids: ULIDs, in the order in which they are made, also within a millisecond.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use ulid::Ulid;

static SEQUENCE: Mutex<Sequence> = Mutex::new(Sequence(Ulid::nil()));

/// A new id of the time `now`, greater than the one made just before for the same time.
pub fn new_id(now: DateTime<Utc>) -> String {
    SEQUENCE.lock().unwrap_or_else(PoisonError::into_inner).next(now).to_string()
}

/// The id made last.
struct Sequence(Ulid);

impl Sequence {
    fn next(&mut self, now: DateTime<Utc>) -> Ulid {
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
        let following = (self.0.timestamp_ms() == millis).then(|| self.0.increment().ok()).flatten();
        // The random bits are those of any new ULID of the library.
        self.0 = following.unwrap_or_else(|| Ulid::from_parts(millis, Ulid::generate().random()));
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_instant_ascend_and_tell_their_time() {
        let now: DateTime<Utc> = "2026-11-21T08:00:00Z".parse().unwrap();
        let mut sequence = Sequence(Ulid::nil());
        let ids: Vec<_> = (0..1000).map(|_| sequence.next(now)).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
        let earlier = sequence.next(now - chrono::Duration::hours(1));
        assert_eq!(earlier.timestamp_ms(), 1_795_244_400_000, "also after the clock was set back");
    }
}
