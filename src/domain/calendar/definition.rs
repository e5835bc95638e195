//! Calendars as they are written, stored and exported.

use std::ops::RangeInclusive;

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::names::{EVERY_DAY, WEEKDAYS};
use crate::domain::task_id::check_id;
use crate::i18n::Message;

/// The most calendars of a server, without the built-in ones.
pub const MAX_CALENDARS: usize = 100;
/// The most dates of a calendar, each day of a range counted.
pub const MAX_DATES: usize = 10_000;
/// The years that a calendar may name.
pub const YEARS: RangeInclusive<i32> = 1970..=9999;
/// The most yearly dates, and the most closures.
pub(super) const MAX_RULES: usize = 366;

/// The definition of a calendar.
#[derive(Debug, Clone, PartialEq)]
pub struct Calendar {
    pub name: String,
    pub title: String,
    /// `#rrggbb`; empty: none.
    pub color: String,
    /// The time zone of its days; `None`: that of the task.
    pub zone: Option<Tz>,
    /// The calendar that it is built on: a built-in one, or another. That of `cn` itself is the built-in `cn`.
    pub base: String,
    /// The working days of the week, Monday first; `None`: those of the base.
    pub weekdays: Option<[bool; 7]>,
    /// The years that `dates` state in full: dates of the base do not count in them.
    pub years: Vec<i32>,
    pub dates: Vec<DateRule>,
    pub yearly: Vec<YearlyRule>,
    pub closures: Vec<ClosureRule>,
}

/// A date or a range of dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateRule {
    pub date: NaiveDate,
    /// The last day of a range; that of a single date is `date`.
    pub until: NaiveDate,
    pub working: bool,
    /// May be empty.
    pub name: String,
}

/// A date of each year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YearlyRule {
    pub month: u32,
    pub day: u32,
    pub working: bool,
    /// May be empty.
    pub name: String,
}

/// A closure with times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosureRule {
    /// As `Window::parse` reads it.
    pub window: String,
    /// May be empty.
    pub name: String,
}

impl DateRule {
    /// How many days it covers.
    pub fn days(&self) -> usize {
        usize::try_from((self.until - self.date).num_days() + 1).unwrap_or_default()
    }
}

/// Weekdays by their names, Monday first.
pub(super) const WEEKDAY_NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Calendar {
    /// A calendar without dates.
    pub fn new(name: impl Into<String>, base: impl Into<String>) -> Calendar {
        Calendar {
            name: name.into(),
            title: String::new(),
            color: String::new(),
            zone: None,
            base: base.into(),
            weekdays: None,
            years: Vec::new(),
            dates: Vec::new(),
            yearly: Vec::new(),
            closures: Vec::new(),
        }
    }

    /// The form that [`Calendar::parse`] reads, every field written.
    pub fn to_json(&self) -> Value {
        let weekdays = self.weekdays.map(|days| {
            let working = WEEKDAY_NAMES.iter().zip(days).filter(|(_, working)| *working);
            working.map(|(name, _)| *name).collect::<Vec<_>>()
        });
        json!({
            "name": self.name,
            "title": self.title,
            "color": self.color,
            "timezone": self.zone.map(Tz::name),
            "base": self.base,
            "weekdays": weekdays,
            "years": self.years,
            "dates": self.dates.iter().map(DateRule::to_json).collect::<Vec<_>>(),
            "yearly": self.yearly.iter().map(YearlyRule::to_json).collect::<Vec<_>>(),
            "closures": self.closures.iter().map(ClosureRule::to_json).collect::<Vec<_>>(),
        })
    }

    /// As [`Calendar::to_json`], without what has its default.
    pub fn to_compact_json(&self) -> Value {
        let mut value = self.to_json();
        if let Some(fields) = value.as_object_mut() {
            fields.retain(|_, value| !value.is_null() && value != "" && value.as_array().is_none_or(|list| !list.is_empty()));
        }
        value
    }

    /// The days that its dates cover, each day of a range counted.
    pub fn date_count(&self) -> usize {
        self.dates.iter().map(DateRule::days).fold(0, usize::saturating_add)
    }
}

impl DateRule {
    fn to_json(&self) -> Value {
        let until = (self.until != self.date).then(|| ("until", self.until.to_string().into()));
        object([("date", self.date.to_string().into())].into_iter().chain(until), self.working, &self.name)
    }
}

impl YearlyRule {
    fn to_json(&self) -> Value {
        let date = format!("{:02}-{:02}", self.month, self.day);
        object(std::iter::once(("date", date.into())), self.working, &self.name)
    }
}

impl ClosureRule {
    fn to_json(&self) -> Value {
        json!({"window": self.window, "name": self.name})
    }
}

fn object(first: impl Iterator<Item = (&'static str, Value)>, working: bool, name: &str) -> Value {
    let rest = [("working", working.into()), ("name", name.into())];
    Value::Object(first.chain(rest).map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>())
}

/// Validates the name of a calendar: as that of a task's id.
///
/// # Errors
/// A message that names the violated rule.
pub fn check_name(name: &str) -> Result<(), Message> {
    check_id(name)
}

/// Whether a calendar of this name is a built-in rule of weekdays, which cannot be changed.
pub fn is_reserved(name: &str) -> bool {
    name == WEEKDAYS || name == EVERY_DAY
}
