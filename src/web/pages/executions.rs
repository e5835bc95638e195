//! Executions list, its row updates and its download.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use poem::http::{StatusCode, header};
use poem::{Body, Response};
use serde_json::json;

use super::{rows, saved_views};
use crate::domain::execution::{Cause, Execution, Status};
use crate::domain::page::{Cursor, Direction, ExecutionFilter, ExecutionSort, Page, PageRequest};
use crate::domain::saved_view::ListKind;
use crate::domain::trigger::{parse_datetime, parse_zone};
use crate::i18n::{Message, message};
use crate::stats::outcome_history::{OutcomeHistory, SlotRange};
use crate::stats::timeline::start_of_day;
use crate::web::display::ListDisplay;
use crate::web::download::{self, Format};
use crate::web::error::Failure;
use crate::web::request_context::{HandlerResult, RequestContext, html_response};
use crate::web::row_cache::RowKey;
use crate::web::urls::{Pairs, with_query};
use crate::web::view::display::DisplayMenu;
use crate::web::view::executions::{ExecutionList, Filter, Range};
use crate::web::view::tasks::SortHead;
use crate::web::view::workbench::{DrawnWorkbench, Histogram, tabs};
use crate::web::view::{Pager, View, cause_choices, filter_type_choices, status_choices};

/// Predefined ranges with their length; `today` starts at midnight in the time zone of the URL, or else the server's.
const RANGES: [(&str, Duration); 5] = [
    ("hour", Duration::hours(1)),
    ("today", Duration::zero()),
    ("day", Duration::days(1)),
    ("week", Duration::days(7)),
    ("month", Duration::days(30)),
];
/// The range of the histogram and the counts if none is chosen.
const USUAL_RANGE: &str = "day";

/// Maximum number of rows per update.
const MAX_ROWS: usize = 100;
/// New executions are counted up to this number.
const MAX_NEWER: u32 = 100;

/// `GET /executions`
pub async fn list(ctx: Arc<RequestContext>) -> HandlerResult {
    let submitted = Filter::from_query(&ctx.query)?;
    let zone = zone(&ctx);
    let cursor = ctx.query.get("cursor").and_then(Cursor::decode);
    let first = cursor.is_none();
    let display = ListDisplay::from_headers(&ctx.headers);
    let now = ctx.services().clock.now();
    let (filter, faults) = submitted.read(zone, now);
    let order = ExecutionSort::parse_order(&submitted.sort);
    let found = match order {
        None => ctx.services().executions.list(ctx.actor()?, &filter, &PageRequest { size: display.size, cursor }).await?,
        Some(order) => sorted(&ctx, &filter, order, display.size).await?,
    };
    let history = history(&ctx, &filter, now).await?;
    let range = |key: &'static str| Range { key, href: submitted.ranged(key, zone), active: submitted.range == key };
    let view = ExecutionList {
        types: filter_type_choices(&ctx.view(), &submitted.r#type),
        statuses: status_choices(&ctx.view()),
        causes: cause_choices(&ctx.view()),
        ranges: RANGES.map(|(key, _)| range(key)).into(),
        workbench: workbench(&ctx, history, &submitted, zone)?,
        heads: heads(&submitted, order, zone),
        unsorted: if order.is_some() { submitted.sorted("", zone) } else { String::new() },
        rows: rows::executions(&ctx, &found.items).await?,
        pager: Pager::new(&found, |cursor| submitted.address(zone, cursor)),
        newest: found.items.first().filter(|_| first).map(|execution| execution.id.clone()).unwrap_or_default(),
        first: first && order.is_none(),
        fault: ctx.translate_all(&faults),
        zone: if submitted.from.is_empty() && submitted.to.is_empty() { String::new() } else { zone.name().to_owned() },
        csv: submitted.download(zone, Format::Csv),
        json: submitted.download(zone, Format::Json),
        display: DisplayMenu::new(&ctx.view(), ListKind::Executions, &display),
        menu: saved_views::menu(&ctx, ListKind::Executions, &submitted.address(zone, ""), submitted.active).await?,
        filter: submitted,
    };
    ctx.page("executions", &view)
}

/// The newest matches in another order, on one page.
async fn sorted(
    ctx: &RequestContext,
    filter: &ExecutionFilter,
    order: (ExecutionSort, bool),
    size: u32,
) -> Result<Page<Execution>, Failure> {
    let items = ctx.services().executions.sorted(ctx.actor()?, filter, order, size).await?;
    let total = items.len() as i64;
    Ok(Page { total_is_exact: items.len() < size as usize, items, next: None, previous: None, total })
}

/// The tabs and the histogram, drawn once for all readers while the outcomes are the same.
fn workbench(
    ctx: &RequestContext,
    history: Option<Arc<OutcomeHistory>>,
    submitted: &Filter,
    zone: Tz,
) -> Result<String, Failure> {
    let id = format!("{zone} {}", submitted.address(zone, ""));
    let key = RowKey { id, language: ctx.language, can_run: false };
    if let Some(drawn) = ctx.web.workbenches.get(&key, &history) {
        return Ok(drawn.to_string());
    }
    let address = |from: &str, to: &str| submitted.between(from, to, zone);
    let counted = history.as_deref();
    let view = DrawnWorkbench {
        tabs: tabs(counted, &submitted.statuses, |status| submitted.of_status(status, zone)),
        histogram: counted.map(|history| Histogram::new(&ctx.view(), history, zone, address)).unwrap_or_default(),
    };
    let drawn = ctx.web.templates.fragment(ctx.language, DrawnWorkbench::TEMPLATE, &view)?;
    ctx.web.workbenches.put(key, history, &drawn);
    Ok(drawn)
}

/// The outcomes of the chosen range, else of the last day: from the counters, or if the filter has more than statuses and times, among
/// the newest matches. `None` for a range that is too long.
async fn history(
    ctx: &RequestContext,
    filter: &ExecutionFilter,
    now: DateTime<Utc>,
) -> Result<Option<Arc<OutcomeHistory>>, Failure> {
    let ExecutionFilter { task_id, task_type, cause, search, .. } = filter.resolved();
    let is_counted = task_id.is_none() && task_type.is_none() && cause.is_none() && search.is_none();
    let to = filter.to.unwrap_or(now + Duration::milliseconds(1));
    let from = filter.from.unwrap_or(to - Duration::days(1));
    match SlotRange::new(from, to) {
        Some(range) if is_counted => Ok(Some(ctx.services().stats.outcome_history(ctx.actor()?, range).await?)),
        Some(range) => Ok(Some(ctx.services().stats.matching_history(ctx.actor()?, filter, range).await?)),
        None => Ok(None),
    }
}

/// The sort links of the columns: first descending, then ascending.
fn heads(submitted: &Filter, order: Option<(ExecutionSort, bool)>, zone: Tz) -> Vec<SortHead> {
    let head = |column: ExecutionSort| {
        let (direction, descends) = match order {
            Some((sort, true)) if sort == column => ("descending", false),
            Some((sort, false)) if sort == column => ("ascending", true),
            _ => ("none", true),
        };
        let sort = format!("{}{}", if descends { "-" } else { "" }, column.as_str());
        SortHead { href: submitted.sorted(&sort, zone), direction }
    };
    vec![head(ExecutionSort::StartedAt), head(ExecutionSort::Duration)]
}

/// `GET /executions/-/download?format=csv`: all executions that match the filter, as a file.
pub async fn download(ctx: Arc<RequestContext>) -> HandlerResult {
    let format = ctx.query.get("format").and_then(Format::parse);
    let format = format.ok_or_else(|| Failure::BadRequest(message!("value.choose", known = "csv, json").of("format")))?;
    let (filter, faults) = Filter::from_query(&ctx.query)?.read(zone(&ctx), ctx.services().clock.now());
    if !faults.is_empty() {
        return Err(Failure::unreadable(faults));
    }
    let file = download::file(ctx.services(), ctx.actor()?.clone(), filter, format);
    let name = format!("attachment; filename=\"executions.{}\"", format.as_str());
    let answer = Response::builder().content_type(format.media_type()).header(header::CONTENT_DISPOSITION, name);
    Ok(answer.body(Body::from_bytes_stream(file)))
}

/// Returns the browser's time zone if the script sent it, else the server's. Not every zone of a browser is in the database of zones.
pub(super) fn zone(ctx: &RequestContext) -> Tz {
    ctx.query.get("zone").and_then(|name| parse_zone(name).ok()).unwrap_or(ctx.services().zone)
}

/// `GET /executions/-/rows?id=…`: the current state of these rows.
pub async fn updates(ctx: Arc<RequestContext>) -> HandlerResult {
    let ids: Vec<&str> = ctx.query.all("id").take(MAX_ROWS).collect();
    let found = ctx.services().executions.many(ctx.actor()?, &ids).await?;
    Ok(html_response(StatusCode::OK, rows::executions(&ctx, &found).await?))
}

/// `GET /executions/-/newer?since=<id>&…`: how many executions after this one match the filter, as JSON.
pub async fn newer(ctx: Arc<RequestContext>) -> HandlerResult {
    let (filter, _) = Filter::from_query(&ctx.query)?.read(zone(&ctx), ctx.services().clock.now());
    let since = ctx.query.get("since").map(|id| Cursor { direction: Direction::Previous, key: None, id: id.to_owned() });
    let page = PageRequest { size: MAX_NEWER, cursor: since };
    let found = ctx.services().executions.list_without_total(ctx.actor()?, &filter, &page).await?;
    let body = json!({"count": found.len(), "more": found.len() == MAX_NEWER as usize}).to_string();
    Ok(Response::builder().content_type("application/json").body(body))
}

impl Filter {
    /// Reads the filter of a query.
    ///
    /// # Errors
    /// A parameter has none of its values.
    pub(super) fn from_query(query: &Pairs) -> Result<Filter, Failure> {
        query.one_of("status", &Status::ALL.map(Status::as_str))?;
        query.one_of("cause", &Cause::ALL.map(Cause::as_str))?;
        query.one_of("range", &RANGES.map(|(key, _)| key))?;
        let orders = ExecutionSort::orders();
        query.one_of("sort", &orders.iter().map(String::as_str).collect::<Vec<_>>())?;
        let text = |name: &str| query.get(name).unwrap_or_default().to_owned();
        let mut filter = Filter {
            search: text("search"),
            task_id: text("task_id"),
            r#type: text("type"),
            statuses: query.all("status").map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            cause: text("cause"),
            from: text("from"),
            to: text("to"),
            range: text("range"),
            sort: text("sort"),
            active: false,
        };
        filter.active = Filter { sort: String::new(), ..filter.clone() } != Filter::default();
        Ok(filter)
    }

    /// Returns the filter and the error messages. A predefined range applies only if no times are given.
    fn read(&self, zone: Tz, now: DateTime<Utc>) -> (ExecutionFilter, Vec<Message>) {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let mut faults = Vec::new();
        let mut parse_time = |text: &str| match parse_datetime(text, zone) {
            _ if text.is_empty() => None,
            Ok(at) => Some(at),
            Err(message) => {
                faults.push(message);
                None
            }
        };
        let (mut from, to) = (parse_time(&self.from), parse_time(&self.to));
        if from.is_none() && to.is_none() {
            from = RANGES.iter().find(|(key, _)| *key == self.range).map(|(key, length)| match *key {
                "today" => start_of_day(now, zone),
                _ => now - *length,
            });
        }
        let filter = ExecutionFilter {
            task_id: given(&self.task_id),
            task_type: given(&self.r#type),
            statuses: self.statuses.iter().filter_map(|name| Status::parse(name)).collect(),
            cause: Cause::parse(&self.cause),
            from,
            to,
            search: given(&self.search),
            ..ExecutionFilter::default()
        };
        (filter, faults)
    }

    fn download(&self, zone: Tz, format: Format) -> String {
        self.at("/executions/-/download", zone, "format", format.as_str())
    }

    /// Returns the URL of this filter, with the request's time zone.
    pub(super) fn here(&self, ctx: &RequestContext) -> String {
        self.address(zone(ctx), "")
    }

    fn address(&self, zone: Tz, cursor: &str) -> String {
        self.at("/executions", zone, "cursor", cursor)
    }

    fn at(&self, path: &str, zone: Tz, name: &str, value: &str) -> String {
        let zone = if self.from.is_empty() && self.to.is_empty() && self.range != "today" { "" } else { zone.name() };
        let mut pairs = vec![
            ("search", self.search.as_str()),
            ("task_id", &self.task_id),
            ("type", &self.r#type),
            ("cause", &self.cause),
            ("from", &self.from),
            ("to", &self.to),
            ("range", &self.range),
            ("sort", &self.sort),
            ("zone", zone),
            (name, value),
        ];
        pairs.extend(self.statuses.iter().map(|status| ("status", status.as_str())));
        with_query(path, &pairs)
    }

    /// Returns the URL of this filter with another order.
    fn sorted(&self, sort: &str, zone: Tz) -> String {
        Filter { sort: sort.to_owned(), ..self.clone() }.address(zone, "")
    }

    /// Returns the URL of this filter with one status, or with all. What is counted in a range is also listed within it; what
    /// has not begun has no place in one.
    fn of_status(&self, status: Option<Status>, zone: Tz) -> String {
        let statuses = status.iter().map(|status| status.as_str().to_owned()).collect();
        let without_time =
            status.is_some_and(|status| matches!(status, Status::Queued | Status::Running | Status::Skipped | Status::Missed));
        let wanted = Filter { statuses, ..self.clone() };
        let has_time = !self.range.is_empty() || !self.from.is_empty() || !self.to.is_empty();
        let wanted = match status {
            _ if without_time => Filter { range: String::new(), from: String::new(), to: String::new(), ..wanted },
            Some(_) if !has_time => Filter { range: USUAL_RANGE.to_owned(), ..wanted },
            _ => wanted,
        };
        wanted.address(zone, "")
    }

    /// Returns the URL of this filter between two times.
    fn between(&self, from: &str, to: &str, zone: Tz) -> String {
        Filter { range: String::new(), from: from.to_owned(), to: to.to_owned(), ..self.clone() }.address(zone, "")
    }

    /// Returns the URL of this filter with a predefined range, or without it if it is already active.
    fn ranged(&self, key: &str, zone: Tz) -> String {
        let range = if self.range == key { String::new() } else { key.to_owned() };
        Filter { range, from: String::new(), to: String::new(), ..self.clone() }.address(zone, "")
    }
}
