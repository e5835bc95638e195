//! New ids: ULIDs, ascending in order of creation even within a millisecond.
//!
//! An execution's id is a ULID that fits into 64 bits, so that the database stores it as one integer, its row id: the time in
//! milliseconds and a number below 2^18. The bits between them are zero.

use std::num::NonZeroUsize;
use std::sync::{LazyLock, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use lru::LruCache;
use ulid::Ulid;

static SEQUENCE: LazyLock<Mutex<Sequence>> = LazyLock::new(Mutex::default);
static EXECUTION_SEQUENCE: LazyLock<Mutex<ExecutionSequence>> = LazyLock::new(Mutex::default);

/// The milliseconds whose last id is remembered: threads ask with times that they read a moment ago.
const MILLIS_REMEMBERED: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// The bits of the number in an execution's id.
const NUMBER_BITS: u32 = 18;
/// The latest time of an execution's id, in milliseconds: in the year 3084.
const MILLIS_MAX: i64 = (1 << (63 - NUMBER_BITS)) - 1;

/// Returns a new id for the time `now`, greater than the previous one for the same millisecond.
pub fn new_id(now: DateTime<Utc>) -> String {
    SEQUENCE.lock().unwrap_or_else(PoisonError::into_inner).next(now).to_string()
}

/// Returns a new id of an execution queued at `now`, greater than the previous one for the same millisecond. Another process
/// may return the same id; the database then rejects the second execution.
pub fn new_execution_id(now: DateTime<Utc>) -> String {
    execution_id(EXECUTION_SEQUENCE.lock().unwrap_or_else(PoisonError::into_inner).next(now))
}

/// The id of the execution that is stored under this integer.
#[must_use]
pub fn execution_id(key: i64) -> String {
    let key = key.max(0).unsigned_abs();
    Ulid::from_parts(key >> NUMBER_BITS, u128::from(key & ((1 << NUMBER_BITS) - 1))).to_string()
}

/// The integer under which the execution with this id is stored; -1, which no execution has, for the id of anything else.
#[must_use]
pub fn execution_key(id: &str) -> i64 {
    let key = Ulid::from_string(id).ok().filter(|id| id.random() >> NUMBER_BITS == 0).and_then(|id| {
        let millis = i64::try_from(id.timestamp_ms()).ok().filter(|millis| *millis <= MILLIS_MAX)?;
        Some(millis << NUMBER_BITS | i64::try_from(id.random()).ok()?)
    });
    key.unwrap_or(-1)
}

/// The smallest key of an execution queued at `at`.
#[must_use]
pub fn first_execution_key(at: DateTime<Utc>) -> i64 {
    at.timestamp_millis().clamp(0, MILLIS_MAX) << NUMBER_BITS
}

/// The last id of each of the last milliseconds.
struct Sequence(LruCache<u64, Ulid>);

impl Default for Sequence {
    fn default() -> Self {
        Sequence(LruCache::new(MILLIS_REMEMBERED))
    }
}

impl Sequence {
    fn next(&mut self, now: DateTime<Utc>) -> Ulid {
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
        let following = self.0.get(&millis).and_then(|last| last.increment().ok());
        // ulid's own generator supplies the random bits.
        let next = following.unwrap_or_else(|| Ulid::from_parts(millis, Ulid::generate().random()));
        self.0.put(millis, next);
        next
    }
}

/// The last key of each of the last milliseconds.
struct ExecutionSequence(LruCache<i64, i64>);

impl Default for ExecutionSequence {
    fn default() -> Self {
        ExecutionSequence(LruCache::new(MILLIS_REMEMBERED))
    }
}

impl ExecutionSequence {
    fn next(&mut self, now: DateTime<Utc>) -> i64 {
        let first = first_execution_key(now);
        // The first number of a millisecond leaves room for many more; it is random, so that processes hardly ever meet.
        let random = || first | (Ulid::generate().random() & ((1 << (NUMBER_BITS - 1)) - 1)) as i64;
        let next = self.0.get(&first).map_or_else(random, |last| last + 1);
        self.0.put(first, next);
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_millisecond_ascend_and_encode_their_time() {
        let now: DateTime<Utc> = "2026-11-21T08:00:00Z".parse().unwrap();
        let mut sequence = Sequence::default();
        let ids: Vec<_> = (0..1000).map(|_| sequence.next(now)).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
        let later = sequence.next(now + chrono::Duration::milliseconds(1));
        assert!(ids[999] < sequence.next(now), "another thread's later time does not disturb the order");
        assert!(sequence.next(now) < later);
        let earlier = sequence.next(now - chrono::Duration::hours(1));
        assert_eq!(earlier.timestamp_ms(), 1_795_244_400_000, "ids after a clock step back encode the earlier time");
    }

    #[test]
    fn execution_ids_ascend_and_encode_their_time() {
        let now: DateTime<Utc> = "2026-11-21T08:00:00Z".parse().unwrap();
        let mut sequence = ExecutionSequence::default();
        let keys: Vec<_> = (0..100_000).map(|_| sequence.next(now)).collect();
        assert!(keys.is_sorted_by(|a, b| a < b));
        let ids: Vec<_> = keys.iter().map(|key| execution_id(*key)).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "as texts too");
        assert!(ids.iter().zip(&keys).all(|(id, key)| execution_key(id) == *key));
        assert_eq!(Ulid::from_string(&ids[0]).unwrap().timestamp_ms(), 1_795_248_000_000);
        assert!(first_execution_key(now) <= keys[0]);
        assert!(first_execution_key(now + chrono::Duration::milliseconds(1)) > keys[99_999]);
    }

    #[test]
    fn execution_key_of_other_ids_is_none_that_exists() {
        for id in ["", "x", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "7ZZZZZZZZZ0000000000000000"] {
            assert_eq!(execution_key(id), -1, "{id}");
        }
    }
}
