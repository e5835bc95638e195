//! Planning ahead: a pass also plans what becomes due within the next milliseconds, so that a transaction serves many occurrences
//! and none of them waits for it. Each is decided as it would be at its time, and its run begins then. Changes of a task take effect
//! after what was planned ahead (see [`super::Settlement`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

/// How long before its time an occurrence is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanAhead {
    /// At least, so that the transaction ends in time.
    pub least: TimeDelta,
    pub most: TimeDelta,
}

impl PlanAhead {
    /// What is due within 60 ms is planned in one transaction, which has 40 ms.
    pub const STANDARD: Self = Self { least: TimeDelta::milliseconds(40), most: TimeDelta::milliseconds(100) };
    /// Nothing is planned before its time.
    pub const NONE: Self = Self { least: TimeDelta::zero(), most: TimeDelta::zero() };
}

/// The time up to which the last pass planned ahead; clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Horizon(Arc<AtomicI64>);

impl Horizon {
    /// Up to when a pass at `now` plans, if the next task is due at `next`: `now`, or later if it plans ahead. Passes that plan ahead
    /// are far enough apart that each serves what falls into a span of `most - least`.
    pub fn of_pass(&self, ahead: PlanAhead, now: DateTime<Utc>, next: Option<DateTime<Utc>>) -> DateTime<Utc> {
        if next.is_none_or(|next| next > now + ahead.least) || now < self.earliest(ahead, now) {
            return now;
        }
        let horizon = now + ahead.most;
        self.0.store(horizon.timestamp_millis(), Ordering::Relaxed);
        horizon
    }

    /// When the next pass has to plan a task that is due at `next`: at its time if the last pass left it out.
    pub fn next_pass(&self, ahead: PlanAhead, now: DateTime<Utc>, next: DateTime<Utc>) -> DateTime<Utc> {
        next.min(self.earliest(ahead, now).max(next - ahead.least))
    }

    /// When the next pass may plan ahead. A horizon that the clock was set back behind does not count.
    fn earliest(&self, ahead: PlanAhead, now: DateTime<Utc>) -> DateTime<Utc> {
        let last = DateTime::from_timestamp_millis(self.0.load(Ordering::Relaxed)).unwrap_or_default();
        if last > now + ahead.most { now } else { last - ahead.least }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AHEAD: PlanAhead = PlanAhead { least: TimeDelta::milliseconds(10), most: TimeDelta::milliseconds(40) };

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_000_000 + millis).unwrap()
    }

    #[test]
    fn passes_plan_ahead_in_steps() {
        let horizon = Horizon::default();
        assert_eq!(horizon.of_pass(AHEAD, at(0), Some(at(11))), at(0), "too early");
        assert_eq!(horizon.next_pass(AHEAD, at(0), at(11)), at(1));
        assert_eq!(horizon.of_pass(AHEAD, at(1), Some(at(11))), at(41));
        assert_eq!(horizon.next_pass(AHEAD, at(2), at(42)), at(32));
        assert_eq!(horizon.of_pass(AHEAD, at(5), Some(at(5))), at(5), "due, too early for the next step");
        assert_eq!(horizon.next_pass(AHEAD, at(5), at(20)), at(20), "left out by the last pass: at its time");
        assert_eq!(horizon.of_pass(AHEAD, at(31), Some(at(35))), at(71));
    }

    #[test]
    fn horizon_of_a_clock_that_was_ahead_does_not_count() {
        let horizon = Horizon::default();
        assert_eq!(horizon.of_pass(AHEAD, at(3_600_000), Some(at(3_600_000))), at(3_600_040));
        assert_eq!(horizon.of_pass(AHEAD, at(0), Some(at(0))), at(40));
    }

    #[test]
    fn nothing_is_planned_ahead_without_a_span() {
        let horizon = Horizon::default();
        assert_eq!(horizon.of_pass(PlanAhead::NONE, at(0), Some(at(1))), at(0));
        assert_eq!(horizon.of_pass(PlanAhead::NONE, at(1), Some(at(1))), at(1));
        assert_eq!(horizon.next_pass(PlanAhead::NONE, at(1), at(7)), at(7));
    }
}
