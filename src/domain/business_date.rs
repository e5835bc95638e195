//! Business dates: the date of a scheduled time, moved by days or working days.

use chrono::{Datelike, NaiveDate, TimeDelta, Weekday};

use super::calendar::CombinedCalendar;

/// The longest way in days, or in working days.
pub const MAX_OFFSET: i64 = 3660;
/// The most days that are looked at for working days.
const MAX_STEPS: u32 = 20_000;

/// The date `days` later and then `working_days` working days later; negative numbers go back. Without a calendar Monday to Friday
/// are working days. `None`: an offset is beyond [`MAX_OFFSET`], or there are too few working days.
#[must_use]
pub fn business_date(date: NaiveDate, days: i64, working_days: i64, calendar: Option<&CombinedCalendar>) -> Option<NaiveDate> {
    let within = |offset: i64| (-MAX_OFFSET..=MAX_OFFSET).contains(&offset);
    let is_working = |date: NaiveDate| match calendar {
        Some(calendar) => calendar.is_working(date),
        None => !matches!(date.weekday(), Weekday::Sat | Weekday::Sun),
    };
    let mut date = date.checked_add_signed(TimeDelta::try_days(days).filter(|_| within(days))?)?;
    let (step, mut left) = (working_days.signum(), working_days.abs());
    if !within(working_days) {
        return None;
    }
    for _ in 0..MAX_STEPS {
        if left == 0 {
            return Some(date);
        }
        date = date.checked_add_signed(TimeDelta::days(step))?;
        left -= i64::from(is_working(date));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn moved(days: i64, working_days: i64) -> Option<NaiveDate> {
        business_date(day("2026-11-29"), days, working_days, None) // a Sunday
    }

    #[test]
    fn offsets_are_days_and_working_days() {
        assert_eq!(moved(0, 0), Some(day("2026-11-29")));
        assert_eq!(moved(-1, 0), Some(day("2026-11-28")));
        assert_eq!(moved(0, -1), Some(day("2026-11-27")), "Friday");
        assert_eq!(moved(0, 1), Some(day("2026-11-30")));
        assert_eq!(moved(1, -1), Some(day("2026-11-27")), "one working day before Monday");
        assert_eq!(moved(0, -6), Some(day("2026-11-20")));
    }

    #[test]
    fn offsets_are_bounded() {
        assert_eq!((moved(MAX_OFFSET + 1, 0), moved(0, i64::MIN + 1), moved(i64::MAX, 0)), (None, None, None));
        assert!(moved(-MAX_OFFSET, MAX_OFFSET).is_some());
        assert_eq!(business_date(NaiveDate::MAX, 1, 0, None), None);
        assert_eq!(business_date(NaiveDate::MIN, 0, -1, None), None);
    }
}
