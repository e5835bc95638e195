//! The versions of tasks: how each was after each change, and whose change it was.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::database::on_session;
use super::{Error, Result, Session, instant, json, millis, rows};
use crate::domain::task::{Task, Version};

/// Keeps a task as it is now.
///
/// # Errors
/// Where the database fails.
pub async fn keep(s: &mut dyn Session, task: &Task, author: &str) -> Result<()> {
    let text = "insert into task_versions (task_id, version, at, author, content) values ($1, $2, $3, $4, $5)";
    on_session!(s, |conn, dialect| {
        sqlx::query(dialect.sql(text))
            .bind(&task.id)
            .bind(task.version)
            .bind(millis(task.updated_at))
            .bind(author)
            .bind(Value::Object(task.to_input()).to_string())
            .execute(&mut *conn)
            .await
            .map(drop)
    })
    .map_err(Error::on("keep the task's version"))
}

/// Keeps tasks as they are now, in one statement.
///
/// # Errors
/// Where the database fails.
pub async fn keep_all(s: &mut dyn Session, tasks: &[Task], author: &str) -> Result<()> {
    let text = "insert into task_versions (task_id, version, at, author, content)
        select j.value->>0, cast(j.value->>1 as bigint), cast(j.value->>2 as bigint), $2, j.value->>3 from {rows} where true";
    let content = |task: &Task| Value::Object(task.to_input()).to_string();
    let list: Vec<_> = tasks.iter().map(|task| (&task.id, task.version, millis(task.updated_at), content(task))).collect();
    let list = rows(&list)?;
    on_session!(s, |conn, dialect| sqlx::query(dialect.sql(text)).bind(list).bind(author).execute(&mut *conn).await.map(drop))
        .map_err(Error::on("keep the tasks' versions"))
}

/// The versions of a task, newest first, at most `limit` of them, below `before`.
///
/// # Errors
/// Where the database fails.
pub async fn list(s: &mut dyn Session, task_id: &str, before: Option<i64>, limit: i64) -> Result<Vec<Version>> {
    let text = "select version, at, author, content from task_versions where task_id = $1 and version < $2
        order by version desc limit $3";
    let found: Vec<(i64, i64, String, String)> = on_session!(s, |conn, dialect| {
        let query = sqlx::query_as(dialect.sql(text)).bind(task_id).bind(before.unwrap_or(i64::MAX)).bind(limit);
        query.fetch_all(&mut *conn).await
    })
    .map_err(Error::on("list the task's versions"))?;
    found.into_iter().map(read).collect()
}

/// One version of a task.
///
/// # Errors
/// Where the database fails.
pub async fn get(s: &mut dyn Session, task_id: &str, version: i64) -> Result<Option<Version>> {
    let text = "select version, at, author, content from task_versions where task_id = $1 and version = $2";
    let found: Option<(i64, i64, String, String)> = on_session!(s, |conn, dialect| {
        sqlx::query_as(dialect.sql(text)).bind(task_id).bind(version).fetch_optional(&mut *conn).await
    })
    .map_err(Error::on("read a version of the task"))?;
    found.map(read).transpose()
}

fn read((version, at, author, content): (i64, i64, String, String)) -> Result<Version> {
    let at: DateTime<Utc> = instant(at)?;
    Ok(Version { version, at, author, content: json(&content)? })
}

/// Forgets the versions of a deleted task.
///
/// # Errors
/// Where the database fails.
pub async fn forget(s: &mut dyn Session, task_id: &str) -> Result<()> {
    let text = "delete from task_versions where task_id = $1";
    on_session!(s, |conn, dialect| sqlx::query(dialect.sql(text)).bind(task_id).execute(&mut *conn).await.map(drop))
        .map_err(Error::on("forget the task's versions"))
}
