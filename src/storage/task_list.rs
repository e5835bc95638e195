//! Pages of tasks: filtered, sorted, and paged by the sort key of the first or last row.

use super::account::TagsRow;
use super::execution_list::COUNT_LIMIT;
use super::statement::{QueryBuilder, fetch_built};
use super::task::COLUMNS;
use super::text_search::like_literal;
use super::{Result, Session, millis, tag_scope};
use crate::domain::folding::fold;
use crate::domain::page::{Cursor, Page, PageRequest, TaskFilter, TaskSort};
use crate::domain::tag_scope::TagScope;
use crate::domain::task::Task;

/// Returns one page of the matching tasks with their count, as [`count_up_to_limit`] has it.
pub async fn page(s: &mut dyn Session, filter: &TaskFilter, request: &PageRequest) -> Result<Page<Task>> {
    let found = rows(s, filter, request).await?;
    let total = match request.total_of(found.len()) {
        Some(total) => (total, true),
        None => count_up_to_limit(s, filter).await?,
    };
    Ok(page_of(found, filter.sort, request, total))
}

/// Builds a page from what [`rows`] returns and the number of matching tasks.
pub fn page_of(found: Vec<Task>, sort: TaskSort, request: &PageRequest, total: (i64, bool)) -> Page<Task> {
    Page::from_rows(found, |task| (key(task, sort), task.id.clone()), request, total)
}

/// Returns the rows of a page in the direction of the cursor, plus one if there are more.
pub async fn rows(s: &mut dyn Session, filter: &TaskFilter, request: &PageRequest) -> Result<Vec<Task>> {
    let limit = i64::from(request.size) + 1;
    let backwards = request.is_backwards();
    // The inner query sorts ids only; sorting whole rows costs several times as much.
    let descending = filter.descending != backwards;
    let mut query = QueryBuilder::new(format!("select {COLUMNS} from tasks where id in (select id from tasks where true"));
    push_filter(&mut query, filter);
    push_cursor(&mut query, filter.sort, request.cursor.as_ref(), descending);
    query.push(order(filter.sort, descending)).push(" limit ").push_bind(limit);
    query.push(")").push(order(filter.sort, descending));
    fetch_built!(all, s, "list tasks", query)
}

/// Counts the matches up to `COUNT_LIMIT`; the flag says whether the count is exact.
pub async fn count_up_to_limit(s: &mut dyn Session, filter: &TaskFilter) -> Result<(i64, bool)> {
    let mut query = QueryBuilder::new("select count(*) from (select 1 from tasks where true");
    push_filter(&mut query, filter);
    query.push(" limit ").push_bind(COUNT_LIMIT + 1).push(") as matching");
    let found: i64 = fetch_built!(only, s, "count tasks", query)?;
    Ok((found.min(COUNT_LIMIT), found <= COUNT_LIMIT))
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
    let mut query = QueryBuilder::new(TAGS);
    tag_scope::push(&mut query, "id", scope);
    let found: Vec<TagsRow> = fetch_built!(all, s, "read tags", query)?;
    let tags: std::collections::BTreeSet<String> = found.into_iter().flat_map(|row| row.tags).collect();
    Ok(tags.into_iter().collect())
}

fn push_filter(query: &mut QueryBuilder, filter: &TaskFilter) {
    if let Some(search) = &filter.search {
        query.push(" and search_key like ").push_bind(like_literal(&fold(search))).push(" escape '\\'");
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

/// The SQL expression of a sort order. A missing next run sorts as the far future, a missing last run as the epoch.
fn expression(sort: TaskSort) -> &'static str {
    match sort {
        TaskSort::Id => "id",
        TaskSort::Name => "name_key{by_bytes}",
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
        TaskSort::Name => fold(&task.name),
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
