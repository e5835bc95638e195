//! Heartbeats: the list, one with its record, and the form.

use std::sync::Arc;

use poem::http::StatusCode;
use serde_json::{Map, Value};

use super::form_errors;
use crate::domain::heartbeat::Heartbeat;
use crate::domain::user::Action;
use crate::service::Error;
use crate::web::form::split_tags;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::session::Flash;
use crate::web::view::heartbeats::{
    HeartbeatForm, HeartbeatList, HeartbeatPage, HeartbeatRow, PingLine, heartbeat_href, snippets,
};
use crate::web::view::task_form::Fields;
use crate::web::view::tasks::ConfirmDialog;

const LIST: &str = "/heartbeats";
const SECTION: &str = "heartbeats";
const FIELDS: [&str; 8] = ["/id", "/name", "/tags", "/cron", "/period_seconds", "/timezone", "/grace_seconds", "/enabled"];
/// Rows of the record on a page.
const ROWS: i64 = 100;
/// The address in the snippets of those who may not change the heartbeat.
const PLACEHOLDER: &str = "https://…/ping/…";

/// `GET /heartbeats`
pub async fn list(ctx: Arc<RequestContext>) -> HandlerResult {
    let all = ctx.services().heartbeats.list(ctx.actor()?).await?;
    let rows = all.iter().map(|heartbeat| HeartbeatRow::new(&ctx.view(), heartbeat)).collect();
    ctx.page(SECTION, &HeartbeatList { rows })
}

/// `GET /heartbeats/{id}`
pub async fn show(ctx: Arc<RequestContext>) -> HandlerResult {
    let services = ctx.services();
    let heartbeat = services.heartbeats.get(ctx.actor()?, ctx.id()).await?;
    let pings = services.heartbeats.pings(ctx.actor()?, &heartbeat.id, None, ROWS).await?;
    let path = services.heartbeats.path(ctx.actor()?, &heartbeat.id).await?;
    let url = path.map(|path| ctx.own_address(&path)).unwrap_or_default();
    let view = HeartbeatPage {
        row: HeartbeatRow::new(&ctx.view(), &heartbeat),
        snippets: snippets(if url.is_empty() { PLACEHOLDER } else { &url }),
        url,
        pings: pings.iter().map(|row| PingLine::new(services.zone, row)).collect(),
    };
    ctx.page(SECTION, &view)
}

/// `GET /heartbeats/new`
pub async fn new(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let mut form = Fields::default();
    for (name, text) in [("/enabled", "true"), ("/grace_seconds", "300")] {
        form.values.insert(name.to_owned(), text.to_owned());
    }
    ctx.page(SECTION, &view(&ctx, "new", "/heartbeats/new", LIST, 0, form))
}

/// `POST /heartbeats/new`
pub async fn create(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    match ctx.services().heartbeats.create(ctx.actor()?, &read(&ctx)).await {
        Ok(created) => done(&ctx, "created", &created),
        Err(error) => refused(&ctx, error, view(&ctx, "new", "/heartbeats/new", LIST, 0, Fields::default())),
    }
}

/// `GET /heartbeats/{id}/edit`
pub async fn edit(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let heartbeat = ctx.services().heartbeats.get(ctx.actor()?, ctx.id()).await?;
    let here = heartbeat_href(&heartbeat.id);
    let form = Fields { values: values(&heartbeat.to_input()), ..Fields::default() };
    ctx.page(SECTION, &view(&ctx, "edit", &format!("{here}/edit"), &here, heartbeat.version, form))
}

/// `POST /heartbeats/{id}/edit`
pub async fn replace(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let version = ctx.form.get("version").and_then(|text| text.parse().ok()).unwrap_or(0);
    match ctx.services().heartbeats.replace(ctx.actor()?, ctx.id(), &read(&ctx), Some(version)).await {
        Ok(changed) => done(&ctx, "saved", &changed),
        Err(error) => {
            let here = heartbeat_href(ctx.id());
            refused(&ctx, error, view(&ctx, "edit", &format!("{here}/edit"), &here, version, Fields::default()))
        }
    }
}

/// `GET /heartbeats/{id}/rotate`
pub async fn confirm_rotate(ctx: Arc<RequestContext>) -> HandlerResult {
    confirm(&ctx, "rotate_heartbeat", "rotate").await
}

/// `POST /heartbeats/{id}/rotate`
pub async fn rotate(ctx: Arc<RequestContext>) -> HandlerResult {
    let heartbeat = ctx.services().heartbeats.rotate(ctx.actor()?, ctx.id()).await?;
    Ok(ctx.action_done(&Flash::new("heartbeat_rotated", &heartbeat.id, ""), &heartbeat.id, &heartbeat_href(&heartbeat.id)))
}

/// `GET /heartbeats/{id}/delete`
pub async fn confirm_delete(ctx: Arc<RequestContext>) -> HandlerResult {
    confirm(&ctx, "delete_heartbeat", "delete").await
}

/// `POST /heartbeats/{id}/delete`
pub async fn delete(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.services().heartbeats.delete(ctx.actor()?, ctx.id(), None).await?;
    Ok(ctx.redirect_with_flash(LIST, Some(&Flash::new("deleted", ctx.id(), ""))))
}

async fn confirm(ctx: &RequestContext, action: &'static str, path: &str) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let heartbeat = ctx.services().heartbeats.get(ctx.actor()?, ctx.id()).await?;
    let here = heartbeat_href(&heartbeat.id);
    let view = ConfirmDialog::plain(action, &heartbeat.id, format!("{here}/{path}"), here);
    ctx.page_with(StatusCode::OK, SECTION, &view)
}

fn done(ctx: &RequestContext, flash: &str, heartbeat: &Heartbeat) -> HandlerResult {
    Ok(ctx.redirect_with_flash(&heartbeat_href(&heartbeat.id), Some(&Flash::new(flash, &heartbeat.id, ""))))
}

fn refused(ctx: &RequestContext, error: Error, view: HeartbeatForm) -> HandlerResult {
    let mut form = form_errors::submitted(ctx, &[]);
    let (status, message) = match error {
        Error::Stale { .. } => (StatusCode::PRECONDITION_FAILED, ctx.translate(&error.message())),
        other => form_errors::apply(ctx, other, &FIELDS, &mut form)?,
    };
    ctx.page_with(status, SECTION, &HeartbeatForm { form, message, ..view })
}

fn view(ctx: &RequestContext, mode: &'static str, post_to: &str, back: &str, version: i64, form: Fields) -> HeartbeatForm {
    HeartbeatForm {
        mode,
        post_to: post_to.to_owned(),
        back: back.to_owned(),
        version,
        form,
        message: String::new(),
        server_zone: ctx.services().zone.name().to_owned(),
    }
}

/// The form as JSON, not yet validated.
fn read(ctx: &RequestContext) -> Value {
    let mut map = Map::new();
    for name in ["id", "name", "cron", "timezone"] {
        map.extend(ctx.form.get(&format!("/{name}")).map(|text| (name.to_owned(), text.into())));
    }
    for name in ["period_seconds", "grace_seconds"] {
        let number = |text: &str| text.parse::<i64>().map_or_else(|_| text.into(), Value::from);
        map.extend(ctx.form.get(&format!("/{name}")).map(|text| (name.to_owned(), number(text))));
    }
    map.insert("tags".to_owned(), split_tags(ctx.form.get("/tags").unwrap_or_default()).into());
    map.insert("enabled".to_owned(), (ctx.form.all("/enabled").last() == Some("true")).into());
    Value::Object(map)
}

/// The values of the form's fields.
fn values(input: &Value) -> std::collections::BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    };
    input.as_object().into_iter().flatten().map(|(name, value)| (format!("/{name}"), text(value))).collect()
}
