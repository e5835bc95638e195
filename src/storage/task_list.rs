//! Pages of tasks: filtered, sorted, and paged by the sort key of the first or last row.

use sqlx::FromRow;

use super::statement::{QueryBuilder, fetch_built};
use super::task::COLUMNS;
use super::{Result, Session, millis, tag_scope};
use crate::domain::page::{Cursor, Page, PageRequest, TaskFilter, TaskSort};
use crate::domain::tag_scope::TagScope;
use crate::domain::task::Task;

/// Returns one page of the matching tasks with their count.
pub async fn page(s: &mut dyn Session, filter: &TaskFilter, request: &PageRequest) -> Result<Page<Task>> {
    let limit = i64::from(request.size) + 1;
    let backwards = request.is_backwards();
    // The inner query sorts ids only; sorting whole rows costs several times as much.
    let descending = filter.descending != backwards;
    let mut query = QueryBuilder::new(format!("select {COLUMNS} from tasks where id in (select id from tasks where true"));
    push_filter(&mut query, filter);
    push_cursor(&mut query, filter.sort, request.cursor.as_ref(), descending);
    query.push(order(filter.sort, descending)).push(" limit ").push_bind(limit);
    query.push(")").push(order(filter.sort, descending));
    let found: Vec<Task> = fetch_built!(all, s, "list tasks", query)?;
    let total = count(s, filter).await?;
    Ok(Page::from_rows(found, |task| (key(task, filter.sort), task.id.clone()), request, (total, true)))
}

/// Returns the number of matching tasks.
pub async fn count(s: &mut dyn Session, filter: &TaskFilter) -> Result<i64> {
    let mut query = QueryBuilder::new("select count(*) from tasks where true");
    push_filter(&mut query, filter);
    fetch_built!(only, s, "count tasks", query)
}

/// Returns the ids of the matching tasks greater than `after`, at most `limit`.
pub async fn ids(s: &mut dyn Session, filter: &TaskFilter, after: &str, limit: i64) -> Result<Vec<String>> {
    let mut query = QueryBuilder::new("select id from tasks where id > ");
    query.push_bind(after.to_owned());
    push_filter(&mut query, filter);
    query.push(" order by id limit ").push_bind(limit);
    fetch_built!(scalars, s, "list tasks", query)
}

pub(super) const TAGS: &str = "select distinct tags from tasks where tags <> '[]'";

/// Returns the sorted tags of the tasks in scope.
pub async fn tags(s: &mut dyn Session, scope: &TagScope) -> Result<Vec<String>> {
    #[derive(FromRow)]
    struct Row {
        tags: String,
    }
    let mut query = QueryBuilder::new(TAGS);
    tag_scope::push(&mut query, "id", scope);
    let found: Vec<Row> = fetch_built!(all, s, "read tags", query)?;
    let lists = found.iter().filter_map(|row| serde_json::from_str::<Vec<String>>(&row.tags).ok());
    let tags: std::collections::BTreeSet<String> = lists.flatten().collect();
    Ok(tags.into_iter().collect())
}

/// Returns a LIKE pattern that finds `search` literally, anywhere, in lower case.
fn pattern(search: &str) -> String {
    like_literal(&search.to_lowercase())
}

/// Pushes a condition: one of the columns contains the text, ignoring case.
pub(super) fn push_search(query: &mut QueryBuilder, columns: &[&str], search: &str) {
    let pattern = pattern(search);
    query.push(" and (");
    for (index, column) in columns.iter().enumerate() {
        query.push(if index == 0 { "" } else { " or " });
        query.push(format!("lower(coalesce({column}, '')) like ")).push_bind(pattern.clone()).push(" escape '\\'");
    }
    query.push(")");
}

fn push_filter(query: &mut QueryBuilder, filter: &TaskFilter) {
    if let Some(search) = &filter.search {
        query.push(" and lower(id || ' ' || name || ' ' || description || ' ' || tags) like ");
        query.push_bind(pattern(search)).push(" escape '\\'");
    }
    if let Some(task_type) = &filter.task_type {
        query.push(" and task_type = ").push_bind(task_type.clone());
    }
    if let Some(status) = filter.status {
        query.push(" and last_status = ").push_bind(status.as_str().to_owned());
    }
    if let Some(tag) = &filter.tag {
        // A tag has no character that JSON escapes, so its quoted form appears in the list unchanged.
        let quoted = serde_json::Value::from(tag.as_str()).to_string();
        query.push(" and tags like ").push_bind(like_literal(&quoted)).push(" escape '\\'");
    }
    if let Some(enabled) = filter.enabled {
        query.push(" and enabled = ").push_bind(enabled);
    }
    tag_scope::push(query, "id", &filter.scope);
}

fn like_literal(text: &str) -> String {
    format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}

/// The SQL expression of a sort order. A missing next run sorts as the far future, a missing last run as the epoch.
fn expression(sort: TaskSort) -> &'static str {
    match sort {
        TaskSort::Id => "id",
        TaskSort::Name => "lower(name)",
        TaskSort::CreatedAt => "created_at",
        TaskSort::UpdatedAt => "updated_at",
        TaskSort::NextRunAt => "coalesce(next_run_at, 9223372036854775807)",
        TaskSort::LastRunAt => "coalesce(last_run_at, 0)",
        TaskSort::RunCount => "run_count",
    }
}

/// The value of that expression for a task.
fn key(task: &Task, sort: TaskSort) -> Option<String> {
    Some(match sort {
        TaskSort::Id => return None,
        TaskSort::Name => task.name.to_lowercase(),
        TaskSort::CreatedAt => millis(task.created_at).to_string(),
        TaskSort::UpdatedAt => millis(task.updated_at).to_string(),
        TaskSort::NextRunAt => task.next_run_at.map_or(i64::MAX, millis).to_string(),
        TaskSort::LastRunAt => task.stats.last_run_at.map_or(0, millis).to_string(),
        TaskSort::RunCount => task.stats.run_count.to_string(),
    })
}

fn push_cursor(query: &mut QueryBuilder, sort: TaskSort, cursor: Option<&Cursor>, descending: bool) {
    let than = if descending { "<" } else { ">" };
    match (cursor, sort) {
        (None, _) => {}
        (Some(cursor), TaskSort::Id) => {
            query.push(format!(" and id {than} ")).push_bind(cursor.id.clone());
        }
        (Some(cursor), sort) => {
            query.push(format!(" and ({}, id) {than} (", expression(sort)));
            let key = cursor.key.clone().unwrap_or_default();
            match sort {
                TaskSort::Name => query.push_bind(key),
                _ => query.push_bind(key.parse::<i64>().unwrap_or_default()),
            };
            query.push(", ").push_bind(cursor.id.clone()).push(")");
        }
    }
}

fn order(sort: TaskSort, descending: bool) -> String {
    let order = if descending { "desc" } else { "asc" };
    match sort {
        TaskSort::Id => format!(" order by id {order}"),
        _ => format!(" order by {} {order}, id {order}", expression(sort)),
    }
}
