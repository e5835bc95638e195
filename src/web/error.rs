//! What can go wrong with a page, and how the reader is told: as a page of the house, or as a message where a script asked.

use poem::Response;
use poem::http::{StatusCode, header};
use serde_json::json;

use super::urls;
use super::view::error::ErrorPage;
use super::visit::{Visit, redirect, told};
use crate::service::Error;

/// Why a page was not given.
#[derive(Debug)]
pub enum Failure {
    Service(Error),
    Template(tera::Error),
    /// Nobody is signed in.
    SignIn,
    /// Whoever is signed in must set up a second factor first.
    MustEnrol,
    /// A form without this session's token, or from another site.
    OtherSite,
    NotFound,
    MethodNotAllowed,
    TooLarge,
    TooSlow,
    BadRequest(String),
    /// A fault of the program, by its message.
    Broken(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Service(error)
    }
}

impl From<tera::Error> for Failure {
    fn from(error: tera::Error) -> Self {
        Failure::Template(error)
    }
}

impl Failure {
    fn status(&self) -> StatusCode {
        match self {
            Failure::Service(Error::NotFound(_)) | Failure::NotFound => StatusCode::NOT_FOUND,
            Failure::Service(Error::Forbidden(_)) | Failure::OtherSite => StatusCode::FORBIDDEN,
            Failure::Service(Error::Invalid(_)) => StatusCode::UNPROCESSABLE_ENTITY,
            Failure::Service(Error::Conflict(_)) => StatusCode::CONFLICT,
            Failure::Service(Error::Stale { .. }) => StatusCode::PRECONDITION_FAILED,
            Failure::Service(Error::Unauthorized(_)) | Failure::SignIn | Failure::MustEnrol => StatusCode::UNAUTHORIZED,
            Failure::Service(Error::TooManyRequests(_)) => StatusCode::TOO_MANY_REQUESTS,
            Failure::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Failure::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Failure::TooSlow => StatusCode::SERVICE_UNAVAILABLE,
            Failure::BadRequest(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What may be shown of the cause.
    fn detail(&self, visit: &Visit) -> String {
        match self {
            Failure::Service(Error::Internal(_)) | Failure::Template(_) | Failure::Broken(_) => String::new(),
            Failure::Service(Error::Invalid(faults)) => {
                visit.translated(faults).iter().map(|fault| fault.message.as_str()).collect::<Vec<_>>().join("; ")
            }
            Failure::Service(error) => visit.said(&error.to_string()),
            Failure::BadRequest(message) => message.clone(),
            _ => String::new(),
        }
    }

    /// A fault of ours goes to the log under a reference that the reader is shown.
    fn log(&self) -> String {
        let mut bytes = [0; 6];
        let _without_randomness_the_reference_is_plain = getrandom::fill(&mut bytes);
        let reference: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        match self {
            Failure::Service(Error::Internal(cause)) => tracing::error!(reference, error = %cause, "a page failed"),
            Failure::Template(error) => tracing::error!(reference, error = %error, "a template failed"),
            Failure::Broken(error) => tracing::error!(reference, error, "a page failed"),
            other => tracing::error!(reference, error = ?other, "a page failed"),
        }
        reference
    }

    /// The answer to the reader.
    pub async fn answer(self, visit: &Visit) -> Response {
        match self {
            Failure::SignIn => return sign_in(visit).await,
            Failure::MustEnrol => return sent_to(visit, "/account/second-factor"),
            _ => {}
        }
        let status = self.status();
        let reference = if status == StatusCode::INTERNAL_SERVER_ERROR { self.log() } else { String::new() };
        if visit.partial {
            return toast(visit, &self, status, &reference);
        }
        let view = ErrorPage::new(visit, status.as_u16(), self.text_key(), self.detail(visit), reference);
        visit.page_with(status, "", &view).unwrap_or_else(|failure| plain(status, &failure))
    }

    /// The key of what is said about it, below `error.`.
    fn text_key(&self) -> &'static str {
        match self {
            Failure::OtherSite => "other_site",
            _ => match self.status().as_u16() {
                400 => "bad_request",
                403 => "forbidden",
                404 => "not_found",
                405 => "method",
                409 => "conflict",
                412 => "stale",
                413 => "too_large",
                422 => "invalid",
                429 => "too_many",
                503 => "too_slow",
                _ => "internal",
            },
        }
    }
}

/// Without a frame: the error page itself could not be drawn.
fn plain(status: StatusCode, failure: &Failure) -> Response {
    failure.log();
    Response::builder().status(status).content_type("text/plain; charset=utf-8").body(status.to_string())
}

fn toast(visit: &Visit, failure: &Failure, status: StatusCode, reference: &str) -> Response {
    let mut text = visit.t(&format!("error.{}.title", failure.text_key())).to_owned();
    for part in [failure.detail(visit).as_str(), reference] {
        if !part.is_empty() {
            text = format!("{text} ({part})");
        }
    }
    told(status, &json!({"belfry:done": {"kind": "danger", "text": text}}))
}

/// To the sign-in page, or to set-up where there is no account yet; a script is told to go there.
async fn sign_in(visit: &Visit) -> Response {
    let fresh = visit.service().needs_setup().await.unwrap_or(false);
    let next = if visit.partial { visit.came_from.clone().unwrap_or_default() } else { visit.address() };
    let next = if next == "/" { String::new() } else { next };
    let path = if fresh { "/setup".to_owned() } else { urls::with_query("/login", &[("next", &next)]) };
    sent_to(visit, &path)
}

fn sent_to(visit: &Visit, path: &str) -> Response {
    if !visit.partial {
        return redirect(path);
    }
    Response::builder()
        .status(StatusCode::UNAUTHORIZED)
        .header("hx-redirect", path)
        .header(header::CACHE_CONTROL, "no-store")
        .finish()
}
