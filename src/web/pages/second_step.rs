//! The second step of a sign-in.

use std::sync::Arc;

use poem::http::StatusCode;

use crate::service::Error;
use crate::web::session::{self, Flash, session_cookie, short_cookie};
use crate::web::urls;
use crate::web::view::second_factor::LoginCode;
use crate::web::visit::{Answer, Visit, redirect, set_cookie};

/// Seconds that the browser keeps what stands for the first step.
const PENDING_SECONDS: u64 = 300;

/// Sends the reader on to the second step.
pub fn await_code(visit: &Visit, pending: &str, next: &str) -> poem::Response {
    let next = if next == "/" { "" } else { next };
    let mut response = redirect(&urls::with_query("/login/code", &[("next", next)]));
    set_cookie(&mut response, &short_cookie(session::PENDING, pending, PENDING_SECONDS, visit.secure));
    response
}

/// `GET /login/code`
pub async fn form(visit: Arc<Visit>) -> Answer {
    if !visit.service().awaits_second_step(&visit.pending).await? {
        return Ok(redirect("/login"));
    }
    let next = visit.query.get("next").and_then(urls::local).unwrap_or_default().to_owned();
    visit.page("", &LoginCode { next, message: String::new() })
}

/// `POST /login/code`
pub async fn finish(visit: Arc<Visit>) -> Answer {
    let code = visit.form.get("code").unwrap_or_default();
    let next = visit.form.get("next").and_then(urls::local).unwrap_or("/");
    let refused = |status, key: &str| {
        let view = LoginCode { next: next.to_owned(), message: visit.t(key).to_owned() };
        visit.page_with(status, "", &view)
    };
    let entered = match visit.service().finish_sign_in(&visit.pending, code, visit.peer.as_deref()).await {
        Ok(entered) => entered,
        Err(Error::Unauthorized(_)) if visit.service().awaits_second_step(&visit.pending).await? => {
            return refused(StatusCode::UNAUTHORIZED, "second_step.refused");
        }
        Err(Error::Unauthorized(_) | Error::NotFound(_)) => return Ok(begin_anew(&visit)),
        Err(Error::TooManyRequests(_)) => return refused(StatusCode::TOO_MANY_REQUESTS, "login.too_many"),
        Err(error) => return Err(error.into()),
    };
    end_former(&visit).await?;
    let flash = match entered.recovery_left {
        None => Flash::new("welcome", &entered.user.name, ""),
        Some(left) => Flash::new("recovery_used", &left.to_string(), "/account/second-factor"),
    };
    let mut response = visit.go(next, Some(&flash));
    set_cookie(&mut response, &session_cookie(&entered.session, visit.secure));
    set_cookie(&mut response, &session::removal(session::PENDING));
    Ok(response)
}

/// The first step took too long or too many codes were wrong.
fn begin_anew(visit: &Visit) -> poem::Response {
    let mut response = visit.go("/login", Some(&Flash::new("sign_in_anew", "", "")));
    set_cookie(&mut response, &session::removal(session::PENDING));
    response
}

/// Ends the session that this browser had before the new one.
pub async fn end_former(visit: &Visit) -> Result<(), Error> {
    match (&visit.actor, &visit.session) {
        (Some(_), Some(former)) => visit.service().sign_out(former).await,
        _ => Ok(()),
    }
}
