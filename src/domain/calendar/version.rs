//! The versions of a calendar.

use chrono::{DateTime, Utc};

use super::definition::Calendar;

/// A definition after a change, and its author.
#[derive(Debug, Clone, PartialEq)]
pub struct CalendarVersion {
    pub name: String,
    pub version: i64,
    pub at: DateTime<Utc>,
    pub author: String,
    /// `None`: the calendar was deleted.
    pub content: Option<Calendar>,
}
