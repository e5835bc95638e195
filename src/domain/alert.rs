//! Alert limits of a task's policy. Each sends one message, until the task is well again.

use std::time::Duration;

use serde_json::{Value, json};

use super::fault::Fault;
use super::input::{Fields, seconds_value};
use super::recent_outcomes::KEPT;

/// The limits; `None`: no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AlertLimits {
    /// How late a run may begin.
    pub late: Option<Duration>,
    /// How long a run may take.
    pub running_longer_than: Option<Duration>,
    /// How long the task may be without a success.
    pub no_success_for: Option<Duration>,
    /// How many runs may fail in a row, 1 to 40, before it is told.
    pub failures_in_a_row: Option<u32>,
}

/// The longest limit, in seconds.
const YEAR: f64 = 31_622_400.0;

impl AlertLimits {
    /// Whether there is no limit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// How late a run may begin, in milliseconds.
    #[must_use]
    pub fn late_ms(&self) -> Option<i64> {
        self.late.and_then(|late| i64::try_from(late.as_millis()).ok())
    }

    /// # Errors
    /// Every fault, with pointers below `/policy/alert`.
    pub fn parse(value: &Value) -> Result<AlertLimits, Vec<Fault>> {
        let mut f = Fields::new(value, "/policy/alert");
        let mut seconds = |name| f.optional_seconds(name, 1.0, YEAR, None);
        let (late, running_longer_than) = (seconds("late_seconds"), seconds("running_longer_than_seconds"));
        let no_success_for = seconds("no_success_for_seconds");
        let failures_in_a_row = f.optional_integer("failures_in_a_row", 1, KEPT as i64).map(|count| count as u32);
        f.finish(AlertLimits { late, running_longer_than, no_success_for, failures_in_a_row })
    }

    /// An object with every field, or null without a limit.
    #[must_use]
    pub fn to_json(&self) -> Value {
        if self.is_empty() {
            return Value::Null;
        }
        json!({
            "late_seconds": self.late.map(seconds_value),
            "running_longer_than_seconds": self.running_longer_than.map(seconds_value),
            "no_success_for_seconds": self.no_success_for.map(seconds_value),
            "failures_in_a_row": self.failures_in_a_row,
        })
    }
}
