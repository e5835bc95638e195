//! Removes what the log need not keep any longer. Executions that have not ended stay, whatever the limits say.

use chrono::{DateTime, Utc};

use super::database::on_session;
use super::{Error, Result, Session, first_id_at, rows};

/// Removes executions that were queued before an instant and have ended, the oldest first, at most `limit`, with their
/// attempts and output. Answers how many.
///
/// # Errors
/// Where the database fails.
pub async fn remove_before(s: &mut dyn Session, before: DateTime<Utc>, limit: i64) -> Result<u64> {
    let text = "select id from executions where id < $1 and status not in ('queued', 'running') order by id limit $2";
    let ids: Vec<String> = on_session!(s, |conn, dialect| {
        sqlx::query_scalar(dialect.sql(text)).bind(first_id_at(before)).bind(limit).fetch_all(&mut *conn).await
    })
    .map_err(Error::on("find old executions"))?;
    remove(s, &ids).await
}

/// A task with more executions on record than it may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overgrown {
    pub task_id: String,
    /// The newest of its executions that is one too many.
    pub last_id: String,
}

/// The tasks that have more than `keep` executions on record.
///
/// # Errors
/// Where the database fails.
pub async fn overgrown(s: &mut dyn Session, keep: i64) -> Result<Vec<Overgrown>> {
    let text = "select id, last_id from (
            select t.id, (select e.id from executions e where e.task_id = t.id order by e.id desc limit 1 offset $1) as last_id
            from tasks t
        ) as edges where last_id is not null";
    let found: Vec<(String, String)> =
        on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(text)).bind(keep).fetch_all(&mut *conn).await)
            .map_err(Error::on("find tasks with many executions"))?;
    Ok(found.into_iter().map(|(task_id, last_id)| Overgrown { task_id, last_id }).collect())
}

/// Removes a task's executions up to the one that is one too many, the oldest first, at most `limit`. Answers how many.
///
/// # Errors
/// Where the database fails.
pub async fn remove_beyond(s: &mut dyn Session, task: &Overgrown, limit: i64) -> Result<u64> {
    let text = "select id from executions where task_id = $1 and id <= $2 and status not in ('queued', 'running')
        order by id limit $3";
    let ids: Vec<String> = on_session!(s, |conn, dialect| {
        let query = sqlx::query_scalar(dialect.sql(text)).bind(&task.task_id).bind(&task.last_id).bind(limit);
        query.fetch_all(&mut *conn).await
    })
    .map_err(Error::on("find a task's older executions"))?;
    remove(s, &ids).await
}

async fn remove(s: &mut dyn Session, ids: &[String]) -> Result<u64> {
    if ids.is_empty() {
        return Ok(0);
    }
    let list = rows(ids)?;
    for text in [
        "delete from outputs where execution_id in {ids}",
        "delete from attempts where execution_id in {ids}",
        "delete from executions where id in {ids}",
    ] {
        on_session!(s, |conn, dialect| sqlx::query(dialect.sql(text)).bind(&list).execute(&mut *conn).await.map(drop))
            .map_err(Error::on("remove old executions"))?;
    }
    Ok(ids.len() as u64)
}
