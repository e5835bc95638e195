//! The rate limits of providers: the last requests of each account or robot, and which node is sending.

use chrono::{DateTime, Utc};

use super::column::stored;
use super::statement::{execute, fetch};
use super::{Result, Session, Tx, millis, rows};

/// The state of one rate limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quota {
    /// The times of the last requests in milliseconds, ascending.
    pub sends: Vec<i64>,
    /// No request before this time.
    pub paused_until: DateTime<Utc>,
}

stored! {
    Quota { sends, paused_until }
}

/// Takes the right to send for a node until `until`, and returns the state. `None` while another request of the same account is
/// under way.
pub async fn take(tx: &mut Tx, key: &str, node_id: &str, now: DateTime<Utc>, until: DateTime<Utc>) -> Result<Option<Quota>> {
    fetch!(optional, tx, "take a rate limit", TAKE, key, node_id, millis(until), millis(now))
}

pub(super) const TAKE: &str = "
    insert into notify_quotas (key, sends, paused_until, lease_node, lease_until) values ($1, '[]', 0, $2, $3)
    on conflict (key) do update set lease_node = excluded.lease_node, lease_until = excluded.lease_until
        where notify_quotas.lease_until <= $4
    returning sends, paused_until";

/// Saves the state while the node keeps the right to send, or, with `release`, gives it back. Does nothing if the node has lost the
/// right.
pub async fn save(tx: &mut Tx, key: &str, node_id: &str, quota: &Quota, release: bool) -> Result<()> {
    let sends = rows(&quota.sends)?;
    execute!(tx, "save a rate limit", SAVE, key, node_id, sends, millis(quota.paused_until), release).map(drop)
}

pub(super) const SAVE: &str = "
    update notify_quotas set sends = $3, paused_until = $4, lease_until = case when $5 then 0 else lease_until end
    where key = $1 and lease_node = $2";

/// A rate limit, and until when a request of the account is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenQuota {
    pub sends: Vec<i64>,
    pub paused_until: DateTime<Utc>,
    pub lease_until: DateTime<Utc>,
}

stored! {
    TakenQuota { sends, paused_until, lease_until }
}

/// Returns the state of a rate limit without taking it; `None` before the first request.
pub async fn get(s: &mut dyn Session, key: &str) -> Result<Option<TakenQuota>> {
    fetch!(optional, s, "read a rate limit", GET, key)
}

pub(super) const GET: &str = "select sends, paused_until, lease_until from notify_quotas where key = $1";

/// Gives back what a dead node had taken.
pub async fn release_all(tx: &mut Tx, node_id: &str) -> Result<()> {
    execute!(tx, "release rate limits", "update notify_quotas set lease_until = 0 where lease_node = $1", node_id).map(drop)
}
