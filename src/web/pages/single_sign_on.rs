//! Sign-in through the identity provider (OpenID Connect).

use std::sync::Arc;

use poem::http::StatusCode;

use super::account::empty_login;
use super::second_step::end_previous_session;
use crate::service::{OidcCallback, SignInError};
use crate::web::error::Failure;
use crate::web::request_context::{HandlerResult, RequestContext, redirect, set_cookie};
use crate::web::session::{self, Flash, session_cookie, short_cookie};
use crate::web::urls;
use crate::web::view::account::Login;

/// Lifetime of the cookie that binds the sign-in to the browser, in seconds.
const PROVIDER_COOKIE_SECONDS: u64 = 600;

/// `GET /login/oidc?next=…`: redirects to the provider.
pub async fn start(ctx: Arc<RequestContext>) -> HandlerResult {
    let next = ctx.query.get("next").and_then(urls::local).unwrap_or("/");
    match ctx.services().single_sign_on.start(next).await {
        Ok(provider_redirect) => {
            let mut response = redirect(&provider_redirect.url);
            set_cookie(
                &mut response,
                &short_cookie(session::PROVIDER, &provider_redirect.browser, PROVIDER_COOKIE_SECONDS, ctx.secure),
            );
            Ok(response)
        }
        Err(error) => render_error(&ctx, error, next),
    }
}

/// `GET /login/oidc/callback`: the provider redirects back to it.
pub async fn callback(ctx: Arc<RequestContext>) -> HandlerResult {
    let given = |name: &str| ctx.query.get(name).map(str::to_owned);
    let callback_params = OidcCallback {
        code: given("code").unwrap_or_default(),
        state: given("state").unwrap_or_default(),
        issuer: given("iss"),
        error: given("error").map(|word| crate::domain::input::truncate(&word, 64)),
        browser: ctx.provider_cookie.clone(),
    };
    match ctx.services().single_sign_on.finish(&callback_params, ctx.peer.as_deref()).await {
        Ok(login) => {
            end_previous_session(&ctx).await?;
            let next = urls::local(&login.next).unwrap_or("/");
            let mut response = ctx.redirect_with_flash(next, Some(&Flash::new("welcome", &login.user.name, "")));
            set_cookie(&mut response, &session_cookie(&login.session, ctx.secure));
            set_cookie(&mut response, &session::removal(session::PROVIDER));
            Ok(response)
        }
        Err(error) => render_error(&ctx, error, ""),
    }
}

/// Renders the sign-in page with the reason of the failure.
fn render_error(ctx: &RequestContext, error: SignInError, next: &str) -> HandlerResult {
    let status = match &error {
        SignInError::NotSetUp => return Err(Failure::NotFound),
        SignInError::Service(_) => StatusCode::INTERNAL_SERVER_ERROR,
        SignInError::Provider(_) => StatusCode::BAD_GATEWAY,
        SignInError::Crowded => StatusCode::SERVICE_UNAVAILABLE,
        SignInError::Stale => StatusCode::BAD_REQUEST,
        SignInError::Taken(_) | SignInError::LastAdministrator => StatusCode::CONFLICT,
        _ => StatusCode::FORBIDDEN,
    };
    if let SignInError::Service(cause) = error {
        return Err(cause.into());
    }
    let about = match &error {
        SignInError::Name(reason) => reason.text(ctx.language),
        SignInError::Taken(text) | SignInError::Disabled(text) | SignInError::Denied(text) => text.clone(),
        _ => String::new(),
    };
    let message = ctx.texts().fill(&format!("sso.{}", error.key()), &[("about", &about)]);
    let next = if next == "/" { String::new() } else { next.to_owned() };
    let view = Login { next, message, ..empty_login(ctx) };
    ctx.page_with(status, "", &view)
}
