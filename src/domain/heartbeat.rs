//! Heartbeats: jobs that run elsewhere and tell that they did. Each ping that a heartbeat's rule expects is on record: it arrived,
//! came late, failed, or was missed once its grace was over.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::text_enum::text_enum;
use super::trigger::Trigger;

mod input;
mod record;

pub use input::HeartbeatInput;
pub use record::{Decided, Missed, Ping, PingKind, PingRow};

/// The most heartbeats of a server.
pub const MAX_HEARTBEATS: usize = 1_000;
/// The largest body of a ping that is kept, in bytes.
pub const MAX_BODY: usize = 100 * 1024;
/// The beginning of the subject of a heartbeat's incidents.
pub const SUBJECT: &str = "heartbeat:";
/// The type by which rules select heartbeats.
pub const RULE_TYPE: &str = "heartbeat";
/// How much too early a ping may come for a time of a cron rule, for clocks that differ.
const EARLY: TimeDelta = TimeDelta::seconds(60);

text_enum! {
    /// How a heartbeat is.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum HeartbeatStatus {
        /// It has never been pinged.
        New = "new",
        Up = "up",
        /// The last expected ping was missed, or the last ping told of a failure.
        Down = "down",
    }
}

text_enum! {
    /// What became of an expected ping.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum PingStatus {
        Arrived = "arrived",
        /// It came after its grace, before the next one was expected.
        Late = "late",
        /// It did not come within its grace.
        Missed = "missed",
        /// It came and told of a failure.
        Failed = "failed",
        /// It came although none was expected.
        Extra = "extra",
    }
}

/// When pings are expected.
#[derive(Debug, Clone, PartialEq)]
pub enum HeartbeatRule {
    /// At the times of a cron expression.
    Cron { expression: String, trigger: Box<Trigger> },
    /// This long after the one before.
    Period(TimeDelta),
}

impl HeartbeatRule {
    /// The rule of a cron expression in a time zone; `None` if the expression is not valid.
    pub fn cron(expression: &str, zone: Tz) -> Option<HeartbeatRule> {
        let trigger = Trigger::parse(&json!({"type": "cron", "expression": expression, "timezone": zone.name()}), zone).ok()?;
        Some(HeartbeatRule::Cron { expression: expression.to_owned(), trigger: Box::new(trigger) })
    }

    /// The expected time after `at`: the time of a ping, or an expected time that was missed. `None`: never again.
    #[must_use]
    pub fn next_after(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            HeartbeatRule::Cron { trigger, .. } => trigger.next_after(at, at),
            HeartbeatRule::Period(period) => at.checked_add_signed(*period),
        }
    }

    /// From when on a ping is the one that is expected at `expected`.
    fn accepts_from(&self, expected: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            HeartbeatRule::Period(_) => DateTime::<Utc>::MIN_UTC,
            HeartbeatRule::Cron { .. } => {
                let gap = self.next_after(expected).map_or(TimeDelta::MAX, |next| next - expected);
                expected - EARLY.min(gap / 2)
            }
        }
    }

    /// As JSON, the form in storage.
    pub fn to_json(&self) -> Value {
        match self {
            HeartbeatRule::Cron { expression, trigger } => json!({"cron": expression, "timezone": trigger.zone().name()}),
            HeartbeatRule::Period(period) => json!({"period_seconds": period.num_seconds()}),
        }
    }

    /// Reads the form in storage.
    pub fn from_json(value: &Value) -> Option<HeartbeatRule> {
        match (value["cron"].as_str(), value["timezone"].as_str(), value["period_seconds"].as_i64()) {
            (Some(expression), Some(zone), _) => HeartbeatRule::cron(expression, zone.parse().ok()?),
            (.., Some(seconds)) => TimeDelta::try_seconds(seconds).map(HeartbeatRule::Period),
            _ => None,
        }
    }
}

/// A heartbeat as stored, without its secret.
#[derive(Debug, Clone, PartialEq)]
pub struct Heartbeat {
    pub id: String,
    pub name: String,
    pub tags: Vec<String>,
    pub rule: HeartbeatRule,
    pub grace: TimeDelta,
    pub enabled: bool,
    /// Incremented by each change, from 1.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub state: HeartbeatState,
}

/// What pings, and their absence, change.
#[derive(Debug, Clone, PartialEq)]
pub struct HeartbeatState {
    pub status: HeartbeatStatus,
    /// When the status last changed.
    pub since: DateTime<Utc>,
    /// The next expected ping; `None`: none is expected any more, or the heartbeat is switched off.
    pub expected_at: Option<DateTime<Utc>>,
    /// When it counts as missed.
    pub deadline_at: Option<DateTime<Utc>>,
    /// The start of a run that has not ended, if it was told.
    pub started_at: Option<DateTime<Utc>>,
    pub last_ping_at: Option<DateTime<Utc>>,
}

impl Heartbeat {
    /// A new heartbeat, whose first ping is expected from now on.
    pub fn new(input: &HeartbeatInput, now: DateTime<Utc>) -> Heartbeat {
        let state = HeartbeatState {
            status: HeartbeatStatus::New,
            since: now,
            expected_at: None,
            deadline_at: None,
            started_at: None,
            last_ping_at: None,
        };
        let heartbeat = Heartbeat {
            id: input.id.clone(),
            name: input.name.clone(),
            tags: input.tags.clone(),
            rule: input.rule.clone(),
            grace: input.grace,
            enabled: input.enabled,
            version: 1,
            created_at: now,
            updated_at: now,
            state,
        };
        heartbeat.replanned(now)
    }

    /// With other content. A changed rule, or one that is switched on again, expects its next ping from now on.
    #[must_use]
    pub fn changed(&self, input: &HeartbeatInput, now: DateTime<Utc>) -> Heartbeat {
        let same_rule = self.rule == input.rule && self.enabled && input.enabled;
        let next = Heartbeat {
            name: input.name.clone(),
            tags: input.tags.clone(),
            rule: input.rule.clone(),
            grace: input.grace,
            enabled: input.enabled,
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        };
        match self.state.expected_at {
            Some(expected) if same_rule => next.expecting(Some(expected)),
            _ => next.replanned(now),
        }
    }

    /// The subject of its incidents.
    #[must_use]
    pub fn subject(&self) -> String {
        format!("{SUBJECT}{}", self.id)
    }

    fn replanned(self, now: DateTime<Utc>) -> Heartbeat {
        let next = if self.enabled { self.rule.next_after(now) } else { None };
        self.expecting(next)
    }

    fn expecting(mut self, expected: Option<DateTime<Utc>>) -> Heartbeat {
        self.expect(expected);
        self
    }

    fn expect(&mut self, expected: Option<DateTime<Utc>>) {
        self.state.expected_at = expected;
        self.state.deadline_at = expected.and_then(|at| at.checked_add_signed(self.grace));
    }

    /// Whether the expected time has passed, but not yet the grace.
    #[must_use]
    pub fn is_in_grace(&self, now: DateTime<Utc>) -> bool {
        self.state.expected_at.is_some_and(|at| at <= now) && self.state.deadline_at.is_some_and(|at| now <= at)
    }

    /// The status for display: its own, `late` within a grace, or `off`.
    #[must_use]
    pub fn shown_status(&self, now: DateTime<Utc>) -> &'static str {
        match self.state.status {
            _ if !self.enabled => "off",
            HeartbeatStatus::Down => HeartbeatStatus::Down.as_str(),
            _ if self.is_in_grace(now) => "late",
            other => other.as_str(),
        }
    }

    fn set_status(&mut self, status: HeartbeatStatus, at: DateTime<Utc>) {
        if self.state.status != status {
            (self.state.status, self.state.since) = (status, at);
        }
    }
}

#[cfg(test)]
mod tests;
