//! Pages that add and change profiles, for administrators. Secrets are write-only.

use std::sync::Arc;

use poem::http::StatusCode;
use serde_json::{Map, Number, Value};

use super::form_errors;
use crate::domain::profile::ProfileKind;
use crate::domain::user::Action;
use crate::i18n::message;
use crate::service::{Error, FieldType, ProfileField, ProfileInfo, profile_fields};
use crate::web::error::Failure;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::session::Flash;
use crate::web::view::incidents::PageLink;
use crate::web::view::managed::{self, href, list_path};
use crate::web::view::profiles::{ProfileForm, REMOVE};
use crate::web::view::tasks::ConfirmDialog;

/// `GET /settings/profiles/new?kind=…`
pub async fn new(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Administer)?;
    ctx.page("settings", &ProfileForm::new(&ctx.view(), kind(&ctx)?))
}

/// `POST /settings/profiles/new?kind=…`
pub async fn create(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Administer)?;
    let (kind, name) = (kind(&ctx)?, ctx.form.get("/name").unwrap_or_default());
    match ctx.services().stored_profiles.create(ctx.actor()?, kind, name, &values(&ctx, kind)).await {
        Ok(info) => Ok(ctx.redirect_with_flash(list_path(kind), Some(&Flash::new("profile_created", &info.name, "")))),
        Err(error) => refused(&ctx, kind, error, ProfileForm::new(&ctx.view(), kind)),
    }
}

/// `GET /settings/profiles/edit?kind=…&name=…`
pub async fn edit(ctx: Arc<RequestContext>) -> HandlerResult {
    let info = requested(&ctx).await?;
    ctx.page("settings", &ProfileForm::of(&ctx.view(), &info))
}

/// `POST /settings/profiles/edit?kind=…&name=…`: replaces a profile; empty secrets stay.
pub async fn update(ctx: Arc<RequestContext>) -> HandlerResult {
    let info = requested(&ctx).await?;
    let (kind, name) = (info.kind, &info.name);
    let version = ctx.form.get("version").and_then(|text| text.parse().ok());
    let saved = ctx.services().stored_profiles.replace(ctx.actor()?, kind, name, &values(&ctx, kind), version).await;
    match saved {
        Ok(_) => Ok(ctx.redirect_with_flash(list_path(kind), Some(&Flash::new("profile_saved", name, "")))),
        Err(error) => refused(&ctx, kind, error, ProfileForm::of(&ctx.view(), &info)),
    }
}

/// `GET /settings/profiles/delete?kind=…&name=…`
pub async fn confirm_delete(ctx: Arc<RequestContext>) -> HandlerResult {
    let info = requested(&ctx).await?;
    let (post_to, back) = (href("delete", info.kind, &info.name), ctx.return_path(list_path(info.kind)));
    let view = ConfirmDialog::plain("delete_profile", &info.name, post_to, back);
    ctx.confirm(StatusCode::OK, "settings", &view)
}

/// `POST /settings/profiles/delete?kind=…&name=…`
pub async fn delete(ctx: Arc<RequestContext>) -> HandlerResult {
    let (kind, name) = (kind(&ctx)?, ctx.query.raw("name").unwrap_or_default());
    ctx.services().stored_profiles.delete(ctx.actor()?, kind, name, None).await?;
    Ok(ctx.action_done(&Flash::new("profile_deleted", name, ""), name, list_path(kind)))
}

/// The profiles of a list that cannot be decrypted. They belong to the whole server, so accounts limited to tags see none.
pub async fn unreadable(ctx: &RequestContext, kind: ProfileKind) -> Result<Vec<PageLink>, Failure> {
    match ctx.services().stored_profiles.unreadable(ctx.actor()?, kind).await {
        Err(Error::Forbidden(_)) => Ok(Vec::new()),
        names => Ok(managed::unreadable(kind, &names?)),
    }
}

/// The form again, with what was typed apart from secrets, and the faults. What somebody else saved meanwhile can be overwritten
/// after that was told.
fn refused(ctx: &RequestContext, kind: ProfileKind, error: Error, page: ProfileForm) -> HandlerResult {
    let names: Vec<String> = profile_fields(kind).iter().map(|field| format!("/{}", field.key)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).chain(["/name"]).collect();
    let secret: Vec<&str> =
        profile_fields(kind).iter().zip(&names).filter(|(field, _)| field.secret).map(|(_, name)| *name).collect();
    let mut form = form_errors::submitted(ctx, &secret);
    let (status, message) = match error {
        Error::Stale { .. } => (StatusCode::PRECONDITION_FAILED, ctx.translate(&error.message())),
        error => form_errors::apply(ctx, error, &names, &mut form)?,
    };
    ctx.page_with(status, "settings", &ProfileForm { form, message, ..page })
}

fn kind(ctx: &RequestContext) -> Result<ProfileKind, Failure> {
    let known = || Error::NotFound(message!("profile.kind", known = ProfileKind::ALL.map(ProfileKind::as_str).join(", ")));
    Ok(ctx.query.get("kind").and_then(ProfileKind::parse).ok_or_else(known)?)
}

async fn requested(ctx: &RequestContext) -> Result<ProfileInfo, Failure> {
    ctx.authorize(Action::Administer)?;
    let (kind, name) = (kind(ctx)?, ctx.query.raw("name").unwrap_or_default());
    Ok(ctx.services().stored_profiles.get(ctx.actor()?, kind, name).await?)
}

/// The submitted settings by key. An empty secret leaves the former one unchanged unless it is to be removed.
fn values(ctx: &RequestContext, kind: ProfileKind) -> Map<String, Value> {
    let fields = profile_fields(kind).iter();
    fields.filter_map(|field| Some((field.key.to_owned(), value(ctx, field)?))).collect()
}

fn value(ctx: &RequestContext, field: &ProfileField) -> Option<Value> {
    let name = format!("/{}", field.key);
    if field.secret {
        let typed = ctx.form.raw(&name).filter(|text| !text.is_empty()).map(|text| text.replace("\r\n", "\n"));
        let is_removed = || ctx.form.all(REMOVE).any(|key| key == field.key);
        return typed.or_else(|| is_removed().then(String::new)).map(Value::from);
    }
    match field.value_type {
        FieldType::Boolean => ctx.form.all(&name).last().map(|text| Value::from(text == "true")),
        FieldType::Integer => ctx.form.get(&name).map(|text| text.parse::<i64>().map_or_else(|_| text.into(), number)),
        _ => ctx.form.get(&name).map(|text| text.replace("\r\n", "\n").into()),
    }
}

fn number(number: i64) -> Value {
    Value::Number(Number::from(number))
}
