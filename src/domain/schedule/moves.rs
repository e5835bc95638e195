//! Moves: the occurrences of a closed day take place on the next working day, or on the one before, at the same times of day.
//! Days move as a whole. A working day that has occurrences of its own keeps those; else, of several closed days that move to
//! it, the nearest counts.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::settings::OnClosed;
use super::source::{Candidate, Source};
use super::{MAX_STEPS, later};
use crate::domain::calendar::CombinedCalendar;
use crate::domain::trigger::{offset_at, resolve};

/// How far a day may move, in days.
const MAX_DAYS: usize = 400;

impl Source<'_> {
    /// The first occurrence at or after `after`, where it takes place.
    pub(super) fn next_moved(&self, after: DateTime<Utc>, anchor: DateTime<Utc>) -> Option<Candidate> {
        let calendar = self.calendar?;
        let first = self.date(after)?;
        let mut from = self.start_of(self.earliest_origin(calendar, first)?)?;
        for _ in 0..MAX_STEPS {
            let date = self.date(self.trigger.next_at_or_after(from, anchor)?)?;
            let target = self.target(calendar, date);
            if target >= first {
                let origin = self.origin(calendar, target, anchor).unwrap_or(date);
                if let Some(found) = self.on_day(origin, target, after, anchor) {
                    return Some(found);
                }
            }
            from = self.start_of(date.max(target).succ_opt()?)?;
        }
        None
    }

    /// The first day whose occurrences may take place on `date` or later.
    fn earliest_origin(&self, calendar: &CombinedCalendar, date: NaiveDate) -> Option<NaiveDate> {
        if self.on_closed == OnClosed::PreviousWorkingDay {
            return Some(date);
        }
        let earlier = std::iter::successors(date.pred_opt(), NaiveDate::pred_opt);
        let closed = earlier.take(MAX_DAYS).take_while(|date| !calendar.is_working(*date));
        Some(closed.last().unwrap_or(date))
    }

    /// The day on which the occurrences of a day take place; the day itself if there is no working day within reach.
    fn target(&self, calendar: &CombinedCalendar, date: NaiveDate) -> NaiveDate {
        if calendar.is_working(date) {
            return date;
        }
        let target = match self.on_closed {
            OnClosed::PreviousWorkingDay => calendar.previous_working_day(date),
            _ => calendar.next_working_day(date),
        };
        target.unwrap_or(date)
    }

    /// The day whose occurrences take place on a day: itself, else the nearest that moves to it. `None`: there is none.
    fn origin(&self, calendar: &CombinedCalendar, target: NaiveDate, anchor: DateTime<Utc>) -> Option<NaiveDate> {
        if self.has_times_on(target, anchor) {
            return Some(target);
        }
        let step = if self.on_closed == OnClosed::PreviousWorkingDay { NaiveDate::succ_opt } else { NaiveDate::pred_opt };
        let neighbours = std::iter::successors(step(&target), step).take(MAX_DAYS);
        let closed = neighbours.take_while(|date| !calendar.is_working(*date));
        closed.filter(|date| self.target(calendar, *date) == target).find(|date| self.has_times_on(*date, anchor))
    }

    fn has_times_on(&self, date: NaiveDate, anchor: DateTime<Utc>) -> bool {
        let first = self.start_of(date).and_then(|start| self.trigger.next_at_or_after(start, anchor));
        first.and_then(|at| self.date(at)) == Some(date)
    }

    /// The first occurrence at or after `after` on `target` of the times of `origin`.
    fn on_day(&self, origin: NaiveDate, target: NaiveDate, after: DateTime<Utc>, anchor: DateTime<Utc>) -> Option<Candidate> {
        let mut from = self.start_of(origin)?;
        if origin == target {
            from = from.max(after);
        } else if self.date(after)? == target {
            from = from.max(self.at_wall(origin, self.wall_before(after))?);
        }
        loop {
            let original = self.trigger.next_at_or_after(from, anchor)?;
            if self.date(original)? != origin {
                return None;
            }
            let at = if origin == target { original } else { self.at_wall(target, self.wall(original))? };
            if at >= after {
                return Some(self.judged(at, original));
            }
            from = later(original)?;
        }
    }

    /// The local time of day of an instant.
    fn wall(&self, at: DateTime<Utc>) -> TimeDelta {
        let local = at.naive_utc() + TimeDelta::seconds(offset_at(self.zone, at.timestamp()));
        local.time() - NaiveTime::MIN
    }

    /// As [`Source::wall`]; at the end of a gap, the time at which the gap begins.
    fn wall_before(&self, at: DateTime<Utc>) -> TimeDelta {
        let before = self.wall(at - TimeDelta::seconds(1)) + TimeDelta::seconds(1);
        before.min(self.wall(at))
    }

    /// The instant of a local time of day: in a gap, the first instant after it; of two passes, the first.
    fn at_wall(&self, date: NaiveDate, wall: TimeDelta) -> Option<DateTime<Utc>> {
        let local = date.and_time(NaiveTime::MIN).and_utc().checked_add_signed(wall)?;
        let nanos = local.timestamp_subsec_nanos();
        let instant = DateTime::from_timestamp(resolve(self.zone, local.timestamp()).first(), nanos)?;
        Some(instant)
    }
}
