//! The clock watch: compares the wall clock with the monotonic clock and reports when the wall clock was set.

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::ClockReading;

/// Smaller differences are corrections of a time service.
const TOLERANCE: TimeDelta = TimeDelta::seconds(1);

/// A change of the wall clock that the time passed does not explain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockStep {
    Back(TimeDelta),
    /// Set ahead, or the machine was suspended.
    Ahead(TimeDelta),
}

/// Compares each reading of the clocks with the one before.
#[derive(Debug, Clone)]
pub struct ClockWatch {
    last: ClockReading,
    /// The oldest step that is not handled, with the earliest time that may have passed unseen.
    pending: Option<(ClockStep, DateTime<Utc>)>,
}

impl ClockWatch {
    /// Compares with this reading first.
    #[must_use]
    pub const fn new(first: ClockReading) -> Self {
        Self { last: first, pending: None }
    }

    /// Takes a reading. Returns the step of the wall clock since the last one, if it is longer than a second; until
    /// [`ClockWatch::handled`] the same step again. With it the earliest time, by the clock as it is set now, that may have passed
    /// since the last reading: the step may have come right after that one.
    pub fn observe(&mut self, reading: ClockReading) -> Option<(ClockStep, DateTime<Utc>)> {
        let unseen = (reading.monotonic - self.last.monotonic).max(TimeDelta::zero());
        if self.pending.is_none() {
            self.pending = self.step_to(reading).map(|step| (step, reading.wall - unseen));
        }
        self.pending
    }

    /// The last step was handled.
    pub fn handled(&mut self) {
        self.pending = None;
    }

    fn step_to(&mut self, reading: ClockReading) -> Option<ClockStep> {
        let last = std::mem::replace(&mut self.last, reading);
        let wall = reading.wall - last.wall;
        // Time never runs backwards, whatever the monotonic clock says.
        let step = if wall < TimeDelta::zero() { wall } else { wall - (reading.monotonic - last.monotonic) };
        match step {
            step if step < -TOLERANCE => Some(ClockStep::Back(-step)),
            step if step > TOLERANCE => Some(ClockStep::Ahead(step)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(readings: &[(i64, i64)]) -> Vec<Option<ClockStep>> {
        let at = |(wall, monotonic): (i64, i64)| ClockReading {
            wall: DateTime::from_timestamp(1_800_000_000 + wall, 0).unwrap(),
            monotonic: TimeDelta::seconds(monotonic),
        };
        let mut watch = ClockWatch::new(at(readings[0]));
        let mut observe = |one: &(i64, i64)| {
            let step = watch.observe(at(*one));
            watch.handled();
            step.map(|(step, _)| step)
        };
        readings.iter().map(&mut observe).collect()
    }

    #[test]
    fn observe_reports_each_step_once() {
        let ahead = ClockStep::Ahead(TimeDelta::seconds(3600));
        let back = ClockStep::Back(TimeDelta::seconds(7200));
        let readings = [(0, 0), (5, 5), (3606, 6), (3607, 7), (-3593, 8), (-3592, 9)];
        assert_eq!(steps(&readings), [None, None, Some(ahead), None, Some(back), None]);
    }

    #[test]
    fn observe_repeats_a_step_until_it_is_handled() {
        let at = |wall| ClockReading { wall: DateTime::from_timestamp(wall, 0).unwrap(), monotonic: TimeDelta::zero() };
        let mut watch = ClockWatch::new(at(100));
        let back = Some(ClockStep::Back(TimeDelta::seconds(60)));
        let mut observe = |wall| watch.observe(at(wall)).map(|(step, _)| step);
        assert_eq!((observe(40), observe(40)), (back, back));
        watch.handled();
        assert_eq!(watch.observe(at(40)), None);
    }

    #[test]
    fn observe_tells_from_when_on_time_passed_unseen() {
        let at = |wall, monotonic| ClockReading {
            wall: DateTime::from_timestamp(wall, 0).unwrap(),
            monotonic: TimeDelta::seconds(monotonic),
        };
        let mut watch = ClockWatch::new(at(100, 0));
        assert_eq!(watch.observe(at(120, 20)), None);
        let (_, from) = watch.observe(at(60, 30)).unwrap();
        assert_eq!(from, at(50, 0).wall, "set back right after the last reading");
        assert_eq!(watch.observe(at(70, 40)).unwrap().1, from, "until it is handled");
    }

    #[test]
    fn observe_ignores_corrections_and_long_pauses() {
        assert_eq!(steps(&[(0, 0), (601, 600), (1200, 1200)]), [None, None, None]);
    }

    #[test]
    fn observe_reports_a_step_back_that_the_monotonic_clock_shares() {
        assert_eq!(steps(&[(100, 100), (40, 40)]), [None, Some(ClockStep::Back(TimeDelta::seconds(60)))]);
    }
}
