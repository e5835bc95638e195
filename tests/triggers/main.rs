//! The trigger domain from outside: worked cases, clock changes, refusals, texts and descriptions.

mod clock_changes;
mod golden;
mod refusals;
mod words;

use belfry::domain::trigger::Trigger;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

/// A trigger that must be accepted; UTC is the server's zone.
pub fn trigger(value: &Value) -> Trigger {
    Trigger::parse(value, Tz::UTC).unwrap_or_else(|faults| panic!("{value}: {faults:?}"))
}

pub fn cron(expression: &str, zone: &str) -> Trigger {
    trigger(&json!({"type": "cron", "expression": expression, "timezone": zone}))
}

pub fn instant(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap_or_else(|error| panic!("{text}: {error}")).to_utc()
}
