//! Pages of executions, newest first. The order of ids is the order of queueing, and every filter uses an index
//! that ends with the id: any page costs as much as the first one.

use chrono::{DateTime, Duration, Utc};

use super::bound::Bound;
use super::execution::{COLUMNS, of_version};
use super::statement::{QueryBuilder, fetch, fetch_built};
use super::{Result, Session, millis, rows, time_from_millis};
use crate::domain::execution::{Cause, Execution, Status};
use crate::domain::page::{Cursor, Direction, ExecutionFilter, ExecutionSort, Page, PageRequest};
use crate::domain::stats::Outcome;
use crate::ids::{execution_key, first_execution_key};

/// Matching rows are counted up to this limit; above it the total is a lower bound.
pub(super) const COUNT_LIMIT: i64 = 10_000;
/// At most this many executions of a tag scope are scanned for a count; above it the total is a lower bound.
const SCAN_LIMIT: i64 = 50_000;
/// A text search looks at this many of the newest executions, or of the newest ones of a task.
pub const SEARCH_LIMIT: i64 = 100_000;
/// A sorted list is made of this many of the newest matches.
pub const SORT_LIMIT: u32 = 5_000;
/// The outcomes of a filter are counted among this many of the newest matches.
pub const OUTCOME_LIMIT: i64 = 5_000;
/// Those of a text search among this many of the newest executions, or of the newest ones of a task.
pub const OUTCOME_SEARCH_LIMIT: i64 = 20_000;
/// Assumed longest time between queueing and start; a filter by start time ignores executions queued earlier than that.
const LONGEST_WAIT: Duration = Duration::days(7);

/// Returns one page of the matching executions with their count.
pub async fn page(s: &mut dyn Session, filter: &ExecutionFilter, request: &PageRequest) -> Result<Page<Execution>> {
    let found = rows_of(s, filter, request).await?;
    let total = match found.total {
        Some(total) => total,
        None => count(s, filter).await?,
    };
    Ok(page_of(found.rows, request, total))
}

/// The rows of a page, with one more if there are more.
pub struct FoundRows {
    pub rows: Vec<Execution>,
    /// The number of matches and whether it is exact, where it is known without counting.
    pub total: Option<(i64, bool)>,
}

/// Builds a page from the rows that [`rows_of`] returns and the number of matching executions.
pub fn page_of(found: Vec<Execution>, request: &PageRequest, total: (i64, bool)) -> Page<Execution> {
    Page::from_rows(found, |run| (None, run.id.clone()), request, total)
}

/// Returns one page of the matching executions, newest first, without counting all matches.
pub async fn newest(s: &mut dyn Session, filter: &ExecutionFilter, request: &PageRequest) -> Result<Vec<Execution>> {
    let found = rows_of(s, filter, request).await?;
    Ok(page_of(found.rows, request, (0, true)).items)
}

/// Returns the existing executions among these ids, newest first.
pub async fn many(s: &mut dyn Session, ids: &[&str]) -> Result<Vec<Execution>> {
    let keys: Vec<_> = ids.iter().map(|id| execution_key(id)).collect();
    let (text, list) = (many_sql(), rows(&keys)?);
    fetch!(all, s, "read executions", &text, list)
}

pub(super) fn many_sql() -> String {
    format!("select {COLUMNS} from executions where id in {{keys}} order by id desc")
}

/// Reads the rows in the direction of the cursor, plus one if there are more.
pub async fn rows_of(s: &mut dyn Session, filter: &ExecutionFilter, request: &PageRequest) -> Result<FoundRows> {
    let oldest = oldest_searched(s, filter, SEARCH_LIMIT).await?;
    let query = rows_query(filter, request, oldest);
    let rows: Vec<Execution> = fetch_built!(all, s, "list executions", query)?;
    let total = request.total_of(rows.len()).map(|total| (total, oldest.is_none()));
    Ok(FoundRows { rows, total })
}

/// The oldest of the `limit` executions that a text search looks at; `None` if it looks at all of them.
async fn oldest_searched(s: &mut dyn Session, filter: &ExecutionFilter, limit: i64) -> Result<Option<i64>> {
    if filter.search.is_none() {
        return Ok(None);
    }
    match &filter.task_id {
        None => fetch!(scalar, s, "search executions", OLDEST_SEARCHED, limit - 1),
        Some(task_id) => fetch!(scalar, s, "search executions", OLDEST_SEARCHED_OF_TASK, limit - 1, task_id),
    }
}

pub(super) const OLDEST_SEARCHED: &str = "select id from executions order by id desc limit 1 offset $1";

pub(super) const OLDEST_SEARCHED_OF_TASK: &str =
    "select id from executions where task_id = $2 order by id desc limit 1 offset $1";

/// Returns the first `size` of the newest [`SORT_LIMIT`] matches, sorted; without those that lack the value.
pub async fn sorted(
    s: &mut dyn Session,
    filter: &ExecutionFilter,
    order: (ExecutionSort, bool),
    size: u32,
) -> Result<Vec<Execution>> {
    let oldest = oldest_searched(s, filter, SEARCH_LIMIT).await?;
    let query = sorted_query(filter, order, size, oldest);
    fetch_built!(all, s, "sort executions", query)
}

pub(super) fn sorted_query(
    filter: &ExecutionFilter,
    (sort, descending): (ExecutionSort, bool),
    size: u32,
    oldest: Option<i64>,
) -> QueryBuilder {
    let column = match sort {
        ExecutionSort::Duration => "duration_ms",
        ExecutionSort::StartedAt => "started_at",
    };
    let direction = if descending { " desc" } else { "" };
    let order = format!("{column} is not null order by {column}{direction}, id desc");
    let newest = "select id, duration_ms, started_at from executions where true";
    let mut query = QueryBuilder::new(format!("select {COLUMNS} from executions where id in (select id from ({newest}"));
    push_page(&mut query, filter, &PageRequest { size: SORT_LIMIT - 1, cursor: None }, oldest);
    query.push(format!(") as newest where {order} limit ")).push_bind(i64::from(size));
    query.push(format!(") and {order}"));
    query
}

pub(super) fn rows_query(filter: &ExecutionFilter, request: &PageRequest, oldest: Option<i64>) -> QueryBuilder {
    let mut query = QueryBuilder::new(format!("select {COLUMNS} from executions where true"));
    push_page(&mut query, filter, request, oldest);
    query
}

/// Pushes the conditions, the order and the limit of a page.
fn push_page(query: &mut QueryBuilder, filter: &ExecutionFilter, request: &PageRequest, oldest: Option<i64>) {
    push_oldest(query, oldest);
    match filter.scope.tags() {
        Some(tags) if filter.task_id.is_none() => push_scoped_page(query, tags, filter, request),
        _ => {
            push_rows(query, filter, request);
            push_order(query, order_key(filter, filter.task_id.is_some()), request);
        }
    }
    push_limit(query, request.size);
}

/// Pushes the bound of a text search.
fn push_oldest(query: &mut QueryBuilder, oldest: Option<i64>) {
    if let Some(oldest) = oldest {
        query.push(" and id >= ").push_bind(oldest);
    }
}

/// Pushes the conditions: filter, scope and cursor.
fn push_rows(query: &mut QueryBuilder, filter: &ExecutionFilter, request: &PageRequest) {
    push_filter(query, filter);
    if filter.task_id.is_some() {
        super::tag_scope::push(query, "task_id", &filter.scope);
    }
    push_cursor(query, request.cursor.as_ref(), execution_key);
}

/// The id as a sort key. With a unary plus the planner sorts the few active executions, or the unsuccessful ones of a task, instead
/// of reading all executions in the order of their ids.
fn order_key(filter: &ExecutionFilter, of_one_task: bool) -> &'static str {
    let statuses = &filter.statuses;
    let active = !statuses.is_empty() && statuses.iter().all(|status| !status.is_final());
    let failed = of_one_task && statuses.len() > 1 && !statuses.contains(&Status::Succeeded);
    if active || failed { "+id" } else { "id" }
}

fn push_order(query: &mut QueryBuilder, key: &str, request: &PageRequest) {
    query.push(format!(" order by {key}{}", if request.is_backwards() { "" } else { " desc" }));
}

/// Pushes the limit: one row more than requested.
fn push_limit(query: &mut QueryBuilder, size: u32) {
    query.push(" limit ").push_bind(i64::from(size) + 1);
}

/// Pushes the ids of one page for a tag scope. Each task in scope is probed once for its first matching execution. Only the
/// tasks with the leading first executions can contribute to the page, and at most one page is read of each. The cost does not
/// depend on how rare the executions are in the whole table.
fn push_scoped_page(query: &mut QueryBuilder, tags: &[String], filter: &ExecutionFilter, request: &PageRequest) {
    let (order, comparison, last) = if request.is_backwards() { ("", "<=", i64::MAX) } else { (" desc", ">=", 0) };
    query.push(" and id in (select executions.id from (select visible_task_id from (select g.visible_task_id, (");
    let key = order_key(filter, true);
    query.push("select id from executions where task_id = g.visible_task_id");
    push_rows(query, filter, request);
    push_order(query, key, request);
    push_limit(query, 0);
    query.push(") as first_id from (");
    super::tag_scope::push_visible_tasks(query, tags);
    query.push(format!(") as g) as firsts where first_id is not null order by first_id{order} limit "));
    query.push_bind(i64::from(request.size) + 1);
    query.push(") as lead cross join executions where task_id = lead.visible_task_id");
    push_rows(query, filter, request);
    query.push(format!(" and id {comparison} coalesce((select id from executions where task_id = lead.visible_task_id"));
    push_rows(query, filter, request);
    push_order(query, key, request);
    push_limit(query, 0);
    query.push(" offset ").push_bind(i64::from(request.size));
    query.push(format!("), {last})"));
    push_order(query, key, request);
    push_limit(query, request.size);
    query.push(")");
    push_order(query, "id", request);
}

/// The outcomes of the newest matches of a filter.
pub struct MatchedOutcomes {
    /// Of those that have ended, by step.
    pub outcomes: Vec<Outcome>,
    /// The queued and running ones.
    pub active: Vec<(Status, i64)>,
    /// `None`: all matches are counted.
    pub limit: Option<OutcomeLimit>,
}

/// Why not all matches are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutcomeLimit {
    /// There are more than [`OUTCOME_LIMIT`].
    Matches,
    /// A text search looked at [`OUTCOME_SEARCH_LIMIT`] executions.
    Searched,
}

/// Counts the newest [`OUTCOME_LIMIT`] matches that began in `from..to`, in steps of `step_ms` milliseconds aligned to the Unix epoch, and
/// among them those that are queued or running. The filter has no statuses and no times.
pub async fn outcomes(
    s: &mut dyn Session,
    filter: &ExecutionFilter,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    step_ms: i64,
) -> Result<MatchedOutcomes> {
    // The executions of the period may begin after the oldest one that is looked at.
    let oldest = oldest_searched(s, filter, OUTCOME_SEARCH_LIMIT).await?.filter(|oldest| *oldest > oldest_started_since(from));
    let query = outcomes_query(filter, (from, to), step_ms, oldest);
    let found: Vec<(Option<i64>, Status, i64)> = fetch_built!(all, s, "count the outcomes of executions", query)?;
    let has_more = found.iter().map(|(.., runs)| runs).sum::<i64>() > OUTCOME_LIMIT;
    let limit = if has_more { Some(OutcomeLimit::Matches) } else { oldest.map(|_| OutcomeLimit::Searched) };
    let mut counted = MatchedOutcomes { outcomes: Vec::new(), active: Vec::new(), limit };
    for (step, status, runs) in found {
        match step {
            Some(step) => counted.outcomes.push(Outcome { at: time_from_millis(step)?, status, runs }),
            None => counted.active.push((status, runs)),
        }
    }
    Ok(counted)
}

pub(super) fn outcomes_query(
    filter: &ExecutionFilter,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    step_ms: i64,
    oldest: Option<i64>,
) -> QueryBuilder {
    let mut query = QueryBuilder::new(format!(
        "select step, status, count(*) from (select status,
            case when status in ('queued', 'running') then null else started_at / {step_ms} * {step_ms} end as step
        from executions where true"
    ));
    push_filter(&mut query, filter);
    super::tag_scope::push(&mut query, "task_id", &filter.scope);
    push_oldest(&mut query, oldest);
    query.push(" and id >= ").push_bind(oldest_started_since(from));
    query.push(" and id < ").push_bind(first_execution_key(to));
    query.push(" and (status in ('queued', 'running') or started_at >= ").push_bind(millis(from));
    query.push(" and started_at < ").push_bind(millis(to));
    query.push(") order by id desc limit ").push_bind(OUTCOME_LIMIT + 1);
    query.push(") as newest group by step, status");
    query
}

/// The smallest id of an execution that began at `from` or later.
fn oldest_started_since(from: DateTime<Utc>) -> i64 {
    first_execution_key(from.checked_sub_signed(LONGEST_WAIT).unwrap_or(DateTime::<Utc>::MIN_UTC))
}

/// Counts the matches up to `COUNT_LIMIT`; the flag says whether the count is exact.
pub async fn count(s: &mut dyn Session, filter: &ExecutionFilter) -> Result<(i64, bool)> {
    if let Some(from) = filter.from
        && *filter == (ExecutionFilter { from: Some(from), ..ExecutionFilter::default() })
    {
        let at_least: i64 = fetch!(only, s, "count executions", SUCCEEDED_SINCE, first_execution_key(from), COUNT_LIMIT + 1)?;
        if at_least > COUNT_LIMIT {
            return Ok((COUNT_LIMIT, false));
        }
    }
    let oldest = oldest_searched(s, filter, SEARCH_LIMIT).await?;
    let query = count_query(filter, oldest);
    let (found, scanned): (i64, i64) = fetch_built!(one, s, "count executions", query)?;
    Ok((found.min(COUNT_LIMIT), found <= COUNT_LIMIT && scanned <= SCAN_LIMIT && oldest.is_none()))
}

/// The number of successful runs that were queued since a time: a lower bound of those that started since.
pub(super) const SUCCEEDED_SINCE: &str =
    "select count(*) from (select 1 from executions where status = 'succeeded' and id >= $1 limit $2) as matching";

/// Selects the number of matches from the execution `oldest` on and, for a tag scope, of scanned executions.
pub(super) fn count_query(filter: &ExecutionFilter, oldest: Option<i64>) -> QueryBuilder {
    let Some(tags) = filter.scope.tags() else {
        let mut query = QueryBuilder::new("select count(*), cast(0 as bigint) from (select 1 from executions where true");
        push_filter(&mut query, filter);
        push_oldest(&mut query, oldest);
        if filter.from.is_some() {
            // Matches come first from the newest on; from the oldest on, days without matches may come first.
            query.push(" order by id desc");
        }
        query.push(" limit ").push_bind(COUNT_LIMIT + 1).push(") as matching");
        return query;
    };
    let mut query = QueryBuilder::new("select coalesce(sum(case when true");
    push_filter(&mut query, filter);
    query.push(" then 1 else 0 end), 0), count(*) from (select executions.* from (");
    super::tag_scope::push_visible_tasks(&mut query, tags);
    query.push(") as g cross join executions where executions.task_id = g.visible_task_id");
    if let Some(task_id) = &filter.task_id {
        query.push(" and g.visible_task_id = ").push_bind(task_id.clone());
    }
    push_times(&mut query, filter);
    push_oldest(&mut query, oldest);
    query.push(" limit ").push_bind(SCAN_LIMIT + 1).push(") as executions");
    query
}

fn push_filter(query: &mut QueryBuilder, filter: &ExecutionFilter) {
    if let Some(task_id) = &filter.task_id {
        query.push(" and task_id = ").push_bind(task_id.clone());
    }
    if let Some(task_type) = &filter.task_type {
        query.push(" and task_type = ").push_bind(task_type.clone());
    }
    push_statuses(query, &filter.statuses, filter.task_id.is_some() || !filter.scope.is_all());
    if let Some(cause) = filter.cause {
        // A literal, for the same reason as in [`push_statuses`].
        query.push(format!(" and cause = '{}'", cause.as_str()));
        if cause != Cause::Schedule {
            query.push(" and cause <> 'schedule'");
        }
    }
    push_times(query, filter);
    if let Some(search) = &filter.search {
        match execution_key(&search.to_uppercase()) {
            -1 => super::text_search::push_search(query, &["task_id", of_version!("executions", "params"), "error"], search),
            key => {
                query.push(" and id = ").push_bind(key);
            }
        }
    }
}

/// Pushes statuses as literals together with the conditions of the partial indexes: the planner does not derive them.
fn push_statuses(query: &mut QueryBuilder, statuses: &[Status], of_one_task: bool) {
    if statuses.is_empty() {
        return;
    }
    let names: Vec<_> = statuses.iter().map(|status| format!("'{}'", status.as_str())).collect();
    let unsuccessful = statuses.iter().all(|status| status.is_final() && *status != Status::Succeeded);
    // Several statuses of all tasks: hidden from the index by status, so that one in the order of ids is read.
    let column = if unsuccessful && statuses.len() > 1 && !of_one_task { "status || ''" } else { "status" };
    query.push(format!(" and {column} in ({})", names.join(", ")));
    if unsuccessful {
        query.push(" and status not in ('queued', 'running', 'succeeded')");
    } else if statuses.iter().all(|status| !status.is_final()) {
        query.push(" and status in ('queued', 'running')");
    }
}

/// Pushes bounds on the start time, and on the id, which precedes the start.
fn push_times(query: &mut QueryBuilder, filter: &ExecutionFilter) {
    if let Some(from) = filter.from {
        query.push(" and started_at >= ").push_bind(millis(from));
        query.push(" and id >= ").push_bind(oldest_started_since(from));
    }
    if let Some(to) = filter.to {
        query.push(" and started_at < ").push_bind(millis(to));
        query.push(" and id < ").push_bind(first_execution_key(to));
    }
}

/// Continues after a cursor. `key` is the stored form of its id.
pub(super) fn push_cursor<K: Into<Bound>>(query: &mut QueryBuilder, cursor: Option<&Cursor>, key: impl FnOnce(&str) -> K) {
    if let Some(cursor) = cursor {
        let comparison = if cursor.direction == Direction::Next { " and id < " } else { " and id > " };
        query.push(comparison).push_bind(key(&cursor.id));
    }
}
