//! API tokens page: the user's own; for administrators, those of all accounts.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use poem::http::StatusCode;

use super::form_errors;
use crate::domain::fault::Fault;
use crate::domain::trigger::{parse_timestamp, parse_zone};
use crate::domain::user::{Role, Token};
use crate::i18n::message;
use crate::service::{Error, NewToken};
use crate::web::error::Failure;
use crate::web::form::split_tags;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::session::Flash;
use crate::web::view::task_form::Fields;
use crate::web::view::tasks::ConfirmDialog;
use crate::web::view::tokens::{CreatedToken, TokenList, revoke_href};

const LIST: &str = "/settings/tokens";
const FIELDS: [&str; 4] = ["/name", "/role", "/tags", "/expires_at"];

/// `GET /settings/tokens`
pub async fn list(ctx: Arc<RequestContext>) -> HandlerResult {
    let tokens = ctx.services().tokens.list(ctx.actor()?).await?;
    let mut form = Fields::default();
    form.values.insert("/role".to_owned(), ctx.actor()?.role.as_str().to_owned());
    ctx.page("settings", &TokenList::new(&ctx.view(), &tokens, form, ""))
}

/// `POST /settings/tokens`: creates a token. Only this response shows its text; it is not stored.
pub async fn create(ctx: Arc<RequestContext>) -> HandlerResult {
    let created = match new_token(&ctx) {
        Ok(new) => ctx.services().tokens.create(ctx.actor()?, &new).await,
        Err(fault) => Err(Error::Invalid(vec![fault])),
    };
    let mut form = form_errors::submitted(&ctx, &[]);
    let (status, message, created) = match created {
        Ok((token, text)) => {
            form.values.retain(|name, _| name == "/role");
            (StatusCode::OK, String::new(), Some(CreatedToken { name: token.name, text }))
        }
        Err(error) => {
            let (status, message) = form_errors::apply(&ctx, error, &FIELDS, &mut form)?;
            (status, message, None)
        }
    };
    let tokens = ctx.services().tokens.list(ctx.actor()?).await?;
    let zone = ctx.form.get("zone").unwrap_or_default();
    let list = TokenList::new(&ctx.view(), &tokens, form, zone);
    ctx.page_with(status, "settings", &TokenList { message, created_token: created, ..list })
}

/// Reads the form; an expiry without offset is in the browser's time zone if the script sent it, else the server's.
fn new_token(ctx: &RequestContext) -> Result<NewToken, Fault> {
    let zone = ctx.form.get("zone").and_then(|name| parse_zone(name).ok()).unwrap_or(ctx.services().zone);
    let end = |text: &str| -> Result<DateTime<Utc>, Fault> {
        parse_timestamp(text, zone).map_err(|what| Fault::new("/expires_at", what.of("expires_at")))
    };
    let role = match ctx.form.get("/role") {
        None => None,
        Some(name) => {
            let roles = Role::ALL.map(Role::as_str).join(", ");
            let fault = || {
                Fault::new(
                    "/role",
                    message!("value.not_one_of", value = crate::domain::input::quoted(name, 40), known = roles).of("role"),
                )
            };
            Some(Role::parse(name).ok_or_else(fault)?)
        }
    };
    Ok(NewToken {
        name: ctx.form.get("/name").unwrap_or_default().to_owned(),
        role,
        tags: split_tags(ctx.form.get("/tags").unwrap_or_default()),
        expires_at: ctx.form.get("/expires_at").map(end).transpose()?,
    })
}

/// `GET /settings/tokens/{id}/revoke`
pub async fn confirm_revoke(ctx: Arc<RequestContext>) -> HandlerResult {
    let token = requested(&ctx).await?;
    let view = ConfirmDialog::plain("revoke", &token.name, revoke_href(&token.id), ctx.return_path(LIST));
    ctx.confirm(StatusCode::OK, "settings", &view)
}

/// `POST /settings/tokens/{id}/revoke`
pub async fn revoke(ctx: Arc<RequestContext>) -> HandlerResult {
    let token = requested(&ctx).await?;
    ctx.services().tokens.revoke(ctx.actor()?, &token.id).await?;
    Ok(ctx.action_done(&Flash::new("revoked", &token.name, ""), &token.id, LIST))
}

async fn requested(ctx: &RequestContext) -> Result<Token, Failure> {
    let mut tokens = ctx.services().tokens.list(ctx.actor()?).await?.into_iter();
    tokens.find(|token| token.id == ctx.id()).ok_or(Failure::NotFound)
}
