//! The list of executions, newest first. Ids are ULIDs, so their order is that of queueing and every filter on offer is
//! answered from an index that ends with the id: a page deep in the log costs what the first page costs.

use chrono::{Duration, Utc};
use sqlx::{Encode, QueryBuilder, Type};

use super::database::on_session;
use super::execution::{COLUMNS, ExecutionRow};
use super::{Error, Result, Session, first_id_at, millis};
use crate::domain::execution::{Cause, Execution, Status};
use crate::domain::page::{Cursor, Direction, ExecutionFilter, Page, PageRequest};

/// Matching rows are counted up to here; beyond it the total is a lower bound.
const COUNT_LIMIT: i64 = 10_000;
/// A run starts at most this long after it was queued, for the lower bound of a search by start: ids older than that are
/// not looked at.
const LONGEST_WAIT: Duration = Duration::days(7);

/// One page of the executions that a filter lets through.
///
/// # Errors
/// Where the database fails.
pub async fn page(s: &mut dyn Session, filter: &ExecutionFilter, request: &PageRequest) -> Result<Page<Execution>> {
    let backwards = goes_back(request);
    let mut items = rows_of(s, filter, request).await?;
    let more = items.len() > request.size as usize;
    items.truncate(request.size as usize);
    if backwards {
        items.reverse();
    }
    let (next, previous) = edges(&items, |run| &run.id, request.cursor.as_ref(), more);
    let total = count(s, filter).await?;
    Ok(Page { items, next, previous, total, total_is_exact: total <= COUNT_LIMIT })
}

/// The rows of a page alone, newest first, without a count of all.
///
/// # Errors
/// Where the database fails.
pub async fn newest(s: &mut dyn Session, filter: &ExecutionFilter, request: &PageRequest) -> Result<Vec<Execution>> {
    let mut items = rows_of(s, filter, request).await?;
    items.truncate(request.size as usize);
    if goes_back(request) {
        items.reverse();
    }
    Ok(items)
}

fn goes_back(request: &PageRequest) -> bool {
    matches!(&request.cursor, Some(cursor) if cursor.direction == Direction::Previous)
}

/// The rows in the direction of the cursor, one more than the page holds where there are more.
async fn rows_of(s: &mut dyn Session, filter: &ExecutionFilter, request: &PageRequest) -> Result<Vec<Execution>> {
    let found: Vec<ExecutionRow> = on_session!(s, |conn, _dialect| {
        let mut query = QueryBuilder::new(format!("select {COLUMNS} from executions where true"));
        push_filter(&mut query, filter);
        push_cursor(&mut query, request.cursor.as_ref());
        query.push(if goes_back(request) { " order by id limit " } else { " order by id desc limit " });
        query.push_bind(i64::from(request.size) + 1);
        query.build_query_as().fetch_all(&mut *conn).await
    })
    .map_err(Error::on("list executions"))?;
    found.into_iter().map(Execution::try_from).collect()
}

/// How many rows match, at most one more than [`COUNT_LIMIT`].
async fn count(s: &mut dyn Session, filter: &ExecutionFilter) -> Result<i64> {
    on_session!(s, |conn, _dialect| {
        let mut query = QueryBuilder::new("select count(*) from (select 1 from executions where true");
        push_filter(&mut query, filter);
        query.push(" limit ").push_bind(COUNT_LIMIT + 1).push(") as matching");
        query.build_query_scalar().fetch_one(&mut *conn).await
    })
    .map_err(Error::on("count executions"))
}

fn push_filter<DB>(query: &mut QueryBuilder<DB>, filter: &ExecutionFilter)
where
    DB: sqlx::Database,
    String: for<'q> Encode<'q, DB> + Type<DB>,
    i64: for<'q> Encode<'q, DB> + Type<DB>,
{
    if let Some(task_id) = &filter.task_id {
        query.push(" and task_id = ").push_bind(task_id.clone());
    }
    if let Some(task_type) = &filter.task_type {
        query.push(" and task_type = ").push_bind(task_type.clone());
    }
    push_statuses(query, &filter.statuses);
    if let Some(cause) = filter.cause {
        // Written out, as with statuses.
        query.push(format!(" and cause = '{}'", cause.as_str()));
        if cause != Cause::Schedule {
            query.push(" and cause <> 'schedule'");
        }
    }
    push_times(query, filter);
    if let Some(search) = &filter.search {
        push_search(query, search);
    }
}

/// Statuses are written out, with the condition of the partial index that covers them: the planner does not work it out.
fn push_statuses<DB: sqlx::Database>(query: &mut QueryBuilder<DB>, statuses: &[Status]) {
    if statuses.is_empty() {
        return;
    }
    let names: Vec<_> = statuses.iter().map(|status| format!("'{}'", status.as_str())).collect();
    query.push(format!(" and status in ({})", names.join(", ")));
    if statuses.iter().all(|status| status.is_final()) {
        query.push(" and status not in ('queued', 'running')");
    } else if statuses.iter().all(|status| !status.is_final()) {
        query.push(" and status in ('queued', 'running')");
    }
}

/// Bounds on the start, and on the id, which is older than the start.
fn push_times<DB>(query: &mut QueryBuilder<DB>, filter: &ExecutionFilter)
where
    DB: sqlx::Database,
    String: for<'q> Encode<'q, DB> + Type<DB>,
    i64: for<'q> Encode<'q, DB> + Type<DB>,
{
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

fn push_search<DB>(query: &mut QueryBuilder<DB>, search: &str)
where
    DB: sqlx::Database,
    String: for<'q> Encode<'q, DB> + Type<DB>,
{
    let pattern = super::task_list::pattern(search);
    query.push(" and (");
    for (place, column) in ["id", "task_id", "params", "error"].into_iter().enumerate() {
        query.push(if place == 0 { "" } else { " or " });
        query.push(format!("lower(coalesce({column}, '')) like ")).push_bind(pattern.clone()).push(" escape '\\'");
    }
    query.push(")");
}

pub(super) fn push_cursor<DB>(query: &mut QueryBuilder<DB>, cursor: Option<&Cursor>)
where
    DB: sqlx::Database,
    String: for<'q> Encode<'q, DB> + Type<DB>,
{
    if let Some(cursor) = cursor {
        let comparison = if cursor.direction == Direction::Next { " and id < " } else { " and id > " };
        query.push(comparison).push_bind(cursor.id.clone());
    }
}

/// The cursors of the pages after and before this one.
pub(super) fn edges<T>(
    items: &[T],
    id: impl Fn(&T) -> &String,
    cursor: Option<&Cursor>,
    more: bool,
) -> (Option<Cursor>, Option<Cursor>) {
    let edge = |direction, item: Option<&T>| item.map(|item| Cursor { direction, key: None, id: id(item).clone() });
    let backwards = matches!(cursor, Some(cursor) if cursor.direction == Direction::Previous);
    let (has_next, has_previous) = if backwards { (true, more) } else { (more, cursor.is_some()) };
    (
        has_next.then(|| edge(Direction::Next, items.last())).flatten(),
        has_previous.then(|| edge(Direction::Previous, items.first())).flatten(),
    )
}
