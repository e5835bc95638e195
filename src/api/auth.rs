//! Authentication: programs by a token, people by the session cookie of the pages. A changing request that is authenticated by
//! the cookie alone must come from Belfry's own pages, as browsers send the cookie with cross-site requests too.

use std::sync::Arc;

use poem::http::{HeaderMap, Method, header};
use poem::{FromRequest, Request, RequestBody};

use super::AppState;
use super::error::Problem;
use crate::domain::user::{Actor, Via};
use crate::i18n::message;
use crate::net::cookie;
use crate::service::Credential;

/// The name of the session cookie.
pub const SESSION_COOKIE: &str = "belfry_session";

/// The account behind a request; a request without one gets a 401.
pub struct Caller(pub Actor);

impl<'a> FromRequest<'a> for Caller {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        Ok(identify(request).await.map(Caller)?)
    }
}

/// An actor authenticated within this process; requests from the network cannot carry one.
#[derive(Clone)]
pub struct InProcessActor(pub Actor);

/// Authenticates a request.
///
/// # Errors
/// 401 without a valid token or session, 403 for a changing request by cookie from another site.
pub async fn identify(request: &Request) -> Result<Actor, Problem> {
    let peer = request.remote_addr().as_socket_addr().map(|peer| peer.ip().to_canonical().to_string());
    Ok(authenticate(request).await?.with_address(peer))
}

async fn authenticate(request: &Request) -> Result<Actor, Problem> {
    if let Some(InProcessActor(actor)) = request.data::<InProcessActor>() {
        return Ok(actor.clone());
    }
    let shared = request.data::<Arc<AppState>>().ok_or_else(Problem::internal)?;
    if let Some(token) = bearer(request.headers()) {
        let actor = shared.services.sessions.actor_by_token(token).await?;
        return actor.ok_or_else(|| Problem::unauthorized(message!("sign_in.unknown_token")));
    }
    let Some(session) = session(request) else {
        return Err(Problem::unauthorized(message!("sign_in.no_credential")));
    };
    let actor = shared.services.sessions.actor_by_session(&session, Via::Api).await?;
    let actor = actor.ok_or_else(|| Problem::unauthorized(message!("sign_in.session_ended")))?;
    if changes(request.method()) && !is_same_origin(request.headers()) {
        return Err(Problem::forbidden(message!("request.other_site")));
    }
    Ok(actor)
}

/// The credential of an authenticated request, for checks after the response has begun.
pub fn credential(request: &Request) -> Option<Credential> {
    let token = bearer(request.headers()).map(|token| Credential::Token(token.to_owned()));
    token.or_else(|| session(request).map(|secret| Credential::Session(secret, Via::Api)))
}

/// The token of an `Authorization: Bearer` header; other schemes, such as a proxy's Basic, are ignored.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn session(request: &Request) -> Option<String> {
    cookie::read(request.headers(), SESSION_COOKIE).map(str::to_owned)
}

fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD)
}

/// Whether a browser's headers say that the request comes from this host. Without such headers: false.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    match (text("origin"), text("host")) {
        (Some(origin), Some(host)) => {
            origin.split_once("://").is_some_and(|(_, from)| !host.is_empty() && from.eq_ignore_ascii_case(host))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (poem::http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn same_origin_is_read_from_browser_headers() {
        let same = |pairs: &[_]| is_same_origin(&headers(pairs));
        assert!(same(&[("sec-fetch-site", "same-origin")]));
        assert!(same(&[("sec-fetch-site", "none")]));
        assert!(same(&[("origin", "https://belfry.example:8398"), ("host", "belfry.example:8398")]));
        assert!(!same(&[("sec-fetch-site", "same-site"), ("origin", "http://a"), ("host", "a")]));
        assert!(!same(&[("origin", "http://a.evil"), ("host", "a")]));
        assert!(!same(&[("origin", "null"), ("host", "a")]));
        assert!(!same(&[("host", "a")]));
        assert!(!same(&[]));
    }

    #[test]
    fn bearer_scheme_is_case_insensitive() {
        assert_eq!(bearer(&headers(&[("authorization", "bearer abc")])), Some("abc"));
        assert_eq!(bearer(&headers(&[("authorization", "Basic abc")])), None);
        assert_eq!(bearer(&headers(&[("authorization", "abc")])), None);
    }
}
