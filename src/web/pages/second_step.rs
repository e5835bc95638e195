//! Second step of a sign-in: the code of the second factor.

use std::sync::Arc;

use poem::http::StatusCode;

use crate::service::Error;
use crate::web::request_context::{HandlerResult, RequestContext, redirect, set_cookie};
use crate::web::session::{self, Flash, session_cookie, short_cookie};
use crate::web::urls;
use crate::web::view::second_factor::LoginCode;

/// Lifetime of the cookie of a pending sign-in, in seconds.
const PENDING_SECONDS: u64 = 300;

/// Redirects to the second step.
pub fn redirect_to_second_step(ctx: &RequestContext, pending: &str, next: &str) -> poem::Response {
    let next = if next == "/" { "" } else { next };
    let mut response = redirect(&urls::with_query("/login/code", &[("next", next)]));
    set_cookie(&mut response, &short_cookie(session::PENDING, pending, PENDING_SECONDS, ctx.secure));
    response
}

/// `GET /login/code`
pub async fn form(ctx: Arc<RequestContext>) -> HandlerResult {
    if !ctx.services().sign_in.second_step_pending(&ctx.pending).await? {
        return Ok(redirect("/login"));
    }
    let next = ctx.query.get("next").and_then(urls::local).unwrap_or_default().to_owned();
    ctx.page("", &LoginCode { next, message: String::new() })
}

/// `POST /login/code`
pub async fn finish(ctx: Arc<RequestContext>) -> HandlerResult {
    let code = ctx.form.get("code").unwrap_or_default();
    let next = ctx.form.get("next").and_then(urls::local).unwrap_or("/");
    let rejected = |status, key: &str| {
        let view = LoginCode { next: next.to_owned(), message: ctx.t(key).to_owned() };
        ctx.page_with(status, "", &view)
    };
    let outcome = match ctx.services().sign_in.finish(&ctx.pending, code, ctx.peer.as_deref()).await {
        Ok(outcome) => outcome,
        Err(Error::Unauthorized(_)) if ctx.services().sign_in.second_step_pending(&ctx.pending).await? => {
            return rejected(StatusCode::UNAUTHORIZED, "second_step.refused");
        }
        Err(Error::Unauthorized(_) | Error::NotFound(_)) => return Ok(restart_sign_in(&ctx)),
        Err(Error::TooManyRequests(_)) => return rejected(StatusCode::TOO_MANY_REQUESTS, "login.too_many"),
        Err(error) => return Err(error.into()),
    };
    end_previous_session(&ctx).await?;
    let flash = match outcome.recovery_left {
        None => Flash::new("welcome", &outcome.user.name, ""),
        Some(left) => Flash::new("recovery_used", &left.to_string(), "/account/second-factor"),
    };
    let mut response = ctx.redirect_with_flash(next, Some(&flash));
    set_cookie(&mut response, &session_cookie(&outcome.session, ctx.secure));
    set_cookie(&mut response, &session::removal(session::PENDING));
    Ok(response)
}

/// Restarts the sign-in: the first step expired, or too many codes were wrong.
fn restart_sign_in(ctx: &RequestContext) -> poem::Response {
    let mut response = ctx.redirect_with_flash("/login", Some(&Flash::new("sign_in_expired", "", "")));
    set_cookie(&mut response, &session::removal(session::PENDING));
    response
}

/// Ends the previous session of this browser.
pub async fn end_previous_session(ctx: &RequestContext) -> Result<(), Error> {
    match (&ctx.actor, &ctx.session) {
        (Some(_), Some(previous)) => ctx.services().sessions.sign_out(previous).await,
        _ => Ok(()),
    }
}
