//! Models of heartbeats.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::named::Timestamp;
use super::timestamp;
use crate::api::answer::resource;
use crate::domain::heartbeat::{Heartbeat, HeartbeatRule, PingRow};

view! {
    /// A monitor of a job that runs elsewhere.
    #[oai(rename = "Heartbeat", read_only_all)]
    pub struct HeartbeatView new(heartbeat: Heartbeat, now: DateTime<Utc>, url: Option<String>) where
        status = heartbeat.shown_status(now);
        (cron, zone, period) = match &heartbeat.rule {
            HeartbeatRule::Cron { expression, trigger } => (Some(expression.clone()), Some(trigger.zone()), None),
            HeartbeatRule::Period(period) => (None, None, Some(period.num_seconds())),
        };
        at = |when| timestamp(when, zone.unwrap_or(Tz::UTC));
        state = heartbeat.state;
    {
        /// The identifier; it cannot be changed.
        id: String = heartbeat.id,
        /// The display name.
        name: String = heartbeat.name,
        tags: Vec<String> = heartbeat.tags,
        /// The cron expression at whose times a ping is expected; null for a rule by period.
        cron: Option<String> = cron,
        /// How long after the ping before the next one is expected; null for a rule by cron expression.
        period_seconds: Option<i64> = period,
        /// The time zone of the cron expression; null for a rule by period.
        timezone: Option<String> = zone.map(|zone| zone.name().to_owned()),
        /// How late a ping may come.
        grace_seconds: i64 = heartbeat.grace.num_seconds(),
        /// Whether pings are expected.
        enabled: bool = heartbeat.enabled,
        /// The version, counted from 1; also the `ETag`.
        version: i64 = heartbeat.version,
        created_at: Timestamp = at(heartbeat.created_at),
        updated_at: Timestamp = at(heartbeat.updated_at),
        /// `new`: never pinged; `up`; `late`: a ping is expected, and its grace is not over; `down`: missed or failed; `off`: not enabled.
        status: String = status.to_owned(),
        /// Since when it has been up or down.
        since: Timestamp = at(state.since),
        /// The next expected ping; null: none is expected.
        expected_at: Option<Timestamp> = state.expected_at.map(at),
        last_ping_at: Option<Timestamp> = state.last_ping_at.map(at),
        /// The address to ping, for those who may change the heartbeat; null for others, and in lists.
        url: Option<String> = url,
    }
}

resource!(HeartbeatView, "heartbeat", Some(|heartbeat| heartbeat.version));

view! {
    /// What became of an expected ping, or a ping that was not expected.
    #[oai(rename = "HeartbeatPing", read_only_all)]
    pub struct PingView from (row: PingRow) where
        at = |when| timestamp(when, Tz::UTC);
    {
        /// A ULID; for `before`.
        id: String = row.id,
        /// When it was expected; null: it was not.
        expected_at: Option<Timestamp> = row.expected_at.map(at),
        /// `arrived`, `late`, `missed`, `failed`, or `extra` for one that was not expected.
        status: String = row.status.as_str().to_owned(),
        /// When it came; null if it was missed.
        at: Option<Timestamp> = row.at.map(at),
        /// How long the run took, if its start was told, in milliseconds.
        duration_ms: Option<i64> = row.duration_ms,
        exit_code: Option<i64> = row.exit_code,
        /// The body, at most 100 KiB of it.
        body: String = row.body,
    }
}
