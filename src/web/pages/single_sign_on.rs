//! The way to the identity provider and back.

use std::sync::Arc;

use poem::http::StatusCode;

use super::second_step::end_former;
use crate::service::{NotIn, Returned};
use crate::web::error::Failure;
use crate::web::session::{self, Flash, session_cookie, short_cookie};
use crate::web::urls;
use crate::web::view::account::Login;
use crate::web::visit::{Answer, Visit, redirect, set_cookie};

/// Seconds that the browser keeps what it is known by on its way back.
const VISIT_SECONDS: u64 = 600;

/// `GET /login/oidc?next=…`: sends the reader to the provider.
pub async fn depart(visit: Arc<Visit>) -> Answer {
    let next = visit.query.get("next").and_then(urls::local).unwrap_or("/");
    match visit.service().depart(next).await {
        Ok(departure) => {
            let mut response = redirect(&departure.url);
            set_cookie(&mut response, &short_cookie(session::PROVIDER, &departure.browser, VISIT_SECONDS, visit.secure));
            Ok(response)
        }
        Err(refused) => refuse(&visit, refused, next),
    }
}

/// `GET /login/oidc/callback`: where the provider sends the reader back to.
pub async fn arrive(visit: Arc<Visit>) -> Answer {
    let given = |name: &str| visit.query.get(name).map(str::to_owned);
    let returned = Returned {
        code: given("code").unwrap_or_default(),
        state: given("state").unwrap_or_default(),
        issuer: given("iss"),
        error: given("error").map(|word| crate::domain::input::cut(&word, 64)),
        browser: visit.provider_visit.clone(),
    };
    match visit.service().arrive(&returned, visit.peer.as_deref()).await {
        Ok(arrival) => {
            end_former(&visit).await?;
            let next = urls::local(&arrival.next).unwrap_or("/");
            let mut response = visit.go(next, Some(&Flash::new("welcome", &arrival.user.name, "")));
            set_cookie(&mut response, &session_cookie(&arrival.session, visit.secure));
            set_cookie(&mut response, &session::removal(session::PROVIDER));
            Ok(response)
        }
        Err(refused) => refuse(&visit, refused, ""),
    }
}

/// The sign-in page, with the reason in the reader's language.
fn refuse(visit: &Visit, refused: NotIn, next: &str) -> Answer {
    let status = match &refused {
        NotIn::NotSetUp => return Err(Failure::NotFound),
        NotIn::Service(_) => StatusCode::INTERNAL_SERVER_ERROR,
        NotIn::Provider(_) => StatusCode::BAD_GATEWAY,
        NotIn::Crowded => StatusCode::SERVICE_UNAVAILABLE,
        NotIn::Stale => StatusCode::BAD_REQUEST,
        NotIn::Taken(_) | NotIn::LastAdministrator => StatusCode::CONFLICT,
        _ => StatusCode::FORBIDDEN,
    };
    if let NotIn::Service(error) = refused {
        return Err(error.into());
    }
    let about = match &refused {
        NotIn::Name(text) | NotIn::Taken(text) | NotIn::Disabled(text) | NotIn::Denied(text) => text.as_str(),
        _ => "",
    };
    let message = visit.texts().fill(&format!("sso.{}", refused.key()), &[("about", about)]);
    let next = if next == "/" { String::new() } else { next.to_owned() };
    let view = Login { next, message, ..Login::empty(visit) };
    visit.page_with(status, "", &view)
}
