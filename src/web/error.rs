//! Failures of page requests.

use data_encoding::HEXLOWER;
use poem::http::StatusCode;

use crate::i18n::{Message, message};
use crate::service::Error;

/// Reason why a request failed.
#[derive(Debug)]
pub enum Failure {
    Service(Error),
    Template(tera::Error),
    /// Nobody is signed in.
    SignIn,
    /// The user must set up a second factor first.
    MustEnrol,
    /// The form lacks this session's CSRF token or comes from another site.
    OtherSite,
    NotFound,
    MethodNotAllowed,
    TooLarge,
    TooSlow,
    BadRequest(Message),
    /// A bug or panic, with its message.
    Internal(String),
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
    /// The parameters of a query that cannot be read.
    pub fn unreadable(faults: Vec<Message>) -> Failure {
        let count = faults.len().saturating_sub(1);
        let mut faults = faults.into_iter();
        Failure::BadRequest(match (faults.next(), count) {
            (Some(only), 0) => only,
            (Some(first), count) => message!("request.several_faults", first, count),
            (None, _) => message!("request.invalid"),
        })
    }

    pub fn status(&self) -> StatusCode {
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
            Failure::TooSlow | Failure::Service(Error::TooSlow | Error::Unavailable(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Failure::BadRequest(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Logs an internal error; returns the reference that is shown to the user.
    pub fn log(&self) -> String {
        let mut bytes = [0; 6];
        let _ = getrandom::fill(&mut bytes); // without randomness the reference is all zeros
        let reference = HEXLOWER.encode(&bytes);
        match self {
            Failure::Service(Error::Unavailable(cause)) => {
                tracing::warn!(reference, error = cause as &dyn std::error::Error, "page refused: database unavailable");
            }
            Failure::Service(Error::Internal(cause)) => tracing::error!(reference, error = %cause, "failed to serve page"),
            Failure::Template(error) => tracing::error!(reference, error = %error, "failed to render template"),
            Failure::Internal(error) => tracing::error!(reference, error, "failed to serve page"),
            other => tracing::error!(reference, error = ?other, "failed to serve page"),
        }
        reference
    }

    /// Returns the key of its texts, after `error.`.
    pub fn text_key(&self) -> &'static str {
        match self {
            Failure::OtherSite => "other_site",
            Failure::Service(Error::Unavailable(_)) => "unavailable",
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
