//! Cron fields: their ranges, names and values.

use super::days::DaySet;
use super::years::Years;

pub(crate) const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
/// Sunday is 0, as in crontab.
pub(crate) const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// The definition of a field: its name, its range and the names of its values.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub name: &'static str,
    pub min: u32,
    pub max: u32,
    /// The names of the values from `min` on.
    pub names: &'static [&'static str],
}

pub(crate) static YEAR: Field = Field { name: "year", min: 1970, max: 9999, names: &[] };
pub(crate) static MONTH: Field = Field { name: "month", min: 1, max: 12, names: &MONTHS };
pub(crate) static DAY: Field = Field { name: "day", min: 1, max: 31, names: &[] };
pub(crate) static WEEK: Field = Field { name: "week", min: 1, max: 53, names: &[] };
pub(crate) static DAY_OF_WEEK: Field = Field { name: "day_of_week", min: 0, max: 6, names: &WEEKDAYS };
pub(crate) static HOUR: Field = Field { name: "hour", min: 0, max: 23, names: &[] };
pub(crate) static MINUTE: Field = Field { name: "minute", min: 0, max: 59, names: &[] };
pub(crate) static SECOND: Field = Field { name: "second", min: 0, max: 59, names: &[] };

/// How a rule is written: by JSON fields or as an expression. The two differ in the syntax of the day fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Fields,
    Expression,
}

impl Field {
    /// Returns every value as a bit set. Not for years.
    pub(crate) fn all(&self) -> u64 {
        (self.min..=self.max).fold(0, |bits, value| bits | 1 << value)
    }

    /// Returns the largest number allowed; in an expression 7 also means Sunday.
    pub(crate) fn last_number(&self, form: Form) -> u32 {
        if self.name == DAY_OF_WEEK.name && form == Form::Expression { 7 } else { self.max }
    }
}

/// The values of one field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Values {
    /// Bit n for the value n; empty for years.
    pub bits: u64,
    pub years: Years,
    /// The days of a day field that are not given by number.
    pub days: DaySet,
    /// Whether the text starts with `*`.
    pub starred: bool,
    /// Whether any element contains `*` or `/`.
    pub stepped: bool,
    /// The first element whose step is larger than its range, with its only value.
    pub wide_step: Option<(String, u32)>,
}

impl Values {
    /// Returns the values of `*`: all of them.
    pub(crate) fn every(field: &'static Field) -> Self {
        let stars = Self { starred: true, stepped: true, ..Self::default() };
        if field.name == YEAR.name { Self { years: Years::full(), ..stars } } else { Self { bits: field.all(), ..stars } }
    }

    pub(crate) fn only(value: u32) -> Self {
        Self { bits: 1 << value, ..Self::default() }
    }

    /// Adds first, first + step … up to last. Weekdays count modulo 7.
    pub(crate) fn add(&mut self, field: &Field, first: u32, last: u32, step: u32) {
        let step = usize::try_from(step).unwrap_or(usize::MAX).max(1);
        for value in (first..=last).step_by(step) {
            match field.name {
                "year" => self.years.insert(value),
                "day_of_week" => self.bits |= 1 << (value % 7),
                _ => self.bits |= 1 << value,
            }
        }
    }

    pub(crate) fn is_full(&self, field: &Field) -> bool {
        if field.name == YEAR.name { self.years.is_full() } else { self.bits == field.all() }
    }

    /// Returns the values of a `day` or `day_of_week` field as a set of days.
    pub(crate) fn day_set(&self, field: &Field) -> DaySet {
        let mut days = self.days;
        let bits = u32::try_from(self.bits).unwrap_or(u32::MAX);
        if field.name == DAY.name {
            days.days = bits;
        } else {
            days.weekdays |= u8::try_from(bits).unwrap_or(0x7f);
        }
        days.canonical()
    }
}
