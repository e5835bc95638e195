//! Tag scopes as SQL conditions. The table `task_tags` holds one row per task and tag, written in the transactions that change
//! tasks, so that the tasks of a scope are found by index.

use std::collections::HashSet;

use super::bound::{Bound, Extent};
use super::statement::{self, QueryBuilder, execute, fetch};
use super::{Result, Session, rows};
use crate::domain::tag_scope::TagScope;
use crate::domain::task::Task;
use crate::ids::{execution_id, execution_key};

/// Pushes a condition: the task id in `column` must be in scope. Pushes nothing for an unlimited scope.
pub(super) fn push(query: &mut QueryBuilder, column: &str, scope: &TagScope) {
    if let Some(tags) = scope.tags() {
        query.push(format!(" and {column} in ("));
        push_visible_tasks(query, tags);
        query.push(")");
    }
}

/// Pushes a subquery for the distinct ids of the tasks with one of these tags; its column is `visible_task_id`.
pub(super) fn push_visible_tasks(query: &mut QueryBuilder, tags: &[String]) {
    query.push("select distinct task_id as visible_task_id from task_tags where ");
    if tags.is_empty() {
        query.push("false");
        return;
    }
    query.push("tag in (");
    for (index, tag) in tags.iter().enumerate() {
        query.push(if index == 0 { "" } else { ", " }).push_bind(tag.clone());
    }
    query.push(")");
}

/// Returns the given tasks that are in scope; deleted tasks by the tags that they had.
pub async fn visible_tasks(s: &mut dyn Session, scope: &TagScope, ids: &[&str]) -> Result<HashSet<String>> {
    let Some(tags) = scope.tags() else { return Ok(ids.iter().map(|id| (*id).to_owned()).collect()) };
    let found = filter_visible(s, tags, rows(ids)?, "select task_id from task_tags where task_id in {ids}", "tag").await?;
    Ok(found.into_iter().collect())
}

/// Returns the given tasks that exist and are in scope.
pub async fn existing_tasks(s: &mut dyn Session, scope: &TagScope, ids: &[&str]) -> Result<HashSet<String>> {
    let list = rows(ids)?;
    let found: Vec<String> = match scope.tags() {
        None => fetch!(scalars, s, "read task ids", EXISTING, list)?,
        Some(tags) => filter_visible(s, tags, list, EXISTING_OF_TAGS, "tag").await?,
    };
    Ok(found.into_iter().collect())
}

pub(super) const EXISTING: &str = "select id from tasks where id in {ids}";

const EXISTING_OF_TAGS: &str = "select task_id from task_tags where not deleted and task_id in {ids}";

/// Returns the given executions whose tasks are in scope.
pub async fn visible_executions(s: &mut dyn Session, scope: &TagScope, ids: &[&str]) -> Result<HashSet<String>> {
    let Some(tags) = scope.tags() else { return Ok(ids.iter().map(|id| (*id).to_owned()).collect()) };
    let keys = rows(&ids.iter().map(|id| execution_key(id)).collect::<Vec<_>>())?;
    let text = "select cast(e.id as text) from executions e join task_tags g on g.task_id = e.task_id where e.id in {keys}";
    let found = filter_visible(s, tags, keys, text, "g.tag").await?;
    Ok(found.iter().filter_map(|key| key.parse().ok()).map(execution_id).collect())
}

/// Adds the condition on the tags to a statement whose list is bound first.
async fn filter_visible(s: &mut dyn Session, tags: &[String], list: String, text: &str, tag: &str) -> Result<Vec<String>> {
    if list == "[]" || tags.is_empty() {
        return Ok(Vec::new());
    }
    let placeholders: Vec<String> = (2..tags.len() + 2).map(|number| format!("${number}")).collect();
    let text = format!("{text} and {tag} in ({})", placeholders.join(", "));
    let values = std::iter::once(list.into()).chain(tags.iter().map(Bound::from)).collect();
    statement::read(s.conn(), "filter by tag scope", &text, values, Extent::All).await?.scalars()
}

/// Returns whether a deleted task outside the scope left executions under this id, so that the id must not be reused.
pub async fn has_hidden_history(s: &mut dyn Session, scope: &TagScope, task_id: &str) -> Result<bool> {
    if scope.is_all() || visible_tasks(s, scope, &[task_id]).await?.contains(task_id) {
        return Ok(false);
    }
    let text = "select id from executions where task_id = $1 limit 1";
    let found: Option<i64> = fetch!(scalar, s, "check for executions", text, task_id)?;
    Ok(found.is_some())
}

/// Replaces the tag rows of tasks, in the transaction that writes the tasks.
pub(super) async fn set_tags<'t>(s: &mut dyn Session, tasks: impl Iterator<Item = &'t Task> + Clone) -> Result<()> {
    let ids: Vec<&String> = tasks.clone().map(|task| &task.id).collect();
    let ids = rows(&ids)?;
    let text = "delete from task_tags where task_id in {ids}";
    execute!(s, "save the tasks' tags", text, ids)?;
    let tags: Vec<_> = tasks.flat_map(|task| task.tags.iter().map(|tag| (tag, &task.id))).collect();
    if tags.is_empty() {
        return Ok(());
    }
    let list = rows(&tags)?;
    let text = "insert into task_tags (tag, task_id) select distinct j.value->>0, j.value->>1 from {rows}";
    execute!(s, "save the tasks' tags", text, list).map(drop)
}

/// Marks the tag rows of deleted tasks; they stay as long as executions need them.
pub(super) async fn mark_deleted(s: &mut dyn Session, ids: &[String]) -> Result<()> {
    let ids = rows(ids)?;
    let text = "update task_tags set deleted = true where task_id in {ids}";
    execute!(s, "mark the tags of deleted tasks", text, ids).map(drop)
}

/// Deletes at most `limit` tag rows of deleted tasks without executions.
pub async fn delete_unused_tags(s: &mut dyn Session, limit: i64) -> Result<()> {
    let text = "delete from task_tags where deleted and task_id in (
            select g.task_id from task_tags g
            where g.deleted and not exists (select 1 from executions e where e.task_id = g.task_id) limit $1)";
    execute!(s, "delete the tags of deleted tasks", text, limit).map(drop)
}
