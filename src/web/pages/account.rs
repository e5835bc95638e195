//! Set-up, sign-in, sign-out, one's own password, and the reader's choice of language and theme.

use std::sync::Arc;

use poem::Response;
use poem::http::StatusCode;

use super::refusal;
use super::second_step::{await_code, end_former};
use crate::domain::fault::Fault;
use crate::domain::user::MIN_PASSWORD;
use crate::service::{Error, SignedIn};
use crate::web::error::Failure;
use crate::web::language::{Language, Theme};
use crate::web::session::{self, Flash, choice_cookie, session_cookie};
use crate::web::urls;
use crate::web::view::account::{Login, Own, Setup};
use crate::web::view::task_form::Fields;
use crate::web::view::type_title;
use crate::web::visit::{Answer, Visit, redirect, set_cookie};

/// `GET /setup`
pub async fn setup_form(visit: Arc<Visit>) -> Answer {
    if !visit.service().needs_setup().await? {
        return Ok(redirect("/login"));
    }
    let needs_code = !visit.at_the_machine;
    visit.page("", &Setup { needs_code, min_password: MIN_PASSWORD, ..Setup::default() })
}

/// `POST /setup`: makes the first administrator and signs in.
pub async fn set_up(visit: Arc<Visit>) -> Answer {
    if !visit.service().needs_setup().await? {
        return Ok(redirect("/login"));
    }
    let name = visit.form.get("name").unwrap_or_default();
    let password = visit.form.raw("password").unwrap_or_default();
    let needs_code = !visit.at_the_machine;
    let mut view = Setup { needs_code, name: name.to_owned(), min_password: MIN_PASSWORD, ..Setup::default() };
    if needs_code {
        let code = visit.form.get("code").unwrap_or_default();
        match visit.service().check_setup_code(code, visit.peer.as_deref()) {
            Ok(()) => view.code = code.to_owned(),
            Err(Error::TooManyRequests(_)) => {
                view.message = visit.t("login.too_many").to_owned();
                return visit.page_with(StatusCode::TOO_MANY_REQUESTS, "", &view);
            }
            Err(_) => {
                view.code_fault = visit.t("setup.code_wrong").to_owned();
                return visit.page_with(StatusCode::FORBIDDEN, "", &view);
            }
        }
    }
    if visit.form.raw("repeat") != Some(password) {
        view.password_fault = visit.t("setup.differ").to_owned();
        return visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, "", &view);
    }
    match visit.service().set_up(name, password).await {
        Ok(_user) => welcome(&visit, name, password, "/").await,
        Err(Error::Invalid(faults)) => {
            for fault in visit.translated(&faults) {
                match fault.pointer.as_str() {
                    "/name" => view.name_fault = fault.message,
                    "/password" => view.password_fault = fault.message,
                    _ => view.message = fault.message,
                }
            }
            visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, "", &view)
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /login`
pub async fn login_form(visit: Arc<Visit>) -> Answer {
    if visit.actor.is_some() {
        return Ok(redirect("/"));
    }
    if visit.service().needs_setup().await? {
        return Ok(redirect("/setup"));
    }
    let next = visit.query.get("next").and_then(urls::local).unwrap_or_default().to_owned();
    visit.page("", &Login { next, ..Login::empty(&visit) })
}

/// `POST /login`
pub async fn sign_in(visit: Arc<Visit>) -> Answer {
    let name = visit.form.get("name").unwrap_or_default();
    let password = visit.form.raw("password").unwrap_or_default();
    let next = visit.form.get("next").and_then(urls::local).unwrap_or("/");
    let refused = |status, message: String| {
        let view = Login { name: name.to_owned(), next: next.to_owned(), message, ..Login::empty(&visit) };
        visit.page_with(status, "", &view)
    };
    match welcome(&visit, name, password, next).await {
        Err(Failure::Service(Error::Unauthorized(_) | Error::Invalid(_))) => {
            refused(StatusCode::UNAUTHORIZED, visit.t("login.refused").to_owned())
        }
        Err(Failure::Service(Error::TooManyRequests(_))) => {
            refused(StatusCode::TOO_MANY_REQUESTS, visit.t("login.too_many").to_owned())
        }
        other => other,
    }
}

async fn welcome(visit: &Visit, name: &str, password: &str, next: &str) -> Answer {
    let (user, secret) = match visit.service().sign_in_by_password(name, password, visit.peer.as_deref()).await? {
        SignedIn::Done(user, secret) => (user, secret),
        SignedIn::SecondStep(pending) => return Ok(await_code(visit, &pending, next)),
    };
    end_former(visit).await?;
    let mut response = visit.go(next, Some(&Flash::new("welcome", &user.name, "")));
    set_cookie(&mut response, &session_cookie(&secret, visit.secure));
    Ok(response)
}

/// `POST /logout`
pub async fn sign_out(visit: Arc<Visit>) -> Answer {
    if let Some(secret) = &visit.session {
        visit.service().sign_out(secret).await?;
    }
    let mut response = redirect("/login");
    set_cookie(&mut response, &session::removal(session::SESSION));
    Ok(response)
}

/// `POST /account/sign-out`: ends all sessions of the account, this one too.
pub async fn sign_out_everywhere(visit: Arc<Visit>) -> Answer {
    visit.service().end_own_sessions(visit.actor()?).await?;
    let mut response = visit.go("/login", Some(&Flash::new("signed_out_everywhere", "", "")));
    set_cookie(&mut response, &session::removal(session::SESSION));
    Ok(response)
}

/// `GET /account`
pub async fn own(visit: Arc<Visit>) -> Answer {
    draw_own(&visit, StatusCode::OK, Fields::default(), String::new())
}

/// `POST /account`: changes one's own password. This session goes on, others of the account end.
pub async fn change_password(visit: Arc<Visit>) -> Answer {
    let typed = |name: &str| visit.form.raw(name).unwrap_or_default();
    let (present, new) = (typed("/present"), typed("/password"));
    let mut form = Fields::default();
    if typed("/repeat") != new {
        form.place_among(&["/repeat"], &[Fault::new("/repeat", visit.t("setup.differ"))]);
        return draw_own(&visit, StatusCode::UNPROCESSABLE_ENTITY, form, String::new());
    }
    match visit.service().change_own_password(visit.actor()?, present, new, visit.session.as_deref()).await {
        Ok(()) => Ok(visit.go("/account", Some(&Flash::new("password", "", "")))),
        Err(error) => {
            let (status, message) = refusal::shown(&visit, error, &["/present", "/password"], &mut form)?;
            draw_own(&visit, status, form, message)
        }
    }
}

fn draw_own(visit: &Visit, status: StatusCode, form: Fields, message: String) -> Answer {
    let actor = visit.actor()?;
    let grants = actor.grants.iter().map(|name| type_title(name, visit)).collect();
    visit.page_with(status, "settings", &Own { role: actor.role.as_str(), grants, form, message, min_password: MIN_PASSWORD })
}

/// `POST /preferences`: keeps a language or a theme, and goes back.
pub async fn prefer(visit: Arc<Visit>) -> Answer {
    let back = visit.form.get("back").and_then(urls::local).unwrap_or("/");
    let mut response: Response = redirect(back);
    if let Some(language) = visit.form.get("language").and_then(Language::parse) {
        set_cookie(&mut response, &choice_cookie(session::LANGUAGE, language.tag(), visit.secure));
    }
    if let Some(theme) = visit.form.get("theme").and_then(Theme::parse) {
        set_cookie(&mut response, &choice_cookie(session::THEME, theme.as_str(), visit.secure));
    }
    Ok(response)
}
