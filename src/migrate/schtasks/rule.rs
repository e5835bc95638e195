//! When a trigger of Windows fires, by its own rules: days of a pattern at one time of day, each with repetitions.

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;

/// Days searched for the next firings.
const MAX_DAYS: usize = 366 * 12;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rule {
    pub start: NaiveDateTime,
    pub zone: Tz,
    pub end: Option<DateTime<Utc>>,
    pub days: Days,
    pub repetition: Option<Repetition>,
}

/// The days on which a trigger fires. Weekdays are bits from Sunday = 0, months bits from January = 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Days {
    Once,
    /// Every given number of days.
    Daily(i64),
    /// The weekdays of every given number of weeks.
    Weekly(i64, u64),
    /// Days of the month, with 32 for the last, in some months.
    Monthly(u64, u64),
    /// Weekdays of the given weeks of the month, with 6 for the last, in some months.
    MonthlyWeekday {
        weeks: u64,
        weekdays: u64,
        months: u64,
    },
}

/// Repetitions after each firing, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Repetition {
    pub interval: i64,
    /// `None`: without end.
    pub duration: Option<i64>,
}

impl Rule {
    /// Returns the first `count` firings at or after `from`.
    pub fn firings(&self, from: DateTime<Utc>, count: usize) -> Vec<DateTime<Utc>> {
        let mut found = Vec::new();
        let length = self.repetition.map_or(0, |repetition| repetition.duration.unwrap_or(0));
        let earliest = from.with_timezone(&self.zone).date_naive() - Duration::days(length / 86_400 + 1);
        let first = if self.days == Days::Once { self.start.date() } else { earliest.max(self.start.date()) };
        let limit = if self.days == Days::Once { 1 } else { MAX_DAYS };
        for date in first.iter_days().take(limit).filter(|date| self.matches(*date)) {
            let Some(base) = self.instant(date.and_time(self.start.time())) else { continue };
            found.extend(self.repeated(base, from, count).into_iter().filter(|at| *at >= from));
            found.sort();
            found.dedup();
            if found.len() >= count {
                break;
            }
        }
        found.retain(|at| self.end.is_none_or(|end| *at <= end));
        found.truncate(count);
        found
    }

    /// Returns a firing and its repetitions, from about `from` on.
    fn repeated(&self, base: DateTime<Utc>, from: DateTime<Utc>, count: usize) -> Vec<DateTime<Utc>> {
        let Some(Repetition { interval, duration }) = self.repetition else { return vec![base] };
        let passed = ((from - base).num_seconds() / interval).max(0);
        let steps = (passed..).take_while(|step| duration.is_none_or(|duration| step * interval < duration));
        steps.map(|step| base + Duration::seconds(step * interval)).take(count + 1).collect()
    }

    fn instant(&self, wall: NaiveDateTime) -> Option<DateTime<Utc>> {
        self.zone.from_local_datetime(&wall).earliest().map(|at| at.to_utc())
    }

    fn matches(&self, date: NaiveDate) -> bool {
        let has = |set: u64, bit: u32| set >> bit & 1 == 1;
        let weekday = date.weekday().num_days_from_sunday();
        let length = (28..=31).rev().find(|day| date.with_day(*day).is_some()).unwrap_or(28);
        let is_last_week = date.day() + 7 > length;
        match self.days {
            Days::Once => true,
            Days::Daily(every) => (date - self.start.date()).num_days() % every == 0,
            Days::Weekly(every, weekdays) => {
                let week = |date: NaiveDate| {
                    (date - Duration::days(i64::from(date.weekday().num_days_from_sunday()))).num_days_from_ce() / 7
                };
                has(weekdays, weekday) && i64::from(week(date) - week(self.start.date())) % every == 0
            }
            Days::Monthly(days, months) => {
                has(months, date.month()) && (has(days, date.day()) || (has(days, 32) && date.day() == length))
            }
            Days::MonthlyWeekday { weeks, weekdays, months } => {
                let week = (date.day() - 1) / 7 + 1;
                has(months, date.month()) && has(weekdays, weekday) && (has(weeks, week) || (has(weeks, 6) && is_last_week))
            }
        }
    }
}
