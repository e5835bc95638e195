//! Sets of days within a month: by number, by weekday, by the n-th weekday, or the last.

use super::calendar::{MonthMask, YearKind};

/// A set of days; a day is in the set if any field includes it. Weekdays are bits, Sunday is bit 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DaySet {
    /// Bit n for day n, 1 to 31.
    pub days: u32,
    /// The month's last day.
    pub last: bool,
    /// Every one of these weekdays.
    pub weekdays: u8,
    /// The first to fifth occurrence of weekdays in the month.
    pub nth: [u8; 5],
    /// The last occurrence of weekdays in the month.
    pub last_weekdays: u8,
    /// Bit n for the day from Monday to Friday that is nearest to day n, within the month; bit 0 for the last such day.
    pub nearest: u32,
    /// Bit n for the n-th day before the last one.
    pub before_last: u32,
}

const ALL_DAYS: u32 = 0xffff_fffe;
const ALL_WEEKDAYS: u8 = 0x7f;
/// A week's bits repeated over a month.
const WEEKS: u64 = 1 | 1 << 7 | 1 << 14 | 1 << 21 | 1 << 28;

impl DaySet {
    pub(crate) const EVERY: Self =
        Self { days: 0, last: false, weekdays: ALL_WEEKDAYS, nth: [0; 5], last_weekdays: 0, nearest: 0, before_last: 0 };

    pub(crate) fn is_every(&self) -> bool {
        *self == Self::EVERY
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds the n-th (counted from 0) or, with `None`, the last occurrence of a weekday.
    pub(crate) fn add_nth(&mut self, weekday: usize, nth: Option<usize>) {
        let set = nth.map_or(Some(&mut self.last_weekdays), |nth| self.nth.get_mut(nth));
        if let Some(weekdays) = set {
            *weekdays |= 1 << weekday;
        }
    }

    /// Returns the same days in canonical form: a set of all days becomes `EVERY`, and the n-th of a weekday that is in the set
    /// anyway is removed.
    pub(crate) fn canonical(mut self) -> Self {
        if self.days == ALL_DAYS || self.weekdays == ALL_WEEKDAYS {
            return Self::EVERY;
        }
        for weekdays in &mut self.nth {
            *weekdays &= !self.weekdays;
        }
        self.last_weekdays &= !self.weekdays;
        self
    }

    pub(crate) fn union(&self, other: &Self) -> Self {
        let mut both = *self;
        both.days |= other.days;
        both.last |= other.last;
        both.weekdays |= other.weekdays;
        for (mine, theirs) in both.nth.iter_mut().zip(other.nth) {
            *mine |= theirs;
        }
        both.last_weekdays |= other.last_weekdays;
        both.nearest |= other.nearest;
        both.before_last |= other.before_last;
        both.canonical()
    }

    /// Returns the part that a day-of-month field can express.
    pub(crate) fn by_number(&self) -> Self {
        Self { weekdays: 0, nth: [0; 5], last_weekdays: 0, ..*self }
    }

    /// Returns the part that the `day_of_week` field of an expression can express.
    pub(crate) fn by_weekday(&self) -> Self {
        Self { days: 0, last: false, nearest: 0, before_last: 0, ..*self }
    }

    /// Returns the days of a month that are in the set.
    pub(crate) fn in_month(&self, year: YearKind, month: u32) -> MonthMask {
        let length = year.month_length(month);
        let first = year.month_weekday(month);
        let within = (1_u64 << (length + 1)) - 2;
        let mut days = u64::from(self.days);
        days |= u64::from(self.last) << length;
        days |= weekday_pattern(self.weekdays, first) << 1;
        for (week, weekdays) in (0..).zip(self.nth) {
            days |= (weekday_pattern(weekdays, first) & 0x7f << (7 * week)) << 1;
        }
        let last_week = 0x7f << (length - 7);
        days |= (weekday_pattern(self.last_weekdays, first) & last_week) << 1;
        for day in (0..=length).filter(|day| self.nearest >> day & 1 == 1) {
            days |= 1 << if day == 0 { last_workday(length, first) } else { nearest_workday(day, length, first) };
        }
        for back in (1..length).filter(|back| self.before_last >> back & 1 == 1) {
            days |= 1 << (length - back);
        }
        u32::try_from(days & within).unwrap_or(0)
    }
}

/// The last day from Monday to Friday of a month that begins on the weekday `first`.
fn last_workday(length: u32, first: u32) -> u32 {
    match (first + length - 1) % 7 {
        0 => length - 2,
        6 => length - 1,
        _ => length,
    }
}

/// The day from Monday to Friday that is nearest to `day`, in the same month.
fn nearest_workday(day: u32, length: u32, first: u32) -> u32 {
    match (first + day - 1) % 7 {
        6 if day == 1 => 3,
        6 => day - 1,
        0 if day == length => day - 2,
        0 => day + 1,
        _ => day,
    }
}

/// Returns bit i for the i-th day (from 0) of a month that begins on the weekday `first`, if its weekday is in `weekdays`.
fn weekday_pattern(weekdays: u8, first: u32) -> u64 {
    let turned = (u64::from(weekdays) | u64::from(weekdays) << 7) >> first & 0x7f;
    turned * WEEKS
}
