//! Versions of tasks: the definition after each change, and its author.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::database::on_session;
use super::{Error, Result, Session, json, millis, rows, time_from_millis};
use crate::domain::task::{Task, Version};

/// Inserts the task's current definition as a version.
pub async fn insert(s: &mut dyn Session, task: &Task, author: &str) -> Result<()> {
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
    .map_err(Error::on("save the task's version"))
}

/// Inserts the current definitions of tasks as versions, in one statement.
pub async fn insert_many(s: &mut dyn Session, tasks: &[Task], author: &str) -> Result<()> {
    let text = "insert into task_versions (task_id, version, at, author, content)
        select j.value->>0, cast(j.value->>1 as bigint), cast(j.value->>2 as bigint), $2, j.value->>3 from {rows} where true";
    let content = |task: &Task| Value::Object(task.to_input()).to_string();
    let list: Vec<_> = tasks.iter().map(|task| (&task.id, task.version, millis(task.updated_at), content(task))).collect();
    let list = rows(&list)?;
    on_session!(s, |conn, dialect| sqlx::query(dialect.sql(text)).bind(list).bind(author).execute(&mut *conn).await.map(drop))
        .map_err(Error::on("save the tasks' versions"))
}

/// Returns at most `limit` versions of a task below `before`, newest first.
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

/// Returns one version of a task.
pub async fn get(s: &mut dyn Session, task_id: &str, version: i64) -> Result<Option<Version>> {
    let text = "select version, at, author, content from task_versions where task_id = $1 and version = $2";
    let found: Option<(i64, i64, String, String)> = on_session!(s, |conn, dialect| {
        sqlx::query_as(dialect.sql(text)).bind(task_id).bind(version).fetch_optional(&mut *conn).await
    })
    .map_err(Error::on("read a version of the task"))?;
    found.map(read).transpose()
}

fn read((version, at, author, content): (i64, i64, String, String)) -> Result<Version> {
    let at: DateTime<Utc> = time_from_millis(at)?;
    Ok(Version { version, at, author, content: json(&content)? })
}

/// Deletes the versions of a task.
pub async fn delete(s: &mut dyn Session, task_id: &str) -> Result<()> {
    let text = "delete from task_versions where task_id = $1";
    on_session!(s, |conn, dialect| sqlx::query(dialect.sql(text)).bind(task_id).execute(&mut *conn).await.map(drop))
        .map_err(Error::on("delete the task's versions"))
}
