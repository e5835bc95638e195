//! The calendars of a task together: a day is a working day if it is one in each of them; a time is closed if it is in any.

use std::sync::Arc;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::compiled::{CompiledCalendar, Day, Source};
use super::holiday::DayName;
use super::window::instant_after;
use crate::domain::trigger::{offset_at, resolve};

/// How far a search for a working day looks, in days.
const MAX_DAYS: u64 = 400;
/// The most closures that follow each other without a gap.
const MAX_CLOSURES: usize = 1000;

/// One or several calendars.
#[derive(Debug, Clone, PartialEq)]
pub struct CombinedCalendar(Vec<Arc<CompiledCalendar>>);

/// Why a time is closed, and until when.
#[derive(Debug, Clone, PartialEq)]
pub struct Closure {
    /// The calendar's name.
    pub calendar: Arc<str>,
    /// The name of the day or of the window.
    pub name: Option<DayName>,
    /// Whether the whole day is closed; else a window is.
    pub whole_day: bool,
    /// When all calendars are open again; `None`: not within 400 days.
    pub until: Option<DateTime<Utc>>,
}

impl CombinedCalendar {
    pub fn new(calendars: Vec<Arc<CompiledCalendar>>) -> Self {
        Self(calendars)
    }

    /// The calendars, in the order of the task.
    pub fn calendars(&self) -> &[Arc<CompiledCalendar>] {
        &self.0
    }

    /// What a day is: that of the first calendar in which it is closed; else that of the calendar that knows most of it.
    pub fn day(&self, date: NaiveDate) -> Day {
        let mut open: Option<Day> = None;
        for calendar in &self.0 {
            let day = calendar.day(date);
            if !day.working {
                return day;
            }
            if open.as_ref().is_none_or(|open| day.source > open.source) {
                open = Some(day);
            }
        }
        open.unwrap_or(Day { working: true, name: None, source: Source::Rule })
    }

    /// The calendar in which a day is closed, with the day; `None`: it is a working day.
    pub fn closed_day(&self, date: NaiveDate) -> Option<(&CompiledCalendar, Day)> {
        let closed = |calendar: &CompiledCalendar| Some(calendar.day(date)).filter(|day| !day.working);
        self.0.iter().find_map(|calendar| closed(calendar).map(|day| (&**calendar, day)))
    }

    /// Whether any of them has windows.
    pub fn has_windows(&self) -> bool {
        self.0.iter().any(|calendar| calendar.windows().next().is_some())
    }

    pub fn is_working(&self, date: NaiveDate) -> bool {
        self.0.iter().all(|calendar| calendar.day(date).working)
    }

    /// Whether `at` is closed, by its day or by a window. Days and windows are those of each calendar's zone; `zone` is the
    /// task's, for calendars without one.
    pub fn closed_at(&self, at: DateTime<Utc>, zone: Tz) -> Option<Closure> {
        let (mut closure, mut until) = self.closed_once(at, zone)?;
        let horizon = at.checked_add_signed(TimeDelta::days(MAX_DAYS as i64)).unwrap_or(at);
        for _ in 0..MAX_CLOSURES {
            match self.closed_once(until, zone) {
                _ if until > horizon => break,
                Some((_, later)) => until = later,
                None => {
                    closure.until = Some(until);
                    break;
                }
            }
        }
        Some(closure)
    }

    /// The closure at an instant, and its own end.
    fn closed_once(&self, at: DateTime<Utc>, zone: Tz) -> Option<(Closure, DateTime<Utc>)> {
        let of = |calendar: &CompiledCalendar, name: Option<DayName>, whole_day| Closure {
            calendar: calendar.name.clone(),
            name,
            whole_day,
            until: None,
        };
        let by_day = |calendar: &Arc<CompiledCalendar>| {
            let zone = calendar.zone.unwrap_or(zone);
            let date = local_date(at, zone)?;
            let day = calendar.day(date);
            if day.working {
                return None;
            }
            let midnight = date.succ_opt()?.and_time(NaiveTime::MIN).and_utc().timestamp();
            Some((of(calendar, day.name, true), instant_after(at, midnight, zone)?))
        };
        let by_window = |calendar: &Arc<CompiledCalendar>| {
            let closed = calendar.windows().filter_map(|(owner, window, name)| {
                let open = window.open_again(at, owner.zone.or(calendar.zone).unwrap_or(zone))?;
                Some((of(calendar, name.clone(), false), open))
            });
            closed.max_by_key(|(_, open)| *open)
        };
        self.0.iter().find_map(by_day).or_else(|| self.0.iter().filter_map(by_window).max_by_key(|(_, open)| *open))
    }

    /// The first working day on or after `date`; `None`: there is none within 400 days.
    pub fn next_working_day(&self, date: NaiveDate) -> Option<NaiveDate> {
        (0..=MAX_DAYS).map_while(|step| date.checked_add_days(Days::new(step))).find(|date| self.is_working(*date))
    }

    /// The last working day on or before `date`; `None`: there is none within 400 days, or it is not certain, because a day that
    /// is passed over or found lies in a year that is not known yet.
    pub fn previous_working_day(&self, date: NaiveDate) -> Option<NaiveDate> {
        for date in (0..=MAX_DAYS).map_while(|step| date.checked_sub_days(Days::new(step))) {
            if self.is_provisional(date) {
                return None;
            }
            if self.is_working(date) {
                return Some(date);
            }
        }
        None
    }

    /// Whether a calendar does not know the day yet.
    pub fn is_provisional(&self, date: NaiveDate) -> bool {
        self.0.iter().any(|calendar| calendar.day(date).source == Source::Provisional)
    }

    /// The working day of this number in a month: 1 is the first, -1 the last. `None`: the month has fewer, or `n` is 0.
    pub fn nth_working_day_of_month(&self, year: i32, month: u32, n: i32) -> Option<NaiveDate> {
        let first = NaiveDate::from_ymd_opt(year, month, 1)?;
        let mut days = first.iter_days().take_while(|date| date.month() == month).filter(|date| self.is_working(*date));
        match usize::try_from(n.unsigned_abs()).ok()?.checked_sub(1)? {
            place if n > 0 => days.nth(place),
            place => days.collect::<Vec<_>>().into_iter().rev().nth(place),
        }
    }

    /// Whether it is a working day after which a holiday begins: closed days of which at least one is named.
    pub fn is_day_before_block(&self, date: NaiveDate) -> bool {
        self.is_working(date) && self.is_holiday_run(date, NaiveDate::succ_opt)
    }

    /// Whether it is the first working day after a holiday.
    pub fn is_first_after_block(&self, date: NaiveDate) -> bool {
        self.is_working(date) && self.is_holiday_run(date, NaiveDate::pred_opt)
    }

    /// Whether the closed days next to `date`, in one direction, hold a named one.
    fn is_holiday_run(&self, date: NaiveDate, step: impl Fn(&NaiveDate) -> Option<NaiveDate>) -> bool {
        let closed = std::iter::successors(step(&date), step).take(MAX_DAYS as usize).map_while(|date| self.closed_day(date));
        closed.into_iter().any(|(_, day)| day.source == Source::Data)
    }

    /// The versions that decide, `cn@2026 release@3`.
    pub fn version(&self) -> String {
        let versions: Vec<String> = self.0.iter().map(|calendar| calendar.version()).collect();
        versions.join(" ")
    }
}

/// The local date of an instant; `None` beyond the years of dates.
pub(crate) fn local_date(at: DateTime<Utc>, zone: Tz) -> Option<NaiveDate> {
    let instant = at.timestamp();
    DateTime::from_timestamp(instant.checked_add(offset_at(zone, instant))?, 0).map(|wall| wall.date_naive())
}

/// The first instant of a local date.
pub(crate) fn start_of(date: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(resolve(zone, date.and_time(NaiveTime::MIN).and_utc().timestamp()).first(), 0)
}
