//! Heartbeats and their pings.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::column::{FromRow, StoredRow, json_text, stored};
use super::statement::{execute, fetch};
use super::{Result, Session, Tx, millis};
use crate::domain::heartbeat::{Heartbeat, HeartbeatState, PingRow};
use crate::ids::new_id;

const COLUMNS: &str = "id, name, tags, rule, grace_ms, enabled, version, created_at, updated_at, status, since, expected_at, \
    deadline_at, started_at, last_ping_at";

impl FromRow for Heartbeat {
    fn from_row<R: StoredRow>(row: &R) -> sqlx::Result<Self> {
        Ok(Heartbeat {
            id: row.value("id")?,
            name: row.value("name")?,
            tags: row.value("tags")?,
            rule: row.value("rule")?,
            grace: TimeDelta::milliseconds(row.value("grace_ms")?),
            enabled: row.value("enabled")?,
            version: row.value("version")?,
            created_at: row.value("created_at")?,
            updated_at: row.value("updated_at")?,
            state: HeartbeatState {
                status: row.value("status")?,
                since: row.value("since")?,
                expected_at: row.value("expected_at")?,
                deadline_at: row.value("deadline_at")?,
                started_at: row.value("started_at")?,
                last_ping_at: row.value("last_ping_at")?,
            },
        })
    }
}

stored! {
    PING_COLUMNS: PingRow { id, expected_at, status, at, duration_ms, exit_code, body }
}

/// The secret of a heartbeat: its hash, and the encrypted secret.
pub struct StoredSecret<'s> {
    pub hash: &'s str,
    pub sealed: &'s str,
}

/// Inserts a heartbeat.
///
/// # Errors
/// [`super::Error`] if the id exists.
pub async fn insert(s: &mut dyn Session, heartbeat: &Heartbeat, secret: &StoredSecret<'_>) -> Result<()> {
    let text = "insert into heartbeats (id, name, tags, rule, grace_ms, enabled, version, created_at, updated_at, status, since,
        expected_at, deadline_at, secret_hash, sealed_secret)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10, $11, $12, $13, $14)";
    let Heartbeat { id, name, enabled, version, state, .. } = heartbeat;
    let (tags, rule) = (json_text(&heartbeat.tags), heartbeat.rule.to_json().to_string());
    let (grace, created) = (heartbeat.grace.num_milliseconds(), millis(heartbeat.created_at));
    let (status, since) = (state.status.as_str(), millis(state.since));
    let (expected, deadline) = (state.expected_at.map(millis), state.deadline_at.map(millis));
    execute!(
        s,
        "save a heartbeat",
        text,
        id,
        name,
        tags,
        rule,
        grace,
        *enabled,
        *version,
        created,
        status,
        since,
        expected,
        deadline,
        secret.hash,
        secret.sealed
    )
    .map(drop)
}

/// Updates what clients may set of a locked heartbeat, and when its next ping is expected.
pub async fn update(tx: &mut Tx, heartbeat: &Heartbeat) -> Result<()> {
    let text = "update heartbeats set name = $2, tags = $3, rule = $4, grace_ms = $5, enabled = $6, version = $7, updated_at = $8
        where id = $1";
    let (tags, rule) = (json_text(&heartbeat.tags), heartbeat.rule.to_json().to_string());
    let (grace, updated) = (heartbeat.grace.num_milliseconds(), millis(heartbeat.updated_at));
    let Heartbeat { id, name, enabled, version, .. } = heartbeat;
    execute!(tx, "save a heartbeat", text, id, name, tags, rule, grace, *enabled, *version, updated)?;
    set_state(tx, heartbeat).await
}

/// Updates the state of a locked heartbeat.
pub async fn set_state(tx: &mut Tx, heartbeat: &Heartbeat) -> Result<()> {
    let state = &heartbeat.state;
    let (status, since) = (state.status.as_str(), millis(state.since));
    let (expected, deadline) = (state.expected_at.map(millis), state.deadline_at.map(millis));
    let (started, last) = (state.started_at.map(millis), state.last_ping_at.map(millis));
    execute!(tx, "save a heartbeat", SET_STATE, &heartbeat.id, status, since, expected, deadline, started, last).map(drop)
}

pub(super) const SET_STATE: &str = "update heartbeats set status = $2, since = $3, expected_at = $4, deadline_at = $5,
    started_at = $6, last_ping_at = $7 where id = $1";

/// Returns all heartbeats, ordered by id.
pub async fn list(s: &mut dyn Session) -> Result<Vec<Heartbeat>> {
    let text = format!("select {COLUMNS} from heartbeats order by id");
    fetch!(all, s, "list heartbeats", &text)
}

/// Returns a heartbeat.
pub async fn get(s: &mut dyn Session, id: &str) -> Result<Option<Heartbeat>> {
    let text = format!("select {COLUMNS} from heartbeats where id = $1");
    fetch!(optional, s, "read a heartbeat", &text, id)
}

/// Returns a heartbeat and locks it until the transaction ends.
pub async fn lock(tx: &mut Tx, id: &str) -> Result<Option<Heartbeat>> {
    let text = format!("select {COLUMNS} from heartbeats where id = $1 {{for_update}}");
    fetch!(optional, tx, "read a heartbeat", &text, id)
}

/// Returns the id of the heartbeat with this secret.
pub async fn by_secret(s: &mut dyn Session, secret_hash: &str) -> Result<Option<String>> {
    fetch!(scalar, s, "read a heartbeat", BY_SECRET, secret_hash)
}

pub(super) const BY_SECRET: &str = "select id from heartbeats where secret_hash = $1";

/// Returns the encrypted secret of a heartbeat.
pub async fn sealed_secret(s: &mut dyn Session, id: &str) -> Result<Option<String>> {
    fetch!(scalar, s, "read a heartbeat", "select sealed_secret from heartbeats where id = $1", id)
}

/// Replaces the secret of a locked heartbeat.
pub async fn set_secret(tx: &mut Tx, id: &str, secret: &StoredSecret<'_>) -> Result<()> {
    let text = "update heartbeats set secret_hash = $2, sealed_secret = $3 where id = $1";
    execute!(tx, "change a heartbeat", text, id, secret.hash, secret.sealed).map(drop)
}

/// Deletes a heartbeat with its record.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<()> {
    execute!(tx, "delete a heartbeat", "delete from heartbeats where id = $1", id).map(drop)
}

/// Returns the ids of at most `limit` heartbeats whose deadline is before `now`, the longest overdue first.
pub async fn overdue(s: &mut dyn Session, now: DateTime<Utc>, limit: i64) -> Result<Vec<String>> {
    fetch!(scalars, s, "read overdue heartbeats", OVERDUE, millis(now), limit)
}

pub(super) const OVERDUE: &str =
    "select id from heartbeats where deadline_at is not null and deadline_at < $1 order by deadline_at limit $2";

/// Records what became of pings of a locked heartbeat. An expected ping that is on record stays as it is, except that one that
/// was missed may have come late.
pub async fn record(tx: &mut Tx, heartbeat_id: &str, rows: &[PingRow], now: DateTime<Utc>) -> Result<()> {
    let list: Vec<Value> = rows
        .iter()
        .map(|row| {
            serde_json::json!([
                new_id(now),
                row.expected_at.map(millis),
                row.status.as_str(),
                row.at.map(millis),
                row.duration_ms,
                row.exit_code,
                row.body
            ])
        })
        .collect();
    execute!(tx, "record pings", RECORD, super::rows(&list)?, heartbeat_id).map(drop)
}

pub(super) const RECORD: &str =
    "insert into heartbeat_pings (heartbeat_id, id, expected_at, status, at, duration_ms, exit_code, body)
    select $2, j.value->>0, cast(j.value->>1 as bigint), j.value->>2, cast(j.value->>3 as bigint), cast(j.value->>4 as bigint),
        cast(j.value->>5 as bigint), j.value->>6 from {rows} where true
    on conflict (heartbeat_id, expected_at) where expected_at is not null do update set status = excluded.status,
        at = excluded.at, duration_ms = excluded.duration_ms, exit_code = excluded.exit_code, body = excluded.body
        where heartbeat_pings.status = 'missed' and excluded.status <> 'missed'";

/// Returns the time of the newest expected ping on record, if it was missed.
pub async fn newest_missed(s: &mut dyn Session, heartbeat_id: &str) -> Result<Option<DateTime<Utc>>> {
    let newest: Option<(i64, String)> = fetch!(optional, s, "read pings", NEWEST_EXPECTED, heartbeat_id)?;
    newest.filter(|(_, status)| status == "missed").map(|(at, _)| super::time_from_millis(at)).transpose()
}

pub(super) const NEWEST_EXPECTED: &str = "select expected_at, status from heartbeat_pings
    where heartbeat_id = $1 and expected_at is not null order by expected_at desc limit 1";

/// Returns at most `limit` rows of a heartbeat's record with ids below `before`, newest first.
pub async fn pings(s: &mut dyn Session, heartbeat_id: &str, before: Option<&str>, limit: i64) -> Result<Vec<PingRow>> {
    // An id is a ULID; '~' sorts after each.
    let text = pings_sql();
    fetch!(all, s, "list pings", &text, heartbeat_id, before.unwrap_or("~"), limit)
}

pub(super) fn pings_sql() -> String {
    format!("select {PING_COLUMNS} from heartbeat_pings where heartbeat_id = $1 and id < $2 order by id desc limit $3")
}

/// Deletes at most `limit` rows beyond the newest `keep` of each heartbeat. Returns how many.
pub async fn prune(s: &mut dyn Session, keep: i64, limit: i64) -> Result<u64> {
    let text = "delete from heartbeat_pings where (heartbeat_id, id) in (
        select p.heartbeat_id, p.id from heartbeats h join heartbeat_pings p on p.heartbeat_id = h.id
        where p.id < (select o.id from heartbeat_pings o where o.heartbeat_id = h.id order by o.id desc limit 1 offset $1) limit $2)";
    execute!(s, "delete old pings", text, keep, limit)
}
