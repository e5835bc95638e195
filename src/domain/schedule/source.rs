//! A rule under calendars and freezes: its times, one after the other, with what becomes of them.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::closing::{Closing, Note};
use super::settings::{CalendarRule, OnClosed};
use super::{Freezes, MAX_STEPS, later};
use crate::domain::calendar::{CombinedCalendar, local_date, start_of};
use crate::domain::trigger::Trigger;

/// A rule of a schedule.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'s> {
    pub trigger: &'s Trigger,
    pub zone: Tz,
    pub calendar: Option<&'s CombinedCalendar>,
    pub freezes: Option<&'s Freezes>,
    pub rule: CalendarRule,
    pub on_closed: OnClosed,
    pub nth: Option<i32>,
}

/// An occurrence of a rule.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    pub at: DateTime<Utc>,
    pub original: DateTime<Utc>,
    pub note: Note,
    pub provisional: bool,
}

impl Candidate {
    pub fn regular(at: DateTime<Utc>) -> Candidate {
        Candidate { at, original: at, note: Note::Regular, provisional: false }
    }

    pub const fn is_closed(&self) -> bool {
        matches!(self.note, Note::Closed(_))
    }
}

/// Why a time is closed, and when to look again; `None`: it does not open within reach.
pub(super) type ClosedUntil = (Closing, Option<DateTime<Utc>>);

impl<'s> Source<'s> {
    /// The first occurrence at or after `after`, closed ones included.
    pub fn next(&self, after: DateTime<Utc>, anchor: DateTime<Utc>) -> Option<Candidate> {
        match self.on_closed {
            OnClosed::Hold => self.next_held(after, anchor),
            OnClosed::NextWorkingDay | OnClosed::PreviousWorkingDay if self.calendar.is_some() => self.next_moved(after, anchor),
            _ => self.next_selected(after, anchor).map(|at| self.judged(at, at)),
        }
    }

    /// The first occurrence at or after `after` that is not closed.
    pub fn next_open(&self, mut after: DateTime<Utc>, anchor: DateTime<Utc>) -> Option<Candidate> {
        for _ in 0..MAX_STEPS {
            let candidate = self.next(after, anchor)?;
            if !candidate.is_closed() {
                return Some(candidate);
            }
            let (_, until) = self.closing(candidate.at)?;
            after = until?.max(later(candidate.at)?);
        }
        None
    }

    /// Whether the rule itself has a time at or after `after`.
    pub fn has_times(&self, after: DateTime<Utc>, anchor: DateTime<Utc>) -> bool {
        self.trigger.next_at_or_after(after, anchor).is_some()
    }

    /// The occurrence at `at` of the rule's time `original`: closed if the time is.
    pub fn judged(&self, at: DateTime<Utc>, original: DateTime<Utc>) -> Candidate {
        let note = match self.closing(at) {
            Some((closing, _)) => Note::Closed(closing),
            None if at == original => Note::Regular,
            None => Note::Moved,
        };
        let provisional = self.is_provisional(at) || at != original && self.is_provisional(original);
        Candidate { at, original, note, provisional }
    }

    /// Why nothing runs at a time; `None`: it is open.
    pub fn closing(&self, at: DateTime<Utc>) -> Option<ClosedUntil> {
        self.closed_by_calendar(at).or_else(|| self.closed_by_freeze(at))
    }

    fn closed_by_calendar(&self, at: DateTime<Utc>) -> Option<ClosedUntil> {
        let calendar = self.calendar?;
        let closure = calendar.closed_at(at, self.zone);
        if self.rule == CalendarRule::Except {
            let calendars = calendar.calendars().iter().map(|one| &*one.name).collect::<Vec<_>>().join(", ");
            let tomorrow = || start_of(self.date(at)?.succ_opt()?, self.zone);
            // It may close by a window on the same day.
            return closure.is_none().then(|| (Closing::Open { calendars }, self.next_window(at).or_else(tomorrow)));
        }
        let closure = closure?;
        let (calendar, name) = (closure.calendar, closure.name);
        let closing = if closure.whole_day { Closing::Day { calendar, name } } else { Closing::Window { calendar, name } };
        Some((closing, closure.until))
    }

    /// For a task that runs only in windows: where to look for the next one. `None`: there are no windows.
    fn next_window(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.calendar?.has_windows().then(|| later(at)).flatten()
    }

    fn closed_by_freeze(&self, at: DateTime<Utc>) -> Option<ClosedUntil> {
        let Freezes { set, tags } = self.freezes?;
        let freeze = set.closed_at(tags, at)?;
        let closing = Closing::Freeze { reason: freeze.reason.clone(), until: freeze.until };
        Some((closing, Some(set.open_again(tags, at))))
    }

    pub fn date(&self, at: DateTime<Utc>) -> Option<NaiveDate> {
        local_date(at, self.zone)
    }

    pub fn start_of(&self, date: NaiveDate) -> Option<DateTime<Utc>> {
        start_of(date, self.zone)
    }

    fn is_provisional(&self, at: DateTime<Utc>) -> bool {
        self.calendar.is_some_and(|calendar| self.date(at).is_some_and(|date| calendar.is_provisional(date)))
    }
}
