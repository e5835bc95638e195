//! Pages of the user's own second factor.

use std::sync::Arc;

use poem::http::StatusCode;

use super::form_errors;
use crate::service::{Error, TwoFactorStatus};
use crate::web::error::Failure;
use crate::web::request_context::{HandlerResult, RequestContext, redirect};
use crate::web::session::Flash;
use crate::web::view::second_factor::SecondFactorPage;
use crate::web::view::task_form::Fields;

pub const PAGE: &str = "/account/second-factor";
const FIELDS: [&str; 2] = ["/present", "/code"];

/// `GET /account/second-factor`
pub async fn show(ctx: Arc<RequestContext>) -> HandlerResult {
    render(&ctx, StatusCode::OK, Fields::default(), String::new()).await
}

async fn render(ctx: &RequestContext, status: StatusCode, form: Fields, message: String) -> HandlerResult {
    let standing = ctx.services().second_factor.status(ctx.actor()?).await?;
    let required = ctx.services().second_factor.is_required();
    ctx.page_with(status, "settings", &SecondFactorPage::new(&standing, required, form, message))
}

/// `POST /account/second-factor/begin`: creates a secret, which becomes active when a code confirms it.
pub async fn begin(ctx: Arc<RequestContext>) -> HandlerResult {
    match ctx.services().second_factor.begin(ctx.actor()?).await {
        Ok(()) | Err(Error::Conflict(_)) => Ok(redirect(PAGE)),
        Err(error) => Err(error.into()),
    }
}

/// `POST /account/second-factor/abandon`
pub async fn abandon(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.services().second_factor.abandon(ctx.actor()?).await?;
    Ok(redirect(PAGE))
}

/// `POST /account/second-factor/confirm`: shows the recovery codes once.
pub async fn confirm(ctx: Arc<RequestContext>) -> HandlerResult {
    let code = ctx.form.raw("/code").unwrap_or_default();
    match ctx.services().second_factor.confirm(ctx.actor()?, code, ctx.session.as_deref()).await {
        Ok(codes) => render_codes(&ctx, codes),
        Err(error) => refuse(&ctx, error).await,
    }
}

/// `POST /account/second-factor/recovery`: generates new recovery codes and shows them once.
pub async fn renew(ctx: Arc<RequestContext>) -> HandlerResult {
    let (password, code) = submitted(&ctx);
    match ctx.services().second_factor.renew_recovery_codes(ctx.actor()?, password, code).await {
        Ok(codes) => render_codes(&ctx, codes),
        Err(error) => refuse(&ctx, error).await,
    }
}

/// `POST /account/second-factor/remove`
pub async fn remove(ctx: Arc<RequestContext>) -> HandlerResult {
    let (password, code) = submitted(&ctx);
    match ctx.services().second_factor.remove(ctx.actor()?, password, code).await {
        Ok(()) => Ok(ctx.redirect_with_flash(PAGE, Some(&Flash::new("second_factor_off", "", "")))),
        Err(error) => refuse(&ctx, error).await,
    }
}

fn submitted(ctx: &RequestContext) -> (&str, &str) {
    (ctx.form.raw("/present").unwrap_or_default(), ctx.form.raw("/code").unwrap_or_default())
}

fn render_codes(ctx: &RequestContext, codes: Vec<String>) -> HandlerResult {
    let standing = TwoFactorStatus::On { recovery_left: i64::try_from(codes.len()).unwrap_or_default() };
    let page = SecondFactorPage::new(&standing, ctx.services().second_factor.is_required(), Fields::default(), String::new());
    ctx.page("settings", &SecondFactorPage { codes, ..page })
}

async fn refuse(ctx: &RequestContext, error: Error) -> Result<poem::Response, Failure> {
    let mut form = Fields::default();
    let (status, message) = match error {
        Error::TooManyRequests(_) => (StatusCode::TOO_MANY_REQUESTS, ctx.t("login.too_many").to_owned()),
        other => form_errors::apply(ctx, other, &FIELDS, &mut form)?,
    };
    render(ctx, status, form, message).await
}
