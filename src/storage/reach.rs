//! Which tasks somebody reaches, as a condition of SQL: the tags of each task stand in a table of their own, kept in the
//! transactions that change tasks, so that those of a team are found without looking at the others.

use std::collections::HashSet;

use sqlx::{Encode, QueryBuilder, Type};

use super::database::on_session;
use super::{Error, Result, Session, rows};
use crate::domain::permission::Reach;
use crate::domain::task::Task;

/// Adds a condition: `column`, a task's id, must be within reach. Nothing for those who reach all.
pub(super) fn push<DB>(query: &mut QueryBuilder<DB>, column: &str, reach: &Reach)
where
    DB: sqlx::Database,
    String: for<'q> Encode<'q, DB> + Type<DB>,
{
    if let Some(tags) = reach.tags() {
        query.push(format!(" and {column} in ("));
        push_tasks(query, tags);
        query.push(")");
    }
}

/// The ids of the tasks with one of these tags, each once, as a subquery whose column is `own_task`.
pub(super) fn push_tasks<DB>(query: &mut QueryBuilder<DB>, tags: &[String])
where
    DB: sqlx::Database,
    String: for<'q> Encode<'q, DB> + Type<DB>,
{
    query.push("select distinct task_id as own_task from task_tags where ");
    if tags.is_empty() {
        query.push("false");
        return;
    }
    query.push("tag in (");
    for (place, tag) in tags.iter().enumerate() {
        query.push(if place == 0 { "" } else { ", " }).push_bind(tag.clone());
    }
    query.push(")");
}

/// Those of these tasks that are within reach; deleted ones by the tags that they had.
///
/// # Errors
/// Where the database fails.
pub async fn tasks_among(s: &mut dyn Session, reach: &Reach, ids: &[&str]) -> Result<HashSet<String>> {
    among(s, reach, ids, "select task_id from task_tags where task_id in {ids}", "tag").await
}

/// Those of these executions whose tasks are within reach.
///
/// # Errors
/// Where the database fails.
pub async fn executions_among(s: &mut dyn Session, reach: &Reach, ids: &[&str]) -> Result<HashSet<String>> {
    let text = "select e.id from executions e join task_tags g on g.task_id = e.task_id where e.id in {ids}";
    among(s, reach, ids, text, "g.tag").await
}

async fn among(s: &mut dyn Session, reach: &Reach, ids: &[&str], text: &str, tag: &str) -> Result<HashSet<String>> {
    let Some(tags) = reach.tags() else { return Ok(ids.iter().map(|id| (*id).to_owned()).collect()) };
    if ids.is_empty() || tags.is_empty() {
        return Ok(HashSet::new());
    }
    let places: Vec<String> = (2..tags.len() + 2).map(|place| format!("${place}")).collect();
    let (text, list) = (format!("{text} and {tag} in ({})", places.join(", ")), rows(ids)?);
    let found: Vec<String> = on_session!(s, |conn, dialect| {
        let query = tags.iter().fold(sqlx::query_scalar(dialect.sql(&text)).bind(list), |query, tag| query.bind(tag));
        query.fetch_all(&mut *conn).await
    })
    .map_err(Error::on("look what is within reach"))?;
    Ok(found.into_iter().collect())
}

/// Whether an id is not free to somebody: executions of a task of this name, deleted long ago, are out of their reach.
///
/// # Errors
/// Where the database fails.
pub async fn has_foreign_past(s: &mut dyn Session, reach: &Reach, task_id: &str) -> Result<bool> {
    if reach.is_all() || tasks_among(s, reach, &[task_id]).await?.contains(task_id) {
        return Ok(false);
    }
    let text = "select id from executions where task_id = $1 limit 1";
    let found: Option<String> =
        on_session!(s, |conn, dialect| sqlx::query_scalar(dialect.sql(text)).bind(task_id).fetch_optional(&mut *conn).await)
            .map_err(Error::on("look for executions"))?;
    Ok(found.is_some())
}

/// Writes the tags of tasks, in the transaction that writes the tasks.
pub(super) async fn set_tags<'t>(s: &mut dyn Session, tasks: impl Iterator<Item = &'t Task> + Clone) -> Result<()> {
    let ids: Vec<&String> = tasks.clone().map(|task| &task.id).collect();
    let ids = rows(&ids)?;
    let text = "delete from task_tags where task_id in {ids}";
    on_session!(s, |conn, dialect| sqlx::query(dialect.sql(text)).bind(ids).execute(&mut *conn).await.map(drop))
        .map_err(Error::on("write the tasks' tags"))?;
    let tags: Vec<_> = tasks.flat_map(|task| task.tags.iter().map(|tag| (tag, &task.id))).collect();
    if tags.is_empty() {
        return Ok(());
    }
    let list = rows(&tags)?;
    let text = "insert into task_tags (tag, task_id) select distinct j.value->>0, j.value->>1 from {rows}";
    on_session!(s, |conn, dialect| sqlx::query(dialect.sql(text)).bind(list).execute(&mut *conn).await.map(drop))
        .map_err(Error::on("write the tasks' tags"))
}

/// Notes that tasks are deleted: their tags stay for the sake of their executions.
pub(super) async fn tasks_gone(s: &mut dyn Session, ids: &[String]) -> Result<()> {
    let ids = rows(ids)?;
    let text = "update task_tags set gone = true where task_id in {ids}";
    on_session!(s, |conn, dialect| sqlx::query(dialect.sql(text)).bind(ids).execute(&mut *conn).await.map(drop))
        .map_err(Error::on("keep the deleted tasks' tags"))
}

/// Forgets the tags of deleted tasks that have no executions left, of at most `limit` rows.
///
/// # Errors
/// Where the database fails.
pub async fn forget_gone(s: &mut dyn Session, limit: i64) -> Result<()> {
    let text = "delete from task_tags where gone and task_id in (
            select g.task_id from task_tags g
            where g.gone and not exists (select 1 from executions e where e.task_id = g.task_id) limit $1)";
    on_session!(s, |conn, dialect| sqlx::query(dialect.sql(text)).bind(limit).execute(&mut *conn).await.map(drop))
        .map_err(Error::on("forget the tags of deleted tasks"))
}
