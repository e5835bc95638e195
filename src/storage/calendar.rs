//! Calendars, one row each, and their versions.

use chrono::{DateTime, Utc};

use super::column::stored;
use super::statement::{execute, fetch};
use super::{Result, Session, Tx, millis};
use crate::domain::calendar::{Calendar, CalendarVersion};
use crate::domain::task::Task;

/// A calendar as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredCalendar {
    pub content: Calendar,
    /// Raised by each change.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub updated_by: String,
}

stored! {
    COLUMNS: StoredCalendar { content, version, created_at, updated_at, updated_by }
}

stored! {
    VERSION_COLUMNS: CalendarVersion { name, version, at, author, content }
}

/// Returns the change counter of calendars and freezes.
pub async fn revision(s: &mut dyn Session) -> Result<Option<String>> {
    fetch!(scalar, s, "read the change counter of the calendars", READ_REVISION)
}

pub(super) const READ_REVISION: &str = "select value from server_state where name = 'calendars'";

/// Raises the change counter of calendars and freezes, in the transaction of the change.
pub async fn raise_revision(s: &mut dyn Session) -> Result<()> {
    execute!(s, "raise the change counter of the calendars", RAISE_REVISION).map(drop)
}

pub(super) const RAISE_REVISION: &str = "
    insert into server_state (name, value) values ('calendars', '1') on conflict (name) do update
    set value = cast(cast(server_state.value as bigint) + 1 as text)";

/// Returns all calendars, ordered by name.
pub async fn list(s: &mut dyn Session) -> Result<Vec<StoredCalendar>> {
    let text = format!("select {COLUMNS} from calendars order by name");
    fetch!(all, s, "read the calendars", &text)
}

/// Returns a calendar.
pub async fn get(s: &mut dyn Session, name: &str) -> Result<Option<StoredCalendar>> {
    let text = get_sql();
    fetch!(optional, s, "read the calendar", &text, name)
}

pub(super) fn get_sql() -> String {
    format!("select {COLUMNS} from calendars where name = $1")
}

/// Inserts or replaces a calendar, with a version by `author`. Returns the new version.
pub async fn put(s: &mut dyn Session, calendar: &Calendar, author: &str, now: DateTime<Utc>) -> Result<i64> {
    let content = calendar.to_json().to_string();
    let version = add_version(s, &calendar.name, Some(&content), author, now).await?;
    let text =
        "insert into calendars (name, version, content, created_at, updated_at, updated_by) values ($1, $2, $3, $4, $4, $5)
        on conflict (name) do update set version = excluded.version, content = excluded.content,
            updated_at = excluded.updated_at, updated_by = excluded.updated_by";
    execute!(s, "save the calendar", text, &calendar.name, version, content, millis(now), author)?;
    raise_revision(s).await?;
    Ok(version)
}

/// Deletes a calendar; its versions stay. Returns false if it does not exist.
pub async fn delete(s: &mut dyn Session, name: &str, author: &str, now: DateTime<Utc>) -> Result<bool> {
    if execute!(s, "delete the calendar", "delete from calendars where name = $1", name)? == 0 {
        return Ok(false);
    }
    add_version(s, name, None, author, now).await?;
    raise_revision(s).await?;
    Ok(true)
}

async fn add_version(s: &mut dyn Session, name: &str, content: Option<&str>, author: &str, now: DateTime<Utc>) -> Result<i64> {
    fetch!(only, s, "save the calendar's version", ADD_VERSION, name, millis(now), author, content)
}

pub(super) const ADD_VERSION: &str = "
    insert into calendar_versions (name, version, at, author, content)
    select $1, coalesce((select max(version) from calendar_versions where name = $1), 0) + 1, $2, $3, $4
    returning version";

/// Returns at most `limit` versions of a calendar below `before`, newest first.
pub async fn versions(s: &mut dyn Session, name: &str, before: Option<i64>, limit: i64) -> Result<Vec<CalendarVersion>> {
    let text = versions_sql();
    fetch!(all, s, "list the calendar's versions", &text, name, before.unwrap_or(i64::MAX), limit)
}

pub(super) fn versions_sql() -> String {
    format!("select {VERSION_COLUMNS} from calendar_versions where name = $1 and version < $2 order by version desc limit $3")
}

/// Returns every version of every calendar, oldest first, for the verification of the log.
pub async fn history(s: &mut dyn Session) -> Result<Vec<CalendarVersion>> {
    let text = format!("select {VERSION_COLUMNS} from calendar_versions order by at, name, version");
    fetch!(all, s, "read the versions of the calendars", &text)
}

/// Returns the tasks with calendars, ordered by id.
pub async fn users(s: &mut dyn Session) -> Result<Vec<Task>> {
    let text = users_sql();
    fetch!(all, s, "read the tasks with calendars", &text).map(with_calendars)
}

/// Several rules are settings of a schedule too.
fn with_calendars(mut tasks: Vec<Task>) -> Vec<Task> {
    tasks.retain(|task| task.schedule.calendar.is_some());
    tasks
}

pub(super) fn users_sql() -> String {
    format!("select {} from tasks where schedule <> '{{}}' order by id", super::task::COLUMNS)
}

/// As [`users`]; locks the tasks until the transaction ends.
pub async fn lock_users(tx: &mut Tx) -> Result<Vec<Task>> {
    let text = format!("{} {{for_update}}", users_sql());
    fetch!(all, tx, "lock the tasks with calendars", &text).map(with_calendars)
}
