//! Versions of tasks: the definition after each change, and its author.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::column::{insert_sql, stored, written};
use super::statement::{execute, fetch};
use super::{Result, Session, millis, rows};
use crate::domain::task::{Task, Version};
use crate::domain::why::Change;

/// Inserts the task's current definition as a version.
pub async fn insert(s: &mut dyn Session, task: &Task, author: &str) -> Result<()> {
    insert_many(s, std::slice::from_ref(task), author).await
}

/// Inserts the current definitions of tasks as versions, in one statement.
pub async fn insert_many(s: &mut dyn Session, tasks: &[Task], author: &str) -> Result<()> {
    let text = insert_sql("task_versions", VersionRow::COLUMNS, &[("author", "$2")]);
    let list = rows(&tasks.iter().map(VersionRow).collect::<Vec<_>>())?;
    execute!(s, "save the tasks' versions", &text, list, author).map(drop)
}

written! {
    VersionRow of Task as task => {
        task_id Text = task.id,
        version Integer = task.version,
        at Integer = millis(task.updated_at),
        content Text = Value::Object(task.to_input()).to_string(),
        schedule_text Text = task.schedule_text,
        params Text = task.params.to_string(),
    }
}

/// Lets tasks that are about to be created continue the version numbers of deleted tasks of the same id: an execution names the
/// version whose parameters it had.
pub async fn continue_numbers(s: &mut dyn Session, tasks: &mut [Task]) -> Result<()> {
    let ids = rows(&tasks.iter().map(|task| &task.id).collect::<Vec<_>>())?;
    let last: Vec<(String, i64)> = fetch!(all, s, "read the versions of deleted tasks", LAST_FORMER, ids)?;
    let last: HashMap<String, i64> = last.into_iter().collect();
    for task in tasks {
        task.version += last.get(&task.id).copied().unwrap_or_default();
    }
    Ok(())
}

pub(super) const LAST_FORMER: &str = "select task_id, max(version) from former_versions where task_id in {ids} group by task_id";

/// Returns at most `limit` versions of a task below `before`, newest first.
pub async fn list(s: &mut dyn Session, task_id: &str, before: Option<i64>, limit: i64) -> Result<Vec<Version>> {
    let text = format!("select {COLUMNS} from task_versions where task_id = $1 and version < $2 order by version desc limit $3");
    fetch!(all, s, "list the task's versions", &text, task_id, before.unwrap_or(i64::MAX), limit)
}

/// Returns one version of a task.
pub async fn get(s: &mut dyn Session, task_id: &str, version: i64) -> Result<Option<Version>> {
    let text = format!("select {COLUMNS} from task_versions where task_id = $1 and version = $2");
    fetch!(optional, s, "read a version of the task", &text, task_id, version)
}

stored! {
    COLUMNS: Version { version, at, author, content }
}

/// Keeps the versions of tasks that are about to be deleted, for the verification of their log.
pub async fn retire(s: &mut dyn Session, task_ids: &[String], now: DateTime<Utc>) -> Result<()> {
    let list = rows(task_ids)?;
    let text = "insert into former_versions (task_id, task_key, version, at, content, schedule_text, params, deleted_at)
        select v.task_id, t.task_key, v.version, v.at, v.content, v.schedule_text, v.params, $2 from task_versions v join tasks t on t.id = v.task_id
        where v.task_id in {ids} on conflict do nothing";
    execute!(s, "keep the tasks' versions", text, &list, millis(now))?;
    execute!(s, "delete the tasks' versions", "delete from task_versions where task_id in {ids}", &list).map(drop)
}

/// Deletes the versions of tasks that were deleted before a time and have no executions left.
pub async fn delete_former(s: &mut dyn Session, before: DateTime<Utc>) -> Result<u64> {
    let text = "delete from former_versions where deleted_at < $1
        and not exists (select 1 from executions where executions.task_id = former_versions.task_id)";
    execute!(s, "delete the versions of deleted tasks", text, millis(before))
}

stored! { CHANGE_COLUMNS: Change { version, at, author } }

/// Returns the newest `limit` changes of a task, newest first, without the content.
pub async fn authors(s: &mut dyn Session, task_id: &str, limit: i64) -> Result<Vec<Change>> {
    let text = format!("select {CHANGE_COLUMNS} from task_versions where task_id = $1 order by version desc limit $2");
    fetch!(all, s, "list the authors of the task's versions", &text, task_id, limit)
}
