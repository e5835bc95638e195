//! Retention: deletes executions past their limits. Queued and running executions are never deleted.
//!
//! Cutoffs are computed per task, so that a task with long retention is not scanned repeatedly for the others. Deleted tasks
//! that still have executions count as tasks.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::statement::{execute, fetch};
use super::stored_json::parse_policy;
use super::{Conn, Database, Error, Result, Session, rows};
use crate::domain::policy::Retention;
use crate::ids::first_execution_key;

/// Returns the tasks with a retention policy of their own.
pub async fn own_retention(s: &mut dyn Session) -> Result<Vec<(String, Retention)>> {
    let text = r#"select id, policy from tasks where policy like '%"retention":{%'
            and policy not like '%"retention":{"max_age_days":null,"max_executions":null}%'"#;
    let found: Vec<(String, String)> = fetch!(all, s, "read retention policies", text)?;
    found.into_iter().map(|(id, policy)| Ok((id, parse_policy(&policy)?.retention))).collect()
}

/// A retention limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RetentionLimit {
    /// Delete executions queued before this time.
    Age(DateTime<Utc>),
    /// Keep this many of the newest executions.
    Count(i64),
}

/// The tasks that a limit applies to.
#[derive(Debug, Clone, Copy)]
pub enum TaskSelection<'a> {
    Only(&'a [String]),
    Except(&'a [String]),
}

/// A task with executions past a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cutoff {
    pub task_id: String,
    /// Key of the newest execution past the limit.
    pub last_key: i64,
}

/// Returns a cutoff for each selected task with executions past the limit.
pub async fn cutoffs(s: &mut dyn Session, limit: RetentionLimit, selection: TaskSelection<'_>) -> Result<Vec<Cutoff>> {
    let (task_ids, ids) = match selection {
        TaskSelection::Only(ids) => ("{ids}", ids),
        TaskSelection::Except(ids) => ("(select id from with_executions where id is not null and id not in {ids})", ids),
    };
    // Loose index scan over the distinct task ids, by the index on task and id.
    let with_executions = "with recursive with_executions(id) as (
            select min(task_id) from executions
            union all
            select (select min(e.task_id) from executions e where e.task_id > with_executions.id)
            from with_executions where with_executions.id is not null
        )";
    let last_id = match limit {
        RetentionLimit::Age(_) => "select max(e.id) from executions e where e.task_id = t.id and e.id < $2",
        RetentionLimit::Count(_) => "select e.id from executions e where e.task_id = t.id order by e.id desc limit 1 offset $2",
    };
    let text = format!(
        "{with_executions}, selected(id) as (select * from {task_ids} as ids)
        select id, last_id from (select t.id, ({last_id}) as last_id from selected t) as found where last_id is not null"
    );
    let ids = rows(ids)?;
    let edge = match limit {
        RetentionLimit::Age(before) => first_execution_key(before),
        RetentionLimit::Count(keep) => keep,
    };
    let found: Vec<(String, i64)> = fetch!(all, s, "find executions past their retention limit", &text, ids, edge)?;
    Ok(found.into_iter().map(|(task_id, last_key)| Cutoff { task_id, last_key }).collect())
}

/// Deletes at most `limit` executions up to these cutoffs, with their attempts and output. Returns how many.
pub async fn delete(s: &mut dyn Session, cutoffs: &[Cutoff], limit: i64) -> Result<u64> {
    let text = "select e.id from {rows}
        join executions e on e.task_id = j.value ->> 'task_id' and e.id <= cast(j.value ->> 'last_key' as bigint)
        where e.status not in ('queued', 'running') limit $2";
    let cutoffs = rows(cutoffs)?;
    let ids: Vec<i64> = fetch!(scalars, s, "find executions to delete", text, &cutoffs, limit)?;
    delete_all(s, &ids).await?;
    Ok(ids.len() as u64)
}

async fn delete_all(s: &mut dyn Session, ids: &[i64]) -> Result<()> {
    let list = rows(ids)?;
    for text in [
        "delete from outputs where execution_id in {keys}",
        "delete from attempts where execution_id in {keys}",
        "delete from run_data where execution_id in {keys}",
        "delete from executions where id in {keys}",
    ] {
        execute!(s, "delete old executions", text, &list)?;
    }
    Ok(())
}

/// Share of SQLite's file that may stay free for new rows: one eighth.
const SPARE_SHARE: i64 = 8;

/// Returns up to `pages` free pages of SQLite's file to the file system, except for the spare share. Returns whether more are
/// left. PostgreSQL's autovacuum does this itself.
pub async fn release_free_pages(database: &Database, pages: i64) -> Result<bool> {
    if database.kind() != "sqlite" {
        return Ok(false);
    }
    let mut tx = database.write().await?;
    let Conn::Sqlite(connection) = tx.conn() else { return Ok(false) };
    let text = "select freelist_count, page_count from pragma_freelist_count, pragma_page_count";
    let (free, all): (i64, i64) = connection.row(text).map_err(Error::on("read the number of free pages"))?;
    let excess = free - all / SPARE_SHARE;
    if excess > 0 {
        let text = format!("pragma incremental_vacuum({})", excess.min(pages));
        connection.run(&text, &[]).map_err(Error::on("vacuum the file"))?;
        tx.commit().await?;
    }
    Ok(excess > pages)
}
