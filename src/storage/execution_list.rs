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
pub(super) const COUNT_LIMIT: i64 = 10_000;
/// Of a team's executions so many are looked at for a count; beyond it, too, the total is a lower bound.
const LOOKED_AT: i64 = 50_000;
/// A run starts at most this long after it was queued, for the lower bound of a search by start: ids older than that are
/// not looked at.
const LONGEST_WAIT: Duration = Duration::days(7);

/// One page of the executions that a filter lets through.
///
/// # Errors
/// Where the database fails.
pub async fn page(s: &mut dyn Session, filter: &ExecutionFilter, request: &PageRequest) -> Result<Page<Execution>> {
    let found = rows_of(s, filter, request).await?;
    let total = count(s, filter).await?;
    Ok(of_rows(found, |run| &run.id, request, total))
}

/// The rows of a page alone, newest first, without a count of all.
///
/// # Errors
/// Where the database fails.
pub async fn newest(s: &mut dyn Session, filter: &ExecutionFilter, request: &PageRequest) -> Result<Vec<Execution>> {
    Ok(of_rows(rows_of(s, filter, request).await?, |run| &run.id, request, (0, true)).items)
}

/// The rows in the direction of the cursor, one more than the page holds where there are more.
async fn rows_of(s: &mut dyn Session, filter: &ExecutionFilter, request: &PageRequest) -> Result<Vec<Execution>> {
    let found: Vec<ExecutionRow> = on_session!(s, |conn, _dialect| {
        let mut query = rows_query(filter, request);
        query.build_query_as().fetch_all(&mut *conn).await
    })
    .map_err(Error::on("list executions"))?;
    found.into_iter().map(Execution::try_from).collect()
}

pub(super) fn rows_query<DB>(filter: &ExecutionFilter, request: &PageRequest) -> QueryBuilder<DB>
where
    DB: sqlx::Database,
    String: for<'q> Encode<'q, DB> + Type<DB>,
    i64: for<'q> Encode<'q, DB> + Type<DB>,
{
    let mut query = QueryBuilder::new(format!("select {COLUMNS} from executions where true"));
    match filter.reach.tags() {
        Some(tags) if filter.task_id.is_none() => push_team_page(&mut query, tags, filter, request),
        _ => push_rows(&mut query, filter, request),
    }
    push_edge(&mut query, request, request.size);
    query
}

/// Which rows, but for their order and number.
fn push_rows<DB>(query: &mut QueryBuilder<DB>, filter: &ExecutionFilter, request: &PageRequest)
where
    DB: sqlx::Database,
    String: for<'q> Encode<'q, DB> + Type<DB>,
    i64: for<'q> Encode<'q, DB> + Type<DB>,
{
    push_filter(query, filter);
    if filter.task_id.is_some() {
        super::reach::push(query, "task_id", &filter.reach);
    }
    push_cursor(query, request.cursor.as_ref());
}

/// The order, and how many rows: one more than are wanted.
fn push_edge<DB>(query: &mut QueryBuilder<DB>, request: &PageRequest, size: u32)
where
    DB: sqlx::Database,
    i64: for<'q> Encode<'q, DB> + Type<DB>,
{
    query.push(if request.is_backwards() { " order by id limit " } else { " order by id desc limit " });
    query.push_bind(i64::from(size) + 1);
}

/// The ids of a page of a team's executions. However rare these are in the log, each task of the team is looked up once for
/// its first matching execution; only the tasks whose first ones lead can have a part in the page, and of each no more than
/// a page is read.
fn push_team_page<DB>(query: &mut QueryBuilder<DB>, tags: &[String], filter: &ExecutionFilter, request: &PageRequest)
where
    DB: sqlx::Database,
    String: for<'q> Encode<'q, DB> + Type<DB>,
    i64: for<'q> Encode<'q, DB> + Type<DB>,
{
    let (order, beyond, farthest) = if request.is_backwards() { ("", "<=", "Z") } else { (" desc", ">=", "") };
    query.push(" and id in (select e.id from (select own_task from (select g.own_task, (");
    query.push("select id from executions where task_id = g.own_task");
    push_rows(query, filter, request);
    push_edge(query, request, 0);
    query.push(") as first_id from (");
    super::reach::push_tasks(query, tags);
    query.push(format!(") as g) as firsts where first_id is not null order by first_id{order} limit "));
    query.push_bind(i64::from(request.size) + 1);
    query.push(") as lead cross join executions as e where e.task_id = lead.own_task");
    push_rows(query, filter, request);
    query.push(format!(" and id {beyond} coalesce((select id from executions where task_id = lead.own_task"));
    push_rows(query, filter, request);
    push_edge(query, request, 0);
    query.push(" offset ").push_bind(i64::from(request.size));
    query.push(format!("), '{farthest}')"));
    push_edge(query, request, request.size);
    query.push(")");
}

/// How many rows match, and whether there are no more: all are counted up to [`COUNT_LIMIT`].
async fn count(s: &mut dyn Session, filter: &ExecutionFilter) -> Result<(i64, bool)> {
    let (found, looked_at): (i64, i64) = on_session!(s, |conn, _dialect| {
        let mut query = count_query(filter);
        query.build_query_as().fetch_one(&mut *conn).await
    })
    .map_err(Error::on("count executions"))?;
    Ok((found, found <= COUNT_LIMIT && looked_at <= LOOKED_AT))
}

/// Answers how many match, and how many of a team's were looked at for it.
pub(super) fn count_query<DB>(filter: &ExecutionFilter) -> QueryBuilder<DB>
where
    DB: sqlx::Database,
    String: for<'q> Encode<'q, DB> + Type<DB>,
    i64: for<'q> Encode<'q, DB> + Type<DB>,
{
    let Some(tags) = filter.reach.tags() else {
        let mut query = QueryBuilder::new("select count(*), cast(0 as bigint) from (select 1 from executions where true");
        push_filter(&mut query, filter);
        query.push(" limit ").push_bind(COUNT_LIMIT + 1).push(") as matching");
        return query;
    };
    let mut query = QueryBuilder::new("select coalesce(sum(case when true");
    push_filter(&mut query, filter);
    query.push(" then 1 else 0 end), 0), count(*) from (select e.* from (");
    super::reach::push_tasks(&mut query, tags);
    query.push(") as g cross join executions as e where e.task_id = g.own_task");
    if let Some(task_id) = &filter.task_id {
        query.push(" and g.own_task = ").push_bind(task_id.clone());
    }
    push_times(&mut query, filter);
    query.push(" limit ").push_bind(LOOKED_AT + 1).push(") as looked_at");
    query
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
        super::task_list::push_search(query, &["id", "task_id", "params", "error"], search);
    }
}

/// Statuses are written out, with the conditions of the partial indexes that cover them: the planner does not work them out.
fn push_statuses<DB: sqlx::Database>(query: &mut QueryBuilder<DB>, statuses: &[Status]) {
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

/// A page, newest first, of the rows found in the direction of the cursor: one more than it holds where there are more.
pub(super) fn of_rows<T>(mut items: Vec<T>, id: impl Fn(&T) -> &String, request: &PageRequest, total: (i64, bool)) -> Page<T> {
    let more = items.len() > request.size as usize;
    items.truncate(request.size as usize);
    let (has_next, has_previous) = match request.is_backwards() {
        true => (true, more),
        false => (more, request.cursor.is_some()),
    };
    if request.is_backwards() {
        items.reverse();
    }
    let edge = |direction, item: Option<&T>| item.map(|item| Cursor { direction, key: None, id: id(item).clone() });
    let next = has_next.then(|| edge(Direction::Next, items.last())).flatten();
    let previous = has_previous.then(|| edge(Direction::Previous, items.first())).flatten();
    Page { items, next, previous, total: total.0, total_is_exact: total.1 }
}
