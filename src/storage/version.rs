//! Versions of tasks: the definition after each change, and its author.

use serde_json::Value;

use super::column::{insert_sql, stored, written};
use super::statement::{execute, fetch};
use super::{Result, Session, millis, rows};
use crate::domain::task::{Task, Version};

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
    }
}

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

/// Deletes the versions of a task.
pub async fn delete(s: &mut dyn Session, task_id: &str) -> Result<()> {
    let text = "delete from task_versions where task_id = $1";
    execute!(s, "delete the task's versions", text, task_id).map(drop)
}
