//! Tests of triggers through their public interface: worked cases, clock changes, refusals, descriptions and the documentation.

mod clock_changes;
mod conditions;
mod cronsim;
mod descriptions;
mod documentation;
mod foreign_forms;
mod golden;
mod refusals;
mod schedules;

#[path = "../support/venv.rs"]
mod venv;

use belfry::domain::trigger::Trigger;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

/// Parses a trigger that must be valid; the server's zone is UTC.
pub fn trigger(value: &Value) -> Trigger {
    Trigger::parse(value, Tz::UTC).unwrap_or_else(|faults| panic!("{value}: {faults:?}"))
}

/// Parses a cron expression that must be valid.
pub fn cron(expression: &str, zone: &str) -> Trigger {
    trigger(&json!({"type": "cron", "expression": expression, "timezone": zone}))
}

/// Parses an RFC 3339 time.
pub fn instant(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap_or_else(|error| panic!("{text}: {error}")).to_utc()
}
