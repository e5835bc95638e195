//! Calendar arithmetic: dates as days since 1970-01-01, and the 21 kinds of years.

/// A set of days of a month, bit n for day n.
pub(crate) type MonthMask = u32;

/// Year, month and day of a day count (Howard Hinnant's `civil_from_days`).
pub(crate) fn civil(days: i64) -> (i64, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    (year, u32::try_from(month).unwrap_or(1), u32::try_from(day).unwrap_or(1))
}

/// The day count of a date (Howard Hinnant's `days_from_civil`).
pub(crate) fn day_count(year: i64, month: u32, day: u32) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let mp = i64::from((month + 9) % 12);
    let doy = (153 * mp + 2) / 5 + i64::from(day) - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

pub(crate) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// The properties of a year that determine its calendar: the weekday of 1 January, the year's length, and (for the ISO week of
/// its first days) the length of the year before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct YearKind {
    /// 0 = Sunday.
    first_weekday: u32,
    leap: bool,
    after_leap: bool,
}

impl YearKind {
    pub(crate) fn from_year(year: i64) -> Self {
        let first_weekday = (day_count(year, 1, 1) + 4).rem_euclid(7);
        Self { first_weekday: u32::try_from(first_weekday).unwrap_or(0), leap: is_leap(year), after_leap: is_leap(year - 1) }
    }

    /// Returns all 21 kinds: a leap year never follows a leap year.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let lengths = [(false, false), (true, false), (false, true)];
        (0..7).flat_map(move |first_weekday| lengths.map(|(leap, after_leap)| Self { first_weekday, leap, after_leap }))
    }

    /// The kind as a number from 0 to 20.
    pub(crate) fn index(self) -> u32 {
        self.first_weekday + if self.leap { 7 } else { 0 } + if self.after_leap { 14 } else { 0 }
    }

    pub(crate) fn month_length(self, month: u32) -> u32 {
        match month {
            2 => 28 + u32::from(self.leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    /// The weekday of the month's first day.
    pub(crate) fn month_weekday(self, month: u32) -> u32 {
        (self.first_weekday + self.days_before(month)) % 7
    }

    /// Returns the days of a month whose ISO 8601 week is in `weeks` (bit n for week n).
    pub(crate) fn days_in_weeks(self, month: u32, weeks: u64) -> MonthMask {
        let before = self.days_before(month);
        (1..=self.month_length(month))
            .filter(|day| weeks >> self.iso_week(before + day) & 1 == 1)
            .fold(0, |mask, day| mask | 1 << day)
    }

    /// The ISO 8601 week of a day of the year (1 = 1 January).
    fn iso_week(self, day_of_year: u32) -> u32 {
        let weekday = (self.first_weekday + day_of_year + 5) % 7 + 1; // 1 = Monday
        let week = (day_of_year + 10 - weekday) / 7;
        match week {
            0 => 52 + u32::from(self.follows_long_year()),
            53 if !self.is_long() => 1,
            week => week,
        }
    }

    /// Whether the year has 53 ISO weeks: it begins on a Thursday, or is a leap year that begins on a Wednesday.
    fn is_long(self) -> bool {
        self.first_weekday == 4 || self.leap && self.first_weekday == 3
    }

    fn follows_long_year(self) -> bool {
        let length = 365 + u32::from(self.after_leap);
        let first_weekday = (self.first_weekday + 371 - length) % 7;
        first_weekday == 4 || self.after_leap && first_weekday == 3
    }

    fn days_before(self, month: u32) -> u32 {
        const BEFORE: [u32; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
        let index = usize::try_from(month.clamp(1, 12) - 1).unwrap_or(0);
        BEFORE[index] + u32::from(self.leap && month > 2)
    }
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, NaiveDate};

    use super::*;

    #[test]
    fn calendar_agrees_with_chrono_over_four_centuries() {
        for days in -146_097..146_097_i64 {
            let date = NaiveDate::from_epoch_days(i32::try_from(days).unwrap()).unwrap();
            let (year, month, day) = civil(days);
            assert_eq!((i64::from(date.year()), date.month(), date.day()), (year, month, day));
            assert_eq!(day_count(year, month, day), days);
            let kind = YearKind::from_year(year);
            assert_eq!(kind.iso_week(date.ordinal()), date.iso_week().week(), "{date}");
            assert_eq!(kind.month_weekday(month), date.with_day(1).unwrap().weekday().num_days_from_sunday());
        }
    }
}
