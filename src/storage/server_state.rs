//! Facts that the server keeps from one start to the next, by name.

use chrono_tz::Tz;

use super::statement::{execute, fetch};
use super::{Result, Session};

/// The name of the time zone by which triggers without one were planned last.
pub const ZONE: &str = "zone";

/// Returns the time zone by which triggers without one were planned last; `None` before the first start.
pub async fn zone(s: &mut dyn Session) -> Result<Option<Tz>> {
    Ok(get(s, ZONE).await?.and_then(|name| name.parse().ok()))
}

/// Returns a fact; `None` if it was never stored.
pub async fn get(s: &mut dyn Session, name: &str) -> Result<Option<String>> {
    fetch!(scalar, s, "read the server's state", GET, name)
}

pub(super) const GET: &str = "select value from server_state where name = $1";

/// Returns a fact and locks it until the transaction ends; `None` if it was never stored.
pub async fn lock(s: &mut dyn Session, name: &str) -> Result<Option<String>> {
    fetch!(scalar, s, "lock the server's state", LOCK, name)
}

pub(super) const LOCK: &str = "select value from server_state where name = $1 {for_update}";

/// Stores a fact.
pub async fn set(s: &mut dyn Session, name: &str, value: &str) -> Result<()> {
    execute!(s, "save the server's state", SET, name, value).map(drop)
}

pub(super) const SET: &str = "
    insert into server_state (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value";
