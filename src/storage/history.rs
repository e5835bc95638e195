//! Removes what the log need not keep any longer. Executions that have not ended stay, whatever the limits say.
//!
//! What goes is found task by task, so that what one task keeps for years is not read over and over for the sake of the
//! others; tasks that are in the log but were deleted count as tasks.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::AssertSqlSafe;

use super::database::{Database, on_session};
use super::task::read_policy;
use super::{Error, Result, Session, first_id_at, rows};
use crate::domain::policy::Retention;

/// The tasks that keep their executions otherwise than the server's settings say.
///
/// # Errors
/// Where the database fails.
pub async fn own_retention(s: &mut dyn Session) -> Result<Vec<(String, Retention)>> {
    let text = r#"select id, policy from tasks where policy like '%"retention":{%'
            and policy not like '%"retention":{"max_age_days":null,"max_executions":null}%'"#;
    let found: Vec<(String, String)> =
        on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(text)).fetch_all(&mut *conn).await)
            .map_err(Error::on("read what tasks keep"))?;
    found.into_iter().map(|(id, policy)| Ok((id, read_policy(&policy)?.retention))).collect()
}

/// What a task's log need not keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Beyond {
    /// Executions that were queued before this.
    Age(DateTime<Utc>),
    /// All but this many of the newest.
    Number(i64),
}

/// Which tasks.
#[derive(Debug, Clone, Copy)]
pub enum Among<'a> {
    Only(&'a [String]),
    AllBut(&'a [String]),
}

/// A task with executions on record that may go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edge {
    pub task_id: String,
    /// The newest of them.
    pub last_id: String,
}

/// The tasks whose log holds more than it need.
///
/// # Errors
/// Where the database fails.
pub async fn edges(s: &mut dyn Session, beyond: Beyond, among: Among<'_>) -> Result<Vec<Edge>> {
    let (which, ids) = match among {
        Among::Only(ids) => ("{ids}", ids),
        Among::AllBut(ids) => ("(select id from logged where id is not null and id not in {ids})", ids),
    };
    // One step from each task in the log to the next, by the index on task and id.
    let logged = "with recursive logged(id) as (
            select min(task_id) from executions
            union all
            select (select min(e.task_id) from executions e where e.task_id > logged.id) from logged where logged.id is not null
        )";
    let edge = match beyond {
        Beyond::Age(_) => "select max(e.id) from executions e where e.task_id = t.id and e.id < $2",
        Beyond::Number(_) => "select e.id from executions e where e.task_id = t.id order by e.id desc limit 1 offset $2",
    };
    let text = format!(
        "{logged}, tasks_asked(id) as (select * from {which} as asked)
        select id, last_id from (select t.id, ({edge}) as last_id from tasks_asked t) as found where last_id is not null"
    );
    let ids = rows(ids)?;
    let found: Vec<(String, String)> = on_session!(s, |conn, dialect| {
        let query = sqlx::query_as(dialect.sql(&text)).bind(&ids);
        match beyond {
            Beyond::Age(before) => query.bind(first_id_at(before)).fetch_all(&mut *conn).await,
            Beyond::Number(keep) => query.bind(keep).fetch_all(&mut *conn).await,
        }
    })
    .map_err(Error::on("find executions that may go"))?;
    Ok(found.into_iter().map(|(task_id, last_id)| Edge { task_id, last_id }).collect())
}

/// Removes executions up to these edges, at most `limit`, with their attempts and output. Answers how many.
///
/// # Errors
/// Where the database fails.
pub async fn remove(s: &mut dyn Session, edges: &[Edge], limit: i64) -> Result<u64> {
    let text = "select e.id from {rows}
        join executions e on e.task_id = j.value ->> 'task_id' and e.id <= j.value ->> 'last_id'
        where e.status not in ('queued', 'running') limit $2";
    let edges = rows(edges)?;
    let ids: Vec<String> = on_session!(s, |conn, dialect| {
        sqlx::query_scalar(dialect.sql(text)).bind(&edges).bind(limit).fetch_all(&mut *conn).await
    })
    .map_err(Error::on("find a task's older executions"))?;
    remove_all(s, &ids).await?;
    Ok(ids.len() as u64)
}

async fn remove_all(s: &mut dyn Session, ids: &[String]) -> Result<()> {
    let list = rows(ids)?;
    for text in [
        "delete from outputs where execution_id in {ids}",
        "delete from attempts where execution_id in {ids}",
        "delete from executions where id in {ids}",
    ] {
        on_session!(s, |conn, dialect| sqlx::query(dialect.sql(text)).bind(&list).execute(&mut *conn).await.map(drop))
            .map_err(Error::on("remove old executions"))?;
    }
    Ok(())
}

/// The part of SQLite's file that may lie empty, for what comes next: an eighth.
const SPARE: i64 = 8;

/// Gives up to `pages` pages of SQLite's file that lie empty, beyond the spare ones, back to the system. Answers whether
/// there are more. PostgreSQL's own upkeep does this.
///
/// # Errors
/// Where the database fails.
pub async fn give_back(database: &Database, pages: i64) -> Result<bool> {
    let Database::Sqlite { writer, .. } = database else { return Ok(false) };
    let text = "select freelist_count, page_count from pragma_freelist_count, pragma_page_count";
    let (free, all): (i64, i64) =
        sqlx::query_as(text).fetch_one(writer).await.map_err(Error::on("find what lies empty in the file"))?;
    let excess = free - all / SPARE;
    if excess > 0 {
        let text = format!("pragma incremental_vacuum({})", excess.min(pages));
        sqlx::query(AssertSqlSafe(text)).fetch_all(writer).await.map_err(Error::on("give free space back"))?;
    }
    Ok(excess > pages)
}
