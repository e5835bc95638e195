//! Occurrences of a task with their outcomes, and backfills.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use poem::http::StatusCode;
use serde_json::{Map, Value};

use super::form_errors;
use crate::domain::backfill::BackfillRequest;
use crate::domain::task::Task;
use crate::domain::trigger::{format_datetime, parse_timestamp};
use crate::domain::user::Action;
use crate::service::{Error, OccurrenceRequest};
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::session::Flash;
use crate::web::urls::{Pairs, with_query};
use crate::web::view::occurrences::{BackfillRow, OccurrencePage, OccurrenceRow};
use crate::web::view::task_form::Fields;
use crate::web::view::tasks::task_href;

/// The default span, up to now.
const SPAN: TimeDelta = TimeDelta::days(7);
/// Occurrences of one page.
const LISTED: i64 = 200;
/// Backfills of one page.
const BACKFILLS: i64 = 10;
const FIELDS: [&str; 5] = ["/from", "/to", "/only", "/times", "/concurrency"];

/// `GET /tasks/{id}/occurrences?from=…&to=…`
pub async fn list(ctx: Arc<RequestContext>) -> HandlerResult {
    let task = ctx.services().tasks.get(ctx.actor()?, ctx.id()).await?;
    let pairs = &ctx.query;
    render(&ctx, StatusCode::OK, &task, (pairs.get("from"), pairs.get("to")), Fields::default(), String::new()).await
}

/// `POST /tasks/{id}/backfill`
pub async fn start(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Run)?;
    let started = match BackfillRequest::parse(&body(&ctx.form)) {
        Ok(request) => ctx.services().backfills.start(ctx.actor()?, ctx.id(), &request).await,
        Err(faults) => Err(Error::Invalid(faults)),
    };
    let span = (ctx.form.get("/from"), ctx.form.get("/to"));
    match started {
        Ok(backfill) => {
            let pairs = [("from", span.0.unwrap_or_default()), ("to", span.1.unwrap_or_default())];
            let page = with_query(&format!("{}/occurrences", task_href(&backfill.task_id)), &pairs);
            Ok(ctx.redirect_with_flash(&page, Some(&Flash::new("backfill_started", &backfill.planned.to_string(), ""))))
        }
        Err(error) => {
            let task = ctx.services().tasks.get(ctx.actor()?, ctx.id()).await?;
            let mut form = form_errors::submitted(&ctx, &[]);
            let (status, message) = form_errors::apply(&ctx, error, &FIELDS, &mut form)?;
            render(&ctx, status, &task, span, form, message).await
        }
    }
}

/// `POST /tasks/{id}/backfills/{backfill}/cancel`
pub async fn cancel(ctx: Arc<RequestContext>) -> HandlerResult {
    let page = format!("{}/occurrences", task_href(ctx.id()));
    match ctx.services().backfills.cancel(ctx.actor()?, ctx.second_id()).await {
        Ok(_) | Err(Error::Conflict(_)) => {} // it has ended meanwhile
        Err(error) => return Err(error.into()),
    }
    Ok(ctx.redirect_with_flash(&page, Some(&Flash::new("backfill_cancelled", "", ""))))
}

/// The form as the body of a request.
fn body(form: &Pairs) -> Value {
    let text = |name: &str| form.get(name).filter(|value| !value.is_empty());
    let mut body = Map::new();
    // The button below the list runs what is selected there; the other one leaves the selection alone.
    let is_chosen = form.get("/chosen").is_some();
    if is_chosen {
        body.insert("times".to_owned(), form.all("/times").collect());
    }
    for name in ["from", "to", "only"].into_iter().filter(|name| !is_chosen || *name != "only") {
        body.extend(text(&format!("/{name}")).map(|value| (name.to_owned(), Value::from(value))));
    }
    let number = |value: &str| value.parse::<i64>().map_or(Value::from(value), Value::from);
    body.extend(text("/concurrency").map(|value| ("concurrency".to_owned(), number(value))));
    Value::Object(body)
}

async fn render(
    ctx: &RequestContext,
    status: StatusCode,
    task: &Task,
    (from, to): (Option<&str>, Option<&str>),
    mut form: Fields,
    mut message: String,
) -> HandlerResult {
    let zone = ctx.services().zone;
    let zone = task.rules(zone).map_or(zone, |rules| rules.zone());
    let now = ctx.services().clock.now();
    let time = |given: Option<&str>, default| given.and_then(|text| parse_timestamp(text, zone).ok()).unwrap_or(default);
    let to = time(to, now);
    let from = time(from, to - SPAN);
    let request = OccurrenceRequest { from: from.min(to), to, limit: LISTED };
    let found = match ctx.services().occurrences.list(ctx.actor()?, &task.id, request).await {
        Ok(found) => Some(found),
        Err(error @ Error::Invalid(_)) => {
            message = form_errors::apply(ctx, error, &[], &mut form)?.1;
            None
        }
        Err(error) => return Err(error.into()),
    };
    let href = task_href(&task.id);
    let more = found.as_ref().and_then(|found| found.next).map(|next| {
        with_query(&format!("{href}/occurrences"), &[("from", &format_datetime(next, zone)), ("to", &format_datetime(to, zone))])
    });
    let backfills = ctx.services().backfills.list(ctx.actor()?, &task.id, None, BACKFILLS).await?;
    let rows = found.into_iter().flat_map(|found| found.items);
    let view = OccurrencePage {
        task_id: task.id.clone(),
        title: task.name.clone(),
        task_href: href,
        zone: zone.name().to_owned(),
        from: local(from, zone),
        to: local(to, zone),
        rows: rows.map(|one| OccurrenceRow::new(&ctx.view(), &one, zone, &ctx.form)).collect(),
        more: more.unwrap_or_default(),
        backfills: backfills.iter().map(|one| BackfillRow::new(one, zone)).collect(),
        message,
        form,
    };
    ctx.page_with(status, "tasks", &view)
}

/// The value of a field for a local time.
fn local(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%dT%H:%M:%S").to_string()
}
