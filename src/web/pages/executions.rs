//! The list of executions, and its rows drawn anew.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use poem::http::{StatusCode, header};
use poem::{Body, Response};

use super::saved_views;
use crate::domain::execution::{Cause, Status};
use crate::domain::overview::day_of;
use crate::domain::page::{Cursor, ExecutionFilter, PageRequest};
use crate::domain::saved_view::ListKind;
use crate::domain::trigger::{parse_instant, parse_zone};
use crate::service::Error;
use crate::web::download::{self, Format};
use crate::web::error::Failure;
use crate::web::urls::{Pairs, with_query};
use crate::web::view::executions::{ExecutionList, ExecutionRow, ExecutionRows, Filter, Range};
use crate::web::view::{Pager, View, cause_choices, status_choices, type_choices};
use crate::web::visit::{Answer, Visit};

/// Quick ranges, with their length; today begins with midnight in the zone that the address names, else in the server's.
const RANGES: [(&str, Duration); 4] =
    [("hour", Duration::hours(1)), ("today", Duration::zero()), ("day", Duration::days(1)), ("week", Duration::days(7))];

/// Rows drawn anew at once, at most.
const MAX_ROWS: usize = 100;

/// `GET /executions`
pub async fn list(visit: Arc<Visit>) -> Answer {
    let typed = Filter::typed(&visit.query);
    let zone = zone(&visit);
    let cursor = visit.query.get("cursor").and_then(Cursor::decode);
    let first = cursor.is_none();
    let (filter, fault) = typed.read(zone, visit.service().clock().now());
    let found = visit.service().executions(visit.actor()?, &filter, &PageRequest { cursor, ..PageRequest::default() }).await?;
    let range = |key: &'static str| Range { key, href: typed.ranged(key, zone), active: typed.range == key };
    let view = ExecutionList {
        types: type_choices(&visit),
        statuses: status_choices(&visit),
        causes: cause_choices(&visit),
        ranges: RANGES.map(|(key, _)| range(key)).into(),
        rows: found.items.iter().map(|execution| ExecutionRow::new(&visit, execution)).collect(),
        pager: Pager::new(&found, |cursor| typed.address(zone, cursor)),
        newest: found.items.first().filter(|_| first).map(|execution| execution.id.clone()).unwrap_or_default(),
        first,
        fault,
        zone: if typed.from.is_empty() && typed.to.is_empty() { String::new() } else { zone.name().to_owned() },
        csv: typed.download(zone, Format::Csv),
        json: typed.download(zone, Format::Json),
        menu: saved_views::menu(&visit, ListKind::Executions, &typed.address(zone, ""), typed.active).await?,
        filter: typed,
    };
    visit.page("executions", &view)
}

/// `GET /executions/-/download?format=csv`: all that the filter lets through, as a file.
pub async fn download(visit: Arc<Visit>) -> Answer {
    let format = visit.query.get("format").and_then(Format::parse);
    let format = format.ok_or_else(|| Failure::BadRequest("format: csv or json".to_owned()))?;
    let (filter, fault) = Filter::typed(&visit.query).read(zone(&visit), visit.service().clock().now());
    if !fault.is_empty() {
        return Err(Failure::BadRequest(fault));
    }
    let file = download::file(visit.service().clone(), visit.actor()?.clone(), filter, format);
    let name = format!("attachment; filename=\"executions.{}\"", format.extension());
    let answer = Response::builder().content_type(format.media_type()).header(header::CONTENT_DISPOSITION, name);
    Ok(answer.body(Body::from_bytes_stream(file)))
}

/// The reader's zone where the page's script told it, else the server's.
fn zone(visit: &Visit) -> Tz {
    visit.query.get("zone").and_then(|name| parse_zone(name).ok()).unwrap_or(visit.service().zone())
}

/// `GET /executions/-/rows?id=…`: those rows as they are now.
pub async fn rows(visit: Arc<Visit>) -> Answer {
    let mut view = ExecutionRows { rows: Vec::new() };
    for id in visit.query.all("id").take(MAX_ROWS) {
        match visit.service().execution(visit.actor()?, id).await {
            Ok(detail) => view.rows.push(ExecutionRow::new(&visit, &detail.execution)),
            Err(Error::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    visit.fragment(StatusCode::OK, ExecutionRows::TEMPLATE, &view)
}

impl Filter {
    pub(super) fn typed(query: &Pairs) -> Filter {
        let text = |name: &str| query.get(name).unwrap_or_default().to_owned();
        let mut filter = Filter {
            search: text("search"),
            task_id: text("task_id"),
            r#type: text("type"),
            statuses: query.all("status").filter(|name| Status::parse(name).is_some()).map(str::to_owned).collect(),
            cause: text("cause"),
            from: text("from"),
            to: text("to"),
            range: text("range"),
            active: false,
        };
        filter.active = filter != Filter::default();
        filter
    }

    /// What to look for, and what could not be read. A quick range counts where no instant is given.
    fn read(&self, zone: Tz, now: DateTime<Utc>) -> (ExecutionFilter, String) {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let mut faults = Vec::new();
        let mut instant = |text: &str| match parse_instant(text, zone) {
            _ if text.is_empty() => None,
            Ok(at) => Some(at),
            Err(message) => {
                faults.push(message);
                None
            }
        };
        let (mut from, to) = (instant(&self.from), instant(&self.to));
        if from.is_none() && to.is_none() {
            from = RANGES.iter().find(|(key, _)| *key == self.range).map(|(key, length)| match *key {
                "today" => day_of(now, zone),
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
        (filter, faults.join("; "))
    }

    fn download(&self, zone: Tz, format: Format) -> String {
        self.at("/executions/-/download", zone, "format", format.extension())
    }

    /// The address of this filter, as the visit's reader gave it.
    pub(super) fn here(&self, visit: &Visit) -> String {
        self.address(zone(visit), "")
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
            ("zone", zone),
            (name, value),
        ];
        pairs.extend(self.statuses.iter().map(|status| ("status", status.as_str())));
        with_query(path, &pairs)
    }

    /// The same filter within a quick range; within none where it is that one already.
    fn ranged(&self, key: &str, zone: Tz) -> String {
        let range = if self.range == key { String::new() } else { key.to_owned() };
        Filter { range, from: String::new(), to: String::new(), ..self.clone() }.address(zone, "")
    }
}
