//! Pages of executions, newest first. Ids are ULIDs, so their order is the order of queueing, and every filter uses an index
//! that ends with the id: any page costs as much as the first one.

use chrono::{Duration, Utc};

use super::execution::COLUMNS;
use super::statement::{QueryBuilder, fetch_built};
use super::{Result, Session, first_id_at, millis};
use crate::domain::execution::{Cause, Execution, Status};
use crate::domain::page::{Cursor, Direction, ExecutionFilter, Page, PageRequest};

/// Matching rows are counted up to this limit; above it the total is a lower bound.
pub(super) const COUNT_LIMIT: i64 = 10_000;
/// At most this many executions of a tag scope are scanned for a count; above it the total is a lower bound.
const SCAN_LIMIT: i64 = 50_000;
/// Assumed longest time between queueing and start; a filter by start time ignores executions queued earlier than that.
const LONGEST_WAIT: Duration = Duration::days(7);

/// Returns one page of the matching executions with their count.
pub async fn page(s: &mut dyn Session, filter: &ExecutionFilter, request: &PageRequest) -> Result<Page<Execution>> {
    let found = rows_of(s, filter, request).await?;
    let total = count(s, filter).await?;
    Ok(Page::from_rows(found, |run| (None, run.id.clone()), request, total))
}

/// Returns one page of the matching executions, newest first, without counting all matches.
pub async fn newest(s: &mut dyn Session, filter: &ExecutionFilter, request: &PageRequest) -> Result<Vec<Execution>> {
    let found = rows_of(s, filter, request).await?;
    Ok(Page::from_rows(found, |run| (None, run.id.clone()), request, (0, true)).items)
}

/// Reads the rows in the direction of the cursor, plus one if there are more.
async fn rows_of(s: &mut dyn Session, filter: &ExecutionFilter, request: &PageRequest) -> Result<Vec<Execution>> {
    let query = rows_query(filter, request);
    fetch_built!(all, s, "list executions", query)
}

pub(super) fn rows_query(filter: &ExecutionFilter, request: &PageRequest) -> QueryBuilder {
    let mut query = QueryBuilder::new(format!("select {COLUMNS} from executions where true"));
    match filter.scope.tags() {
        Some(tags) if filter.task_id.is_none() => push_scoped_page(&mut query, tags, filter, request),
        _ => push_rows(&mut query, filter, request),
    }
    push_order_and_limit(&mut query, request, request.size);
    query
}

/// Pushes the conditions: filter, scope and cursor.
fn push_rows(query: &mut QueryBuilder, filter: &ExecutionFilter, request: &PageRequest) {
    push_filter(query, filter);
    if filter.task_id.is_some() {
        super::tag_scope::push(query, "task_id", &filter.scope);
    }
    push_cursor(query, request.cursor.as_ref());
}

/// Pushes order and limit: one row more than requested.
fn push_order_and_limit(query: &mut QueryBuilder, request: &PageRequest, size: u32) {
    query.push(if request.is_backwards() { " order by id limit " } else { " order by id desc limit " });
    query.push_bind(i64::from(size) + 1);
}

/// Pushes the ids of one page for a tag scope. Each task in scope is probed once for its first matching execution. Only the
/// tasks with the leading first executions can contribute to the page, and at most one page is read of each. The cost does not
/// depend on how rare the executions are in the whole table.
fn push_scoped_page(query: &mut QueryBuilder, tags: &[String], filter: &ExecutionFilter, request: &PageRequest) {
    let (order, comparison, last) = if request.is_backwards() { ("", "<=", "Z") } else { (" desc", ">=", "") };
    query.push(" and id in (select e.id from (select visible_task_id from (select g.visible_task_id, (");
    query.push("select id from executions where task_id = g.visible_task_id");
    push_rows(query, filter, request);
    push_order_and_limit(query, request, 0);
    query.push(") as first_id from (");
    super::tag_scope::push_visible_tasks(query, tags);
    query.push(format!(") as g) as firsts where first_id is not null order by first_id{order} limit "));
    query.push_bind(i64::from(request.size) + 1);
    query.push(") as lead cross join executions as e where e.task_id = lead.visible_task_id");
    push_rows(query, filter, request);
    query.push(format!(" and id {comparison} coalesce((select id from executions where task_id = lead.visible_task_id"));
    push_rows(query, filter, request);
    push_order_and_limit(query, request, 0);
    query.push(" offset ").push_bind(i64::from(request.size));
    query.push(format!("), '{last}')"));
    push_order_and_limit(query, request, request.size);
    query.push(")");
}

/// Counts the matches up to [`COUNT_LIMIT`]; the flag says whether the count is exact.
async fn count(s: &mut dyn Session, filter: &ExecutionFilter) -> Result<(i64, bool)> {
    let query = count_query(filter);
    let (found, scanned): (i64, i64) = fetch_built!(one, s, "count executions", query)?;
    Ok((found, found <= COUNT_LIMIT && scanned <= SCAN_LIMIT))
}

/// Selects the number of matches and, for a tag scope, of scanned executions.
pub(super) fn count_query(filter: &ExecutionFilter) -> QueryBuilder {
    let Some(tags) = filter.scope.tags() else {
        let mut query = QueryBuilder::new("select count(*), cast(0 as bigint) from (select 1 from executions where true");
        push_filter(&mut query, filter);
        query.push(" limit ").push_bind(COUNT_LIMIT + 1).push(") as matching");
        return query;
    };
    let mut query = QueryBuilder::new("select coalesce(sum(case when true");
    push_filter(&mut query, filter);
    query.push(" then 1 else 0 end), 0), count(*) from (select e.* from (");
    super::tag_scope::push_visible_tasks(&mut query, tags);
    query.push(") as g cross join executions as e where e.task_id = g.visible_task_id");
    if let Some(task_id) = &filter.task_id {
        query.push(" and g.visible_task_id = ").push_bind(task_id.clone());
    }
    push_times(&mut query, filter);
    query.push(" limit ").push_bind(SCAN_LIMIT + 1).push(") as scanned");
    query
}

fn push_filter(query: &mut QueryBuilder, filter: &ExecutionFilter) {
    if let Some(task_id) = &filter.task_id {
        query.push(" and task_id = ").push_bind(task_id.clone());
    }
    if let Some(task_type) = &filter.task_type {
        query.push(" and task_type = ").push_bind(task_type.clone());
    }
    push_statuses(query, &filter.statuses);
    if let Some(cause) = filter.cause {
        // A literal, for the same reason as in [`push_statuses`].
        query.push(format!(" and cause = '{}'", cause.as_str()));
        if cause != Cause::Schedule {
            query.push(" and cause <> 'schedule'");
        }
    }
    push_times(query, filter);
    if let Some(search) = &filter.search {
        super::task_list::push_search(query, &["id", "task_id", "params", "error"], search);
    }
}

/// Pushes statuses as literals together with the conditions of the partial indexes: the planner does not derive them.
fn push_statuses(query: &mut QueryBuilder, statuses: &[Status]) {
    if statuses.is_empty() {
        return;
    }
    let names: Vec<_> = statuses.iter().map(|status| format!("'{}'", status.as_str())).collect();
    query.push(format!(" and status in ({})", names.join(", ")));
    if statuses.iter().all(|status| status.is_final()) {
        query.push(" and status not in ('queued', 'running')");
        if !statuses.contains(&Status::Succeeded) {
            query.push(" and status not in ('queued', 'running', 'succeeded')");
        }
    } else if statuses.iter().all(|status| !status.is_final()) {
        query.push(" and status in ('queued', 'running')");
    }
}

/// Pushes bounds on the start time, and on the id, which precedes the start.
fn push_times(query: &mut QueryBuilder, filter: &ExecutionFilter) {
    if let Some(from) = filter.from {
        query.push(" and started_at >= ").push_bind(millis(from));
        let oldest = from.checked_sub_signed(LONGEST_WAIT).unwrap_or(chrono::DateTime::<Utc>::MIN_UTC);
        query.push(" and id >= ").push_bind(first_id_at(oldest));
    }
    if let Some(to) = filter.to {
        query.push(" and started_at < ").push_bind(millis(to));
        query.push(" and id < ").push_bind(first_id_at(to));
    }
}

pub(super) fn push_cursor(query: &mut QueryBuilder, cursor: Option<&Cursor>) {
    if let Some(cursor) = cursor {
        let comparison = if cursor.direction == Direction::Next { " and id < " } else { " and id > " };
        query.push(comparison).push_bind(cursor.id.clone());
    }
}
