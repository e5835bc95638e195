//! Calendars as they are asked: sorted dates over a base.

use std::sync::Arc;

use chrono::{Datelike, NaiveDate, Weekday};
use chrono_tz::Tz;

use super::holiday::DayName;
use super::window::Window;

/// A calendar ready to be asked.
#[derive(Debug, Clone, PartialEq)]
pub struct CompiledCalendar {
    pub name: Arc<str>,
    /// The time zone of its days and windows; `None`: that of the task.
    pub zone: Option<Tz>,
    /// The version of its definition; of the built-in `cn`, the last year that it knows.
    pub(super) version: i64,
    pub(super) base: Base,
    /// Working days of the week, Monday first; `None`: those of the base.
    pub(super) weekdays: Option<[bool; 7]>,
    /// The years that its dates state in full, ascending: dates of the base do not count in them.
    pub(super) years: Vec<i32>,
    /// Ascending, each date once.
    pub(super) dates: Vec<Exception>,
    /// By month and day, ascending, each once.
    pub(super) yearly: Vec<Yearly>,
    pub(super) windows: Vec<(Window, Option<DayName>)>,
}

/// What a calendar is built on.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Base {
    /// Monday to Friday.
    Weekdays,
    EveryDay,
    /// Monday to Friday, provisionally.
    Provisional,
    Calendar(Arc<CompiledCalendar>),
}

/// A date that is named.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Exception {
    pub date: NaiveDate,
    pub working: bool,
    pub name: Option<DayName>,
}

/// A date of each year.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Yearly {
    pub month: u32,
    pub day: u32,
    pub working: bool,
    pub name: Option<DayName>,
}

/// A day of a calendar.
#[derive(Debug, Clone, PartialEq)]
pub struct Day {
    pub working: bool,
    /// The name of the holiday; of a make-up day, the holiday that it makes up for.
    pub name: Option<DayName>,
    pub source: Source,
}

/// Where a calendar knows a day from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Its rule of weekdays.
    Rule,
    /// A date that is named.
    Data,
    /// The rule of weekdays, in a year that is not known yet.
    Provisional,
}

impl Source {
    pub const fn as_str(self) -> &'static str {
        match self {
            Source::Rule => "rule",
            Source::Data => "data",
            Source::Provisional => "provisional",
        }
    }
}

impl CompiledCalendar {
    /// A calendar without dates.
    pub(super) fn plain(name: &str, base: Base) -> CompiledCalendar {
        CompiledCalendar {
            name: name.into(),
            zone: None,
            version: 1,
            base,
            weekdays: None,
            years: Vec::new(),
            dates: Vec::new(),
            yearly: Vec::new(),
            windows: Vec::new(),
        }
    }

    /// What a day is: by its own dates, by its yearly dates, by the dates of the base, by its weekdays, in this order.
    pub fn day(&self, date: NaiveDate) -> Day {
        if let Some(named) = self.named(date) {
            return named;
        }
        let by_rule = |source| Day { working: self.works_on(date.weekday()), name: None, source };
        if self.years.binary_search(&date.year()).is_ok() {
            return by_rule(Source::Rule);
        }
        let Base::Calendar(base) = &self.base else {
            return by_rule(if self.base == Base::Provisional { Source::Provisional } else { Source::Rule });
        };
        match base.day(date) {
            day if day.source == Source::Data || self.weekdays.is_none() => day,
            day => by_rule(day.source),
        }
    }

    fn named(&self, date: NaiveDate) -> Option<Day> {
        let found = self.dates.binary_search_by_key(&date, |day| day.date).ok();
        let own = found.and_then(|place| self.dates.get(place)).map(|day| (day.working, &day.name));
        let (working, name) = own.or_else(|| {
            let key = (date.month(), date.day());
            let place = self.yearly.binary_search_by_key(&key, |day| (day.month, day.day)).ok()?;
            self.yearly.get(place).map(|day| (day.working, &day.name))
        })?;
        Some(Day { working, name: name.clone(), source: Source::Data })
    }

    fn works_on(&self, weekday: Weekday) -> bool {
        let place = weekday.num_days_from_monday() as usize;
        match (&self.weekdays, &self.base) {
            (Some(own), _) => own.get(place).copied().unwrap_or_default(),
            (None, Base::Calendar(base)) => base.works_on(weekday),
            (None, Base::EveryDay) => true,
            (None, Base::Weekdays | Base::Provisional) => place < 5,
        }
    }

    /// Whether no day of the year is provisional for want of data.
    pub fn knows_year(&self, year: i32) -> bool {
        self.years.binary_search(&year).is_ok()
            || match &self.base {
                Base::Calendar(base) => base.knows_year(year),
                base => *base != Base::Provisional,
            }
    }

    /// The versions that decide its days, `release@3 cn@2026`: its own and those of its bases.
    pub fn version(&self) -> String {
        let own = format!("{}@{}", self.name, self.version);
        match &self.base {
            Base::Calendar(base) if !base.is_rule() => format!("{own} {}", base.version()),
            _ => own,
        }
    }

    /// Its windows and those of its bases, each with the zone of the calendar that states it.
    pub(super) fn windows(&self) -> impl Iterator<Item = (&CompiledCalendar, &Window, &Option<DayName>)> {
        let chain = std::iter::successors(Some(self), |calendar| calendar.base_calendar());
        chain.flat_map(|calendar| calendar.windows.iter().map(move |(window, name)| (calendar, window, name)))
    }

    /// How many calendars it is built on.
    pub(super) fn depth(&self) -> usize {
        std::iter::successors(self.base_calendar(), |calendar| calendar.base_calendar()).count()
    }

    fn base_calendar(&self) -> Option<&CompiledCalendar> {
        match &self.base {
            Base::Calendar(base) => Some(base),
            _ => None,
        }
    }

    /// Whether it is one of the built-in rules of weekdays, which never change.
    fn is_rule(&self) -> bool {
        matches!(self.base, Base::Weekdays | Base::EveryDay) && self.dates.is_empty() && self.windows.is_empty()
    }
}
