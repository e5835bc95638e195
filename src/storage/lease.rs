//! Leases: duties that one of several nodes does.

use chrono::{DateTime, Duration, Utc};

use super::statement::execute;
use super::{Result, Session, Tx, millis};

/// Takes or renews a lease for a node until `now + length`. Returns false if another node holds it. The row stays locked until
/// the transaction ends.
pub async fn hold(tx: &mut Tx, name: &str, node_id: &str, now: DateTime<Utc>, length: Duration) -> Result<bool> {
    let until = millis(now + length);
    Ok(execute!(tx, "take a lease", HOLD, name, node_id, until, millis(now))? > 0)
}

pub(super) const HOLD: &str = "
    insert into leases (name, node_id, until) values ($1, $2, $3)
    on conflict (name) do update set node_id = excluded.node_id, until = excluded.until
        where leases.node_id = excluded.node_id or leases.until <= $4";
