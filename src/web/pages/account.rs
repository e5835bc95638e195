//! Setup, sign-in, sign-out, own password, and preferences of language and theme.

use std::sync::Arc;

use poem::Response;
use poem::http::StatusCode;

use super::form_errors;
use super::second_step::{end_previous_session, redirect_to_second_step};
use crate::domain::input::truncate;
use crate::domain::user::MIN_PASSWORD;
use crate::i18n::Language;
use crate::service::{Error, SignedIn};
use crate::web::error::Failure;
use crate::web::request_context::{HandlerResult, RequestContext, redirect, set_cookie};
use crate::web::session::{self, Flash, choice_cookie, session_cookie};
use crate::web::theme::Theme;
use crate::web::urls;
use crate::web::view::account::{AccountPage, Login, Setup};
use crate::web::view::fault_text::FaultText;
use crate::web::view::grant_title;
use crate::web::view::task_form::Fields;

/// `GET /setup`
pub async fn setup_form(ctx: Arc<RequestContext>) -> HandlerResult {
    if !ctx.services().setup.is_needed().await? {
        return Ok(redirect("/login"));
    }
    let needs_code = !ctx.is_local_request;
    // The address that a server prints at its first start contains the code.
    let code = ctx.query.get("code").map(|code| truncate(code, 40)).unwrap_or_default();
    ctx.page("", &Setup { needs_code, code, min_password: MIN_PASSWORD, ..Setup::default() })
}

/// `POST /setup`: creates the first administrator and signs in.
pub async fn set_up(ctx: Arc<RequestContext>) -> HandlerResult {
    if !ctx.services().setup.is_needed().await? {
        return Ok(redirect("/login"));
    }
    let name = ctx.form.get("name").unwrap_or_default();
    let password = ctx.form.raw("password").unwrap_or_default();
    let needs_code = !ctx.is_local_request;
    let mut view = Setup { needs_code, name: name.to_owned(), min_password: MIN_PASSWORD, ..Setup::default() };
    if needs_code {
        let code = ctx.form.get("code").unwrap_or_default();
        match ctx.services().setup.check_code(code, ctx.peer.as_deref()) {
            Ok(()) => view.code = code.to_owned(),
            Err(Error::TooManyRequests(_)) => {
                view.message = ctx.t("login.too_many").to_owned();
                return ctx.page_with(StatusCode::TOO_MANY_REQUESTS, "", &view);
            }
            Err(_) => {
                view.code_fault = ctx.t("setup.code_wrong").to_owned();
                return ctx.page_with(StatusCode::FORBIDDEN, "", &view);
            }
        }
    }
    if ctx.form.raw("repeat") != Some(password) {
        view.password_fault = ctx.t("setup.differ").to_owned();
        return ctx.page_with(StatusCode::UNPROCESSABLE_ENTITY, "", &view);
    }
    match ctx.services().setup.create_admin(name, password).await {
        Ok(_user) => sign_in_with_password(&ctx, name, password, "/").await,
        Err(Error::Invalid(faults)) => {
            for fault in ctx.translate_faults(&faults) {
                match fault.pointer.as_str() {
                    "/name" => view.name_fault = fault.message,
                    "/password" => view.password_fault = fault.message,
                    _ => view.message = fault.message,
                }
            }
            ctx.page_with(StatusCode::UNPROCESSABLE_ENTITY, "", &view)
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /login`
pub async fn login_form(ctx: Arc<RequestContext>) -> HandlerResult {
    if ctx.actor.is_some() {
        return Ok(redirect("/"));
    }
    if ctx.services().setup.is_needed().await? {
        return Ok(redirect("/setup"));
    }
    let next = ctx.query.get("next").and_then(urls::local).unwrap_or_default().to_owned();
    ctx.page("", &Login { next, ..empty_login(&ctx) })
}

/// An empty sign-in form; the link to the provider keeps the page to return to.
pub fn empty_login(ctx: &RequestContext) -> Login {
    let next = ctx.query.get("next").or(ctx.form.get("next")).and_then(urls::local).unwrap_or_default();
    Login::empty(ctx.services().single_sign_on.provider_name(), next)
}

/// `POST /login`
pub async fn sign_in(ctx: Arc<RequestContext>) -> HandlerResult {
    let name = ctx.form.get("name").unwrap_or_default();
    let password = ctx.form.raw("password").unwrap_or_default();
    let next = ctx.form.get("next").and_then(urls::local).unwrap_or("/");
    let rejected = |status, message: String| {
        let view = Login { name: name.to_owned(), next: next.to_owned(), message, ..empty_login(&ctx) };
        ctx.page_with(status, "", &view)
    };
    match sign_in_with_password(&ctx, name, password, next).await {
        Err(Failure::Service(Error::Unauthorized(_) | Error::Invalid(_))) => {
            rejected(StatusCode::UNAUTHORIZED, ctx.t("login.refused").to_owned())
        }
        Err(Failure::Service(Error::TooManyRequests(_))) => {
            rejected(StatusCode::TOO_MANY_REQUESTS, ctx.t("login.too_many").to_owned())
        }
        other => other,
    }
}

async fn sign_in_with_password(ctx: &RequestContext, name: &str, password: &str, next: &str) -> HandlerResult {
    let (user, secret) = match ctx.services().sign_in.by_password(name, password, ctx.peer.as_deref()).await? {
        SignedIn::Done(user, secret) => (user, secret),
        SignedIn::SecondStep(pending) => return Ok(redirect_to_second_step(ctx, &pending, next)),
    };
    end_previous_session(ctx).await?;
    let mut response = ctx.redirect_with_flash(next, Some(&Flash::new("welcome", &user.name, "")));
    set_cookie(&mut response, &session_cookie(&secret, ctx.secure));
    Ok(response)
}

/// `POST /logout`
pub async fn sign_out(ctx: Arc<RequestContext>) -> HandlerResult {
    if let Some(secret) = &ctx.session {
        ctx.services().sessions.sign_out(secret).await?;
    }
    let mut response = redirect("/login");
    set_cookie(&mut response, &session::removal(session::SESSION));
    Ok(response)
}

/// `POST /account/sign-out`: ends all sessions of the account, including this one.
pub async fn sign_out_everywhere(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.services().sessions.end_own(ctx.actor()?).await?;
    let mut response = ctx.redirect_with_flash("/login", Some(&Flash::new("signed_out_everywhere", "", "")));
    set_cookie(&mut response, &session::removal(session::SESSION));
    Ok(response)
}

/// `GET /account`
pub async fn show(ctx: Arc<RequestContext>) -> HandlerResult {
    render_account(&ctx, StatusCode::OK, Fields::default(), String::new())
}

/// `POST /account`: changes the user's own password. This session stays valid, all others of the account end.
pub async fn change_password(ctx: Arc<RequestContext>) -> HandlerResult {
    let submitted = |name: &str| ctx.form.raw(name).unwrap_or_default();
    let (present, new) = (submitted("/present"), submitted("/password"));
    let mut form = Fields::default();
    if submitted("/repeat") != new {
        form.assign_to_fields(&["/repeat"], &[FaultText::new("/repeat", ctx.t("setup.differ"))]);
        return render_account(&ctx, StatusCode::UNPROCESSABLE_ENTITY, form, String::new());
    }
    match ctx.services().users.change_own_password(ctx.actor()?, present, new, ctx.session.as_deref()).await {
        Ok(()) => Ok(ctx.redirect_with_flash("/account", Some(&Flash::new("password", "", "")))),
        Err(error) => {
            let (status, message) = form_errors::apply(&ctx, error, &["/present", "/password"], &mut form)?;
            render_account(&ctx, status, form, message)
        }
    }
}

fn render_account(ctx: &RequestContext, status: StatusCode, form: Fields, message: String) -> HandlerResult {
    let actor = ctx.actor()?;
    let grants = actor.grants.iter().map(|name| grant_title(name, &ctx.view())).collect();
    ctx.page_with(
        status,
        "settings",
        &AccountPage { role: actor.role.as_str(), grants, form, message, min_password: MIN_PASSWORD },
    )
}

/// `POST /preferences`: stores the language or theme in a cookie and redirects back.
pub async fn set_preferences(ctx: Arc<RequestContext>) -> HandlerResult {
    let back = ctx.form.get("back").and_then(urls::local).unwrap_or("/");
    let mut response: Response = redirect(back);
    if let Some(language) = ctx.form.get("language").and_then(Language::parse) {
        set_cookie(&mut response, &choice_cookie(session::LANGUAGE, language.tag(), ctx.secure));
    }
    if let Some(theme) = ctx.form.get("theme").and_then(Theme::parse) {
        set_cookie(&mut response, &choice_cookie(session::THEME, theme.as_str(), ctx.secure));
    }
    Ok(response)
}
