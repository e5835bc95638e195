//! Models of heartbeats.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use poem_openapi::Object;

use super::named::Timestamp;
use super::timestamp;
use crate::domain::heartbeat::{Heartbeat, HeartbeatRule, PingRow};

/// A monitor of a job that runs elsewhere.
#[derive(Default, Object)]
#[oai(rename = "Heartbeat", read_only_all)]
pub struct HeartbeatView {
    /// The identifier; it cannot be changed.
    id: String,
    /// The display name.
    name: String,
    tags: Vec<String>,
    /// The cron expression at whose times a ping is expected; null for a rule by period.
    cron: Option<String>,
    /// How long after the ping before the next one is expected; null for a rule by cron expression.
    period_seconds: Option<i64>,
    /// The time zone of the cron expression; null for a rule by period.
    timezone: Option<String>,
    /// How late a ping may come.
    grace_seconds: i64,
    /// Whether pings are expected.
    enabled: bool,
    /// The version, counted from 1; also the `ETag`.
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// `new`: never pinged; `up`; `late`: a ping is expected, and its grace is not over; `down`: missed or failed; `off`: not enabled.
    status: String,
    /// Since when it has been up or down.
    since: Timestamp,
    /// The next expected ping; null: none is expected.
    expected_at: Option<Timestamp>,
    last_ping_at: Option<Timestamp>,
    /// The address to ping, for those who may change the heartbeat; null for others, and in lists.
    url: Option<String>,
}

/// What became of an expected ping, or a ping that was not expected.
#[derive(Default, Object)]
#[oai(rename = "HeartbeatPing", read_only_all)]
pub struct PingView {
    /// A ULID; for `before`.
    id: String,
    /// When it was expected; null: it was not.
    expected_at: Option<Timestamp>,
    /// `arrived`, `late`, `missed`, `failed`, or `extra` for one that was not expected.
    status: String,
    /// When it came; null if it was missed.
    at: Option<Timestamp>,
    /// How long the run took, if its start was told, in milliseconds.
    duration_ms: Option<i64>,
    exit_code: Option<i64>,
    /// The body, at most 100 KiB of it.
    body: String,
}

impl HeartbeatView {
    /// `zone` is that of its times.
    pub fn new(heartbeat: Heartbeat, now: DateTime<Utc>, url: Option<String>) -> Self {
        let status = heartbeat.shown_status(now);
        let (cron, zone, period) = match &heartbeat.rule {
            HeartbeatRule::Cron { expression, trigger } => (Some(expression.clone()), Some(trigger.zone()), None),
            HeartbeatRule::Period(period) => (None, None, Some(period.num_seconds())),
        };
        let at = |when| timestamp(when, zone.unwrap_or(Tz::UTC));
        let state = heartbeat.state;
        Self {
            id: heartbeat.id,
            name: heartbeat.name,
            tags: heartbeat.tags,
            cron,
            period_seconds: period,
            timezone: zone.map(|zone| zone.name().to_owned()),
            grace_seconds: heartbeat.grace.num_seconds(),
            enabled: heartbeat.enabled,
            version: heartbeat.version,
            created_at: at(heartbeat.created_at),
            updated_at: at(heartbeat.updated_at),
            status: status.to_owned(),
            since: at(state.since),
            expected_at: state.expected_at.map(at),
            last_ping_at: state.last_ping_at.map(at),
            url,
        }
    }
}

impl From<PingRow> for PingView {
    fn from(row: PingRow) -> Self {
        let at = |when| timestamp(when, Tz::UTC);
        Self {
            id: row.id,
            expected_at: row.expected_at.map(at),
            status: row.status.as_str().to_owned(),
            at: row.at.map(at),
            duration_ms: row.duration_ms,
            exit_code: row.exit_code,
            body: row.body,
        }
    }
}
