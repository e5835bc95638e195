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
}

const ALL_DAYS: u32 = 0xffff_fffe;
const ALL_WEEKDAYS: u8 = 0x7f;
/// A week's bits repeated over a month.
const WEEKS: u64 = 1 | 1 << 7 | 1 << 14 | 1 << 21 | 1 << 28;

impl DaySet {
    pub(crate) const EVERY: Self = Self { days: 0, last: false, weekdays: ALL_WEEKDAYS, nth: [0; 5], last_weekdays: 0 };

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
        both.canonical()
    }

    /// Returns the part that a day-of-month field can express.
    pub(crate) fn by_number(&self) -> Self {
        Self { days: self.days, last: self.last, ..Self::default() }
    }

    /// Returns the part that the `day_of_week` field of an expression can express.
    pub(crate) fn by_weekday(&self) -> Self {
        Self { days: 0, last: false, ..*self }
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
        u32::try_from(days & within).unwrap_or(0)
    }
}

/// Returns bit i for the i-th day (from 0) of a month that begins on the weekday `first`, if its weekday is in `weekdays`.
fn weekday_pattern(weekdays: u8, first: u32) -> u64 {
    let turned = (u64::from(weekdays) | u64::from(weekdays) << 7) >> first & 0x7f;
    turned * WEEKS
}
