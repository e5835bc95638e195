//! The preview of the trigger that the task form shows while somebody types.

use std::sync::Arc;

use chrono::{DateTime, Datelike, Weekday};
use chrono_tz::Tz;
use poem::http::StatusCode;
use serde_json::Value;

use crate::domain::schedule::Preview;
use crate::domain::task::Task;
use crate::i18n::Language;
use crate::service::Error;
use crate::web::error::Failure;
use crate::web::form;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::view::task_form::{PreviewMoment, PreviewView};
use crate::web::view::{Moment, View};

/// Number of firings shown.
const PREVIEWED: i64 = 5;

/// `POST /tasks/-/preview`: previews the submitted trigger.
pub async fn show(ctx: Arc<RequestContext>) -> HandlerResult {
    let schedule = form::schedule::to_schedule(&ctx.form);
    let mut view = match ctx.services().preview.schedule(ctx.actor()?, &schedule, None, PREVIEWED).await {
        Ok(mut preview) => {
            // An unchanged rule continues from its next run, not from now.
            if let Some(task) = unmoved(&ctx, &schedule).await?
                && let Some(own) = ctx.services().preview.task(ctx.actor()?, &task, PREVIEWED as usize).await?
            {
                preview.occurrences = own.occurrences;
            }
            explained(&ctx, &schedule, preview)
        }
        Err(Error::Invalid(faults)) => PreviewView::from_faults(&ctx.translate_faults(&faults)),
        Err(error) => return Err(error.into()),
    };
    view.clear(form::schedule::row_fields(&ctx.form));
    ctx.fragment(StatusCode::OK, PreviewView::TEMPLATE, &view)
}

/// Returns the edited task if it is enabled and its rules and calendars are unchanged.
async fn unmoved(ctx: &RequestContext, schedule: &Value) -> Result<Option<Task>, Failure> {
    let is_edit = ctx.form.all("version").last().is_some_and(|version| version != "0");
    let Some(id) = ctx.form.get("/id").filter(|_| is_edit) else { return Ok(None) };
    match ctx.services().tasks.get(ctx.actor()?, id).await {
        Ok(task) => Ok(Some(task).filter(|task| task.enabled && form::schedule::is_of(schedule, task))),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn explained(ctx: &RequestContext, schedule: &Value, preview: Preview) -> PreviewView {
    let description = match ctx.language {
        Language::English => preview.description_en,
        Language::Chinese => preview.description_zh,
    };
    let local = |at: &DateTime<Tz>| at.format("%Y-%m-%d %H:%M:%S %:z").to_string();
    let moments = preview.occurrences.iter().map(|one| PreviewMoment {
        at: Moment::new(one.at.to_utc(), one.at.timezone()),
        local: local(&one.at),
        weekday: weekday(one.at.weekday()),
        note: one.note.unwrap_or_default(),
        original: if one.at == one.scheduled_at { String::new() } else { local(&one.scheduled_at) },
    });
    PreviewView {
        text: preview.text,
        description,
        moments: moments.collect(),
        notes: preview.notes.iter().map(|note| ctx.translate(note)).collect(),
        idle: schedule.pointer("/trigger/type").and_then(Value::as_str) == Some("idle"),
        ..PreviewView::from_faults(&[])
    }
}

fn weekday(day: Weekday) -> &'static str {
    ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][day.num_days_from_monday() as usize]
}
