//! Origins: the rule and the calendars behind an occurrence, as the log keeps them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Planned, Schedule};

/// The origin of an occurrence. Members without a value are left out of its JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The name of the rule.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rule: Option<String>,
    /// `moved`, `held` or `closed`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
    /// The time by the rule, if the calendars changed it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub original: Option<DateTime<Utc>>,
    /// Whether a day that decided lay in a year that its calendar did not know.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub provisional: bool,
    /// The versions of the calendars that decided, `cn@2026 release@3`.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub calendars: String,
}

impl Origin {
    /// The origin of an occurrence of a schedule.
    pub fn new(schedule: &Schedule, one: &Planned<'_>) -> Origin {
        Origin {
            rule: one.rule.name.clone(),
            note: one.note.as_str().map(str::to_owned),
            original: Some(one.original).filter(|original| *original != one.scheduled_at),
            provisional: one.provisional,
            calendars: schedule.calendar_versions(),
        }
    }

    /// Whether there is nothing to keep.
    pub fn is_plain(&self) -> bool {
        *self == Origin::default()
    }
}
