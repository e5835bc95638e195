//! Bulk statements on tasks, for imports: one statement each, for any number of tasks.

use chrono::{DateTime, Utc};

use super::execution::error;
use super::statement::{execute, fetch};
use super::task::COLUMNS;
use super::{Result, Session, Tx, incident, millis, rows, tag_scope, version};
use crate::domain::task::{Managed, Task};
use crate::i18n::Message;

/// Returns all tasks ordered by id.
pub async fn all(s: &mut dyn Session) -> Result<Vec<Task>> {
    read(s, "order by id").await
}

/// Returns all tasks ordered by id and locks them until the transaction ends.
pub async fn lock_all(tx: &mut Tx) -> Result<Vec<Task>> {
    read(tx, "order by id {for_update}").await
}

/// Returns the existing tasks among these ids, ordered by id, and locks them until the transaction ends.
pub async fn lock_many(tx: &mut Tx, ids: &[String]) -> Result<Vec<Task>> {
    let text = format!("select {COLUMNS} from tasks where id in {{ids}} order by id {{for_update}}");
    let ids = rows(ids)?;
    fetch!(all, tx, "read tasks", &text, ids)
}

/// Returns the managed tasks whose enabled flag differs from the file's.
pub async fn drifted(s: &mut dyn Session) -> Result<Vec<Task>> {
    read(s, "where managed_by is not null and managed_enabled <> enabled order by id").await
}

/// Sorted by the bytes of the ids: exported documents must not depend on the database's collation.
async fn read(s: &mut dyn Session, rest: &str) -> Result<Vec<Task>> {
    let text = format!("select {COLUMNS} from tasks {rest}");
    let mut tasks: Vec<Task> = fetch!(all, s, "read all tasks", &text)?;
    tasks.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(tasks)
}

/// Deletes tasks, retires their versions, and cancels their queued executions.
pub async fn delete(s: &mut dyn Session, ids: &[String], reason: &Message, now: DateTime<Utc>) -> Result<()> {
    let list = rows(ids)?;
    let cancel = "update executions set status = 'cancelled', finished_at = $2, error = $3, error_message = $4,
        retry_at = null, queue = null, priority = null, waits = false
        where task_id in {ids} and status in ('queued', 'running') and status = 'queued' and node_id is null";
    execute!(s, "cancel executions", cancel, &list, millis(now), error::words(Some(reason)), error::coded(Some(reason)))?;
    version::retire(s, ids, now).await?;
    incident::close_deleted(s, ids, now).await?;
    execute!(s, "delete the tasks", "delete from tasks where id in {ids}", &list)?;
    tag_scope::mark_deleted(s, ids).await
}

/// Marks tasks as managed by a file.
pub async fn set_managed(s: &mut dyn Session, marks: &[(String, Managed)]) -> Result<()> {
    let text = "update tasks set managed_by = j.value->>1, managed_enabled = cast(j.value->>2 as boolean) from {rows}
        where tasks.id = j.value->>0";
    let list: Vec<_> = marks.iter().map(|(id, managed)| (id, &managed.by, managed.enabled)).collect();
    let list = rows(&list)?;
    execute!(s, "mark tasks as managed", text, list).map(drop)
}

/// Removes the mark from all managed tasks. Returns how many there were.
pub async fn clear_managed(s: &mut dyn Session) -> Result<u64> {
    let text = "update tasks set managed_by = null, managed_enabled = null where managed_by is not null";
    execute!(s, "release managed tasks", text)
}
