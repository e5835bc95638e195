//! Freezes, one row each; those that are over stay as a record.

use chrono::{DateTime, Utc};

use super::calendar::raise_revision;
use super::column::stored;
use super::statement::{execute, fetch};
use super::{Result, Session, millis};
use crate::domain::calendar::Freeze;

stored! {
    COLUMNS: Freeze { id, tag, from = begins_at, until = ends_at, reason, created_by, created_at }
}

/// Returns the freezes that end after `since`, those that end last first, at most `limit`.
pub async fn list(s: &mut dyn Session, since: DateTime<Utc>, limit: i64) -> Result<Vec<Freeze>> {
    let text = list_sql();
    fetch!(all, s, "read the freezes", &text, millis(since), limit)
}

pub(super) fn list_sql() -> String {
    format!("select {COLUMNS} from freezes where ends_at > $1 order by ends_at desc, id limit $2")
}

/// Returns a freeze and locks it until the transaction ends.
pub async fn lock(s: &mut dyn Session, id: &str) -> Result<Option<Freeze>> {
    let text = lock_sql();
    fetch!(optional, s, "read the freeze", &text, id)
}

pub(super) fn lock_sql() -> String {
    format!("select {COLUMNS} from freezes where id = $1 {{for_update}}")
}

/// Inserts a freeze.
pub async fn insert(s: &mut dyn Session, freeze: &Freeze) -> Result<()> {
    let text =
        "insert into freezes (id, tag, begins_at, ends_at, reason, created_by, created_at) values ($1, $2, $3, $4, $5, $6, $7)";
    execute!(
        s,
        "save the freeze",
        text,
        &freeze.id,
        &freeze.tag,
        millis(freeze.from),
        millis(freeze.until),
        &freeze.reason,
        &freeze.created_by,
        millis(freeze.created_at)
    )?;
    raise_revision(s).await
}

/// Sets the end of a freeze.
pub async fn set_end(s: &mut dyn Session, id: &str, until: DateTime<Utc>) -> Result<()> {
    execute!(s, "end the freeze", "update freezes set ends_at = $2 where id = $1", id, millis(until))?;
    raise_revision(s).await
}

/// Deletes a freeze that has not begun.
pub async fn delete(s: &mut dyn Session, id: &str) -> Result<()> {
    execute!(s, "delete the freeze", "delete from freezes where id = $1", id)?;
    raise_revision(s).await
}
