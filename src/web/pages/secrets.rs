//! Secrets page, for administrators. Values are write-only.

use std::sync::Arc;

use poem::http::StatusCode;

use super::form_errors;
use crate::service::NewSecret;
use crate::web::error::Failure;
use crate::web::form::split_tags;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::session::Flash;
use crate::web::view::resources::{SecretList, SecretRow, delete_href};
use crate::web::view::task_form::Fields;
use crate::web::view::tasks::ConfirmDialog;

const LIST: &str = "/settings/secrets";
const FIELDS: [&str; 4] = ["/name", "/value", "/tags", "/tasks"];

/// `GET /settings/secrets`
pub async fn list(ctx: Arc<RequestContext>) -> HandlerResult {
    render(&ctx, StatusCode::OK, Fields::default(), String::new()).await
}

/// `POST /settings/secrets`: stores a secret; replaces an existing one of that name.
pub async fn set(ctx: Arc<RequestContext>) -> HandlerResult {
    let name = ctx.form.get("/name").unwrap_or_default();
    let value = ctx.form.raw("/value").unwrap_or_default().to_owned();
    let new = NewSecret { value, tags: limit(&ctx, "/tags"), tasks: limit(&ctx, "/tasks") };
    match ctx.services().secrets.put(ctx.actor()?, name, &new).await {
        Ok(kept) => Ok(ctx.redirect_with_flash(LIST, Some(&Flash::new("secret_set", &kept.name, "")))),
        Err(error) => {
            let mut form = form_errors::submitted(&ctx, &["/value"]);
            let (status, message) = form_errors::apply(&ctx, error, &FIELDS, &mut form)?;
            render(&ctx, status, form, message).await
        }
    }
}

/// The names in a field that limits the secret; an empty field leaves the limit of an existing secret unchanged.
fn limit(ctx: &RequestContext, field: &str) -> Option<Vec<String>> {
    Some(split_tags(ctx.form.get(field).unwrap_or_default())).filter(|names| !names.is_empty())
}

async fn render(ctx: &RequestContext, status: StatusCode, form: Fields, message: String) -> HandlerResult {
    let secrets = ctx.services().secrets.list(ctx.actor()?).await?;
    let uses = ctx.services().secrets.uses(ctx.actor()?).await?;
    let used = |name: &str| uses.get(name).map(Vec::as_slice).unwrap_or_default();
    let rows = secrets.iter().map(|secret| SecretRow::new(&ctx.view(), secret, used(&secret.name))).collect();
    ctx.page_with(status, "settings", &SecretList { rows, message, form })
}

/// `GET /settings/secrets/delete?name=…`
pub async fn confirm_delete(ctx: Arc<RequestContext>) -> HandlerResult {
    let name = name(&ctx);
    if !ctx.services().secrets.list(ctx.actor()?).await?.iter().any(|secret| secret.name == name) {
        return Err(Failure::NotFound);
    }
    ctx.confirm(
        StatusCode::OK,
        "settings",
        &ConfirmDialog::plain("delete_secret", name, delete_href(name), ctx.return_path(LIST)),
    )
}

/// `POST /settings/secrets/delete?name=…`
pub async fn delete(ctx: Arc<RequestContext>) -> HandlerResult {
    let name = name(&ctx);
    ctx.services().secrets.delete(ctx.actor()?, name).await?;
    Ok(ctx.action_done(&Flash::new("secret_deleted", name, ""), name, LIST))
}

fn name(ctx: &RequestContext) -> &str {
    ctx.query.raw("name").unwrap_or_default()
}
