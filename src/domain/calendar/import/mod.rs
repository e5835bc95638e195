//! Imported days of a calendar: whole years as JSON, events as iCalendar, or days as CSV.

mod csv;
mod ics;
mod json;

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, Weekday};

use super::definition::{Calendar, DateRule, MAX_DATES};
use crate::domain::fault::Fault;
use crate::i18n::{Message, message};

/// The maximum size of a file, in bytes.
pub const MAX_FILE: usize = 4 * 1024 * 1024;
/// The maximum length of the name of a day, in characters.
const MAX_NAME: usize = 100;

/// The form of an imported file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportFormat {
    Json,
    Ics,
    Csv,
}

/// The days of a file, by date.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportedDays {
    days: BTreeMap<NaiveDate, (bool, String)>,
    /// The years that the file states in full; only JSON says so.
    pub years: Vec<i32>,
}

impl ImportedDays {
    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong, with the line or the field where it is.
    pub fn read(text: &str, format: ImportFormat) -> Result<ImportedDays, Fault> {
        if text.len() > MAX_FILE {
            return Err(Fault::new("", message!("value.too_many_bytes", max = MAX_FILE)));
        }
        let text = text.trim_start_matches('\u{feff}');
        let days = match format {
            ImportFormat::Json => json::read(text)?,
            ImportFormat::Ics => ics::read(text)?,
            ImportFormat::Csv => csv::read(text)?,
        };
        if days.days.is_empty() && days.years.is_empty() {
            return Err(Fault::new("", message!("calendar.import_empty")));
        }
        Ok(days)
    }

    /// The format of a file by its first character.
    pub fn guess_format(text: &str) -> ImportFormat {
        let text = text.trim_start_matches('\u{feff}').trim_start();
        match text.as_bytes().first() {
            Some(b'{') => ImportFormat::Json,
            _ if text.get(..15).is_some_and(|start| start.eq_ignore_ascii_case("BEGIN:VCALENDAR")) => ImportFormat::Ics,
            _ => ImportFormat::Csv,
        }
    }

    /// Adds a day; the later of two of the same date counts.
    ///
    /// # Errors
    /// There are more than [`MAX_DATES`].
    fn add(&mut self, date: NaiveDate, working: bool, name: &str) -> Result<(), Message> {
        let name = name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
        self.days.insert(date, (working, name));
        if self.days.len() > MAX_DATES {
            return Err(message!("calendar.too_many_dates", count = self.days.len(), max = MAX_DATES));
        }
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.days.len()
    }

    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// Puts the days into a calendar. Its dates in the years that the file states in full go; of other dates those that the file
    /// names are replaced.
    ///
    /// # Errors
    /// The calendar would have more than [`MAX_DATES`].
    pub fn apply(&self, calendar: &mut Calendar) -> Result<(), Message> {
        let mut all: BTreeMap<NaiveDate, (bool, String)> = BTreeMap::new();
        let (ranges, singles): (Vec<_>, Vec<_>) = calendar.dates.iter().partition(|rule| rule.date != rule.until);
        for rule in ranges.into_iter().chain(singles) {
            let days = rule.date.iter_days().take(rule.days());
            all.extend(days.map(|date| (date, (rule.working, rule.name.clone()))));
        }
        all.retain(|date, _| !self.years.contains(&date.year()));
        all.extend(self.days.iter().map(|(date, day)| (*date, day.clone())));
        if all.len() > MAX_DATES {
            return Err(message!("calendar.too_many_dates", count = all.len(), max = MAX_DATES));
        }
        calendar.dates = joined(all);
        calendar.years.extend(&self.years);
        calendar.years.sort_unstable();
        calendar.years.dedup();
        Ok(())
    }
}

/// Days as rules: days that follow each other and are alike become a range.
fn joined(days: BTreeMap<NaiveDate, (bool, String)>) -> Vec<DateRule> {
    let mut rules: Vec<DateRule> = Vec::new();
    for (date, (working, name)) in days {
        match rules.last_mut() {
            Some(last) if last.until.succ_opt() == Some(date) && last.working == working && last.name == name => {
                last.until = date
            }
            _ => rules.push(DateRule { date, until: date, working, name }),
        }
    }
    rules
}

/// Whether a day is a Saturday or a Sunday.
fn is_weekend(date: NaiveDate) -> bool {
    matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

/// Whether the name of an event says that work is made up: 班, 补班, or a word such as `work` or `makeup`.
fn says_work(text: &str) -> bool {
    let lower = text.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphabetic() && c != '-');
    lower.contains('班') || words.any(|word| matches!(word, "work" | "workday" | "working" | "make-up" | "makeup"))
}
