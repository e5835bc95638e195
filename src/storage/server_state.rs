//! Facts that the server keeps from one start to the next, by name.

use super::statement::{execute, fetch};
use super::{Result, Session};

/// The name of the time zone by which triggers without one were planned last.
pub const ZONE: &str = "zone";

/// Returns a fact; `None` if it was never stored.
pub async fn get(s: &mut dyn Session, name: &str) -> Result<Option<String>> {
    fetch!(scalar, s, "read the server's state", GET, name)
}

pub(super) const GET: &str = "select value from server_state where name = $1";

/// Stores a fact.
pub async fn set(s: &mut dyn Session, name: &str, value: &str) -> Result<()> {
    execute!(s, "save the server's state", SET, name, value).map(drop)
}

pub(super) const SET: &str = "
    insert into server_state (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value";
