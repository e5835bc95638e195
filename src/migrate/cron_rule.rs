//! Cron rules in the dialects of other schedulers: their firings by the scheduler's own meaning, and the trigger of the same meaning
//! here. Independent of the domain's search, so that both can be compared.

mod field;
mod write;

use chrono::{DateTime, Datelike, Duration, LocalResult, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;

use self::field::{DaySpecial, FieldReader, WeekdaySpecial, bits};
use crate::i18n::{Message, message};

/// The rules by which a text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Five fields; weekdays 0 to 7, Sunday is 0 and 7.
    Crontab,
    /// As [`Dialect::Crontab`], or six fields with seconds first.
    CrontabSeconds,
    /// Six or seven fields: seconds first, a year last; weekdays 1 to 7, Sunday is 1; `?`, `L`, `W` and `#`.
    Quartz,
    /// The Go package `robfig/cron` of version 1: seconds first; the weekday may be left out; weekdays 0 to 6.
    Robfig,
}

/// A parsed rule. Sets are bits: bit 5 of `minute` stands for minute 5.
#[derive(Debug, Clone, PartialEq)]
pub struct CronRule {
    dialect: Dialect,
    second: u64,
    minute: u64,
    hour: u64,
    day: u64,
    day_specials: Vec<DaySpecial>,
    month: u64,
    weekday: u64,
    weekday_specials: Vec<WeekdaySpecial>,
    /// `None`: every year.
    years: Option<Vec<i32>>,
    /// A day matches when day or weekday does, otherwise when both do.
    either: bool,
}

/// Days searched for the next firings: the calendar repeats after 400 years.
const MAX_DAYS: usize = 366 * 401;

impl CronRule {
    /// Parses a rule.
    ///
    /// # Errors
    /// The field and the text that the scheduler itself would not accept, or that has no meaning here.
    pub fn parse(text: &str, dialect: Dialect) -> Result<CronRule, Message> {
        let text = expand_macro(text, dialect)?;
        let words: Vec<&str> = text.split_whitespace().collect();
        let [second, minute, hour, day, month, weekday, year] = columns(&words, dialect)?;
        let reader = FieldReader { dialect };
        let (day_bits, day_specials) = reader.days(day)?;
        let (weekday_bits, weekday_specials) = reader.weekdays(weekday)?;
        let free = |field: &str| field.starts_with(['*', '?']);
        if dialect == Dialect::Quartz && !free(day) && !free(weekday) {
            return Err(message!("migrate.cron_day_and_weekday", day, weekday));
        }
        Ok(CronRule {
            dialect,
            second: reader.numbers("second", second, 0, 59, &[])?,
            minute: reader.numbers("minute", minute, 0, 59, &[])?,
            hour: reader.numbers("hour", hour, 0, 23, &[])?,
            day: day_bits,
            day_specials,
            month: reader.numbers("month", month, 1, 12, &field::MONTHS)?,
            weekday: weekday_bits,
            weekday_specials,
            years: reader.years(year)?,
            either: !free(day) && !free(weekday),
        })
    }

    /// Returns the first `count` firings at or after `from` by the scheduler's own rules.
    pub fn firings(&self, zone: Tz, from: DateTime<Utc>, count: usize) -> Vec<DateTime<Utc>> {
        let mut found = Vec::new();
        // The day before may have a time in a gap that fires after it.
        let first = from.with_timezone(&zone).date_naive() - Duration::days(1);
        for date in first.iter_days().take(MAX_DAYS).filter(|date| self.matches(*date)) {
            let mut times = self.times(date, zone);
            times.sort();
            found.extend(times.into_iter().filter(|at| *at >= from));
            found.dedup();
            if found.len() >= count {
                break;
            }
        }
        found.truncate(count);
        found
    }

    fn matches(&self, date: NaiveDate) -> bool {
        let in_year = self.years.as_ref().is_none_or(|years| years.contains(&date.year()));
        if !in_year || self.month >> date.month() & 1 == 0 {
            return false;
        }
        let weekday = date.weekday().num_days_from_sunday();
        let day = self.day >> date.day() & 1 == 1 || self.day_specials.iter().any(|special| special.matches(date));
        let weekday = self.weekday >> weekday & 1 == 1 || self.weekday_specials.iter().any(|special| special.matches(date));
        if self.either { day || weekday } else { day && weekday }
    }

    fn times(&self, date: NaiveDate, zone: Tz) -> Vec<DateTime<Utc>> {
        let mut times = Vec::new();
        for (hour, minute) in bits(self.hour).flat_map(|hour| bits(self.minute).map(move |minute| (hour, minute))) {
            for wall in bits(self.second).filter_map(|second| date.and_hms_opt(hour, minute, second)) {
                times.extend(self.instants(wall, zone));
            }
        }
        times
    }

    /// The instants of a local time. Cron runs jobs of fixed hours once at each change of the clocks, hourly ones in real time; the
    /// other schedulers skip times that do not exist and take the first of two.
    fn instants(&self, wall: NaiveDateTime, zone: Tz) -> Vec<DateTime<Utc>> {
        let is_cron = matches!(self.dialect, Dialect::Crontab | Dialect::CrontabSeconds);
        let is_hourly = self.hour == field::range(0, 23);
        match zone.from_local_datetime(&wall) {
            LocalResult::Single(at) => vec![at.to_utc()],
            LocalResult::Ambiguous(first, second) if is_cron && is_hourly => vec![first.to_utc(), second.to_utc()],
            LocalResult::Ambiguous(first, _) => vec![first.to_utc()],
            LocalResult::None if is_cron && !is_hourly => after_gap(wall, zone).into_iter().collect(),
            LocalResult::None => Vec::new(),
        }
    }
}

/// Returns the first whole minute that exists after a local time inside a gap.
fn after_gap(wall: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    let minutes = (1..=1500).map(|minutes| wall + Duration::minutes(minutes));
    let start = minutes.filter_map(|wall| zone.from_local_datetime(&wall).earliest()).next()?.to_utc();
    // The gap ends at a whole minute of the local clock.
    Some(start - Duration::seconds(start.timestamp().rem_euclid(60)))
}

/// Replaces `@daily` and the like by fields.
fn expand_macro(text: &str, dialect: Dialect) -> Result<String, Message> {
    let text = text.trim();
    let Some(name) = text.strip_prefix('@') else { return Ok(text.to_owned()) };
    let fields = match name.to_ascii_lowercase().as_str() {
        "yearly" | "annually" => "0 0 1 1 *",
        "monthly" => "0 0 1 * *",
        "weekly" => "0 0 * * 0",
        "daily" | "midnight" => "0 0 * * *",
        "hourly" => "0 * * * *",
        "every_minute" if dialect == Dialect::Crontab => "* * * * *",
        _ => return Err(message!("migrate.cron_unknown_macro", text)),
    };
    Ok(if dialect == Dialect::Robfig { format!("0 {fields}") } else { fields.to_owned() })
}

/// Returns second, minute, hour, day, month, weekday and year.
fn columns<'w>(words: &[&'w str], dialect: Dialect) -> Result<[&'w str; 7], Message> {
    let first = match (dialect, words.len()) {
        (Dialect::Crontab | Dialect::CrontabSeconds, 5) => 1,
        (Dialect::CrontabSeconds | Dialect::Quartz, 6) | (Dialect::Quartz, 7) | (Dialect::Robfig, 5 | 6) => 0,
        (_, count) => return Err(message!("migrate.cron_field_count", count, text = words.join(" "))),
    };
    let mut columns = ["0", "*", "*", "*", "*", "*", "*"];
    columns[first..first + words.len()].copy_from_slice(words);
    Ok(columns)
}

#[cfg(test)]
mod tests;
