//! Fields of cron rules: sets of numbers as bits, and the days that depend on the month.

use chrono::{Datelike, Duration, NaiveDate, Weekday};

use super::Dialect;
use crate::domain::input::truncate;
use crate::i18n::{Message, message};

pub(super) const MONTHS: [&str; 13] = ["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
pub(super) const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// A day of the month that depends on the month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DaySpecial {
    /// Days before the last day of the month, 0 to 30.
    Last(u32),
    /// The working day nearest to a day, in the same month.
    Nearest(u32),
    /// The last working day.
    LastWorkday,
}

/// A weekday once a month: the n-th, 1 to 5, or the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WeekdaySpecial {
    /// From Sunday = 0.
    pub weekday: u32,
    /// `None`: the last.
    pub nth: Option<u32>,
}

impl DaySpecial {
    pub fn matches(self, date: NaiveDate) -> bool {
        let length = month_length(date);
        match self {
            DaySpecial::Last(back) => date.day() + back == length,
            DaySpecial::LastWorkday => workday_nearest(date, length) == Some(date),
            DaySpecial::Nearest(day) => workday_nearest(date, day.min(length)) == Some(date),
        }
    }
}

/// Returns the working day nearest to a day of the month of `date`, without leaving the month.
fn workday_nearest(date: NaiveDate, day: u32) -> Option<NaiveDate> {
    let wanted = date.with_day(day)?;
    let days = match wanted.weekday() {
        Weekday::Sat if day == 1 => 2,
        Weekday::Sat => -1,
        Weekday::Sun if day == month_length(date) => -2,
        Weekday::Sun => 1,
        _ => 0,
    };
    wanted.checked_add_signed(Duration::days(days))
}

impl WeekdaySpecial {
    pub fn matches(self, date: NaiveDate) -> bool {
        date.weekday().num_days_from_sunday() == self.weekday
            && match self.nth {
                Some(nth) => (date.day() - 1) / 7 + 1 == nth,
                None => date.day() + 7 > month_length(date),
            }
    }
}

fn month_length(date: NaiveDate) -> u32 {
    (28..=31).rev().find(|day| date.with_day(*day).is_some()).unwrap_or(28)
}

/// Returns the numbers of a set, ascending.
pub(super) fn bits(set: u64) -> impl Iterator<Item = u32> + Clone {
    (0..64).filter(move |bit| set >> bit & 1 == 1)
}

/// Returns the set of the numbers from `first` to `last`.
pub(super) fn range(first: u32, last: u32) -> u64 {
    (first..=last).fold(0, |set, number| set | 1 << number)
}

/// Reads the fields of a dialect.
#[derive(Clone, Copy)]
pub(super) struct FieldReader {
    pub dialect: Dialect,
}

/// A field under way: its name and range, and the names of its numbers.
#[derive(Clone, Copy)]
struct Bounds<'n> {
    name: &'static str,
    min: u32,
    max: u32,
    names: &'n [&'n str],
}

impl FieldReader {
    pub fn numbers(self, name: &'static str, text: &str, min: u32, max: u32, names: &[&str]) -> Result<u64, Message> {
        let bounds = Bounds { name, min, max, names };
        text.split(',').try_fold(0, |set, part| Ok(set | self.part(bounds, part)?))
    }

    /// Reads the days of the month.
    pub fn days(self, text: &str) -> Result<(u64, Vec<DaySpecial>), Message> {
        let (mut set, mut specials) = (0, Vec::new());
        for part in text.split(',') {
            match self.day_special(part) {
                Some(special) => specials.push(special),
                None => set |= self.numbers("day", part, 1, 31, &[])?,
            }
        }
        Ok((set, specials))
    }

    fn day_special(self, part: &str) -> Option<DaySpecial> {
        let part = part.to_ascii_uppercase();
        let number = |text: &str, max: u32| text.parse().ok().filter(|number| (1..=max).contains(number));
        match part.as_str() {
            _ if self.dialect != Dialect::Quartz => None,
            "L" => Some(DaySpecial::Last(0)),
            "LW" => Some(DaySpecial::LastWorkday),
            text => match text.strip_prefix("L-") {
                Some(back) => number(back, 30).map(DaySpecial::Last),
                None => text.strip_suffix('W').and_then(|day| number(day, 31)).map(DaySpecial::Nearest),
            },
        }
    }

    /// Reads the weekdays, from Sunday = 0.
    pub fn weekdays(self, text: &str) -> Result<(u64, Vec<WeekdaySpecial>), Message> {
        let (min, max) = match self.dialect {
            Dialect::Crontab | Dialect::CrontabSeconds => (0, 7),
            Dialect::Quartz => (1, 7),
            Dialect::Robfig => (0, 6),
        };
        let offset = u32::from(self.dialect == Dialect::Quartz);
        let mut names = vec![""; offset as usize];
        names.extend(WEEKDAYS);
        let bounds = Bounds { name: "day_of_week", min, max, names: &names };
        let (mut set, mut specials) = (0_u64, Vec::new());
        for part in text.split(',') {
            match self.weekday_special(bounds, part, offset) {
                Some(special) => specials.push(special),
                None => set |= self.part(bounds, part)?,
            }
        }
        let set = set >> offset;
        // Crontab's 7 is Sunday again.
        Ok(((set | set >> 7) & range(0, 6), specials))
    }

    fn weekday_special(self, bounds: Bounds<'_>, part: &str, offset: u32) -> Option<WeekdaySpecial> {
        if self.dialect != Dialect::Quartz {
            return None;
        }
        let weekday = |text: &str| bounds.number(text).map(|number| number - offset);
        match part.split_once('#') {
            Some((day, nth)) => {
                let nth = nth.parse().ok().filter(|nth| (1..=5).contains(nth))?;
                Some(WeekdaySpecial { weekday: weekday(day)?, nth: Some(nth) })
            }
            None => {
                let day = part.strip_suffix(['L', 'l'])?;
                // `L` alone is Saturday, the last day of Quartz's week, every week.
                (!day.is_empty()).then(|| weekday(day).map(|weekday| WeekdaySpecial { weekday, nth: None })).flatten()
            }
        }
    }

    pub fn years(self, text: &str) -> Result<Option<Vec<i32>>, Message> {
        if matches!(text, "*" | "?") {
            return Ok(None);
        }
        const FIRST: u32 = 1970;
        let mut years = Vec::new();
        for part in text.split(',') {
            let unreadable = || unreadable("year", part);
            let (span, step) = split_step(part).ok_or_else(unreadable)?;
            let number =
                |text: &str| text.parse::<u32>().ok().filter(|year| (FIRST..=2199).contains(year)).ok_or_else(unreadable);
            let (first, last) = match span.split_once('-') {
                _ if span == "*" => (FIRST, 2199),
                Some((first, last)) => (number(first)?, number(last)?),
                None => (number(span)?, if step.is_some() { 2199 } else { number(span)? }),
            };
            years.extend((first..=last).step_by(step.unwrap_or(1) as usize).map(u32::cast_signed));
        }
        years.sort_unstable();
        years.dedup();
        Ok(Some(years))
    }

    /// Reads `*`, `?`, `a`, `a-b`, each with `/step`.
    fn part(self, bounds: Bounds<'_>, part: &str) -> Result<u64, Message> {
        let Bounds { name, min, max, .. } = bounds;
        let unreadable = || unreadable(name, part);
        let (span, step) = split_step(part).ok_or_else(unreadable)?;
        // The last weekday of a step that runs from a number is Saturday, not the second Sunday.
        let end = if name == "day_of_week" && max == 7 && min == 0 { 6 } else { max };
        let takes_question = matches!(self.dialect, Dialect::Quartz | Dialect::Robfig) && matches!(name, "day" | "day_of_week");
        let (first, last) = match span.split_once('-') {
            _ if span == "*" || (span == "?" && takes_question) => (min, end),
            _ if span.eq_ignore_ascii_case("l") && name == "day_of_week" && self.dialect == Dialect::Quartz => (max, max),
            Some((first, last)) => (bounds.number(first).ok_or_else(unreadable)?, bounds.number(last).ok_or_else(unreadable)?),
            None => {
                let first = bounds.number(span).ok_or_else(unreadable)?;
                (first, if step.is_some() { end } else { first })
            }
        };
        let step = step.unwrap_or(1);
        if first <= last {
            return Ok((first..=last).step_by(step as usize).fold(0, |set, number| set | 1 << number));
        }
        // Quartz runs over the end of the range; names of weekdays do everywhere.
        let is_named = bounds.names.iter().any(|known| !known.is_empty() && span.to_ascii_lowercase().starts_with(known));
        if self.dialect != Dialect::Quartz && !(is_named && name == "day_of_week") {
            return Err(message!("migrate.cron_backwards", text = truncate(part, 40)).of(name));
        }
        let count = end - min + 1;
        let all = (first..=last + count).step_by(step as usize);
        Ok(all.fold(0, |set, number| set | 1 << (if number > end { number - count } else { number })))
    }
}

impl Bounds<'_> {
    fn number(self, text: &str) -> Option<u32> {
        let by_name = || {
            let text = text.to_ascii_lowercase();
            self.names.iter().position(|name| !name.is_empty() && *name == text).and_then(|place| u32::try_from(place).ok())
        };
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = if is_number { text.parse().ok() } else { by_name() };
        number.filter(|number| (self.min..=self.max).contains(number))
    }
}

/// Splits off the step, which is at least 1.
fn split_step(part: &str) -> Option<(&str, Option<u32>)> {
    match part.split_once('/') {
        None => Some((part, None)),
        Some((span, step)) => step.parse().ok().filter(|step| (1..=10_000).contains(step)).map(|step| (span, Some(step))),
    }
}

fn unreadable(name: &str, part: &str) -> Message {
    message!("migrate.cron_unreadable", text = truncate(part, 40)).of(name)
}
