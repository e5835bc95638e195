//! Failures of HTTP requests: their message, and whether to retry. No message contains a password or the values of a query.

use std::error::Error;
use std::time::Duration;

use super::network::RequestRefused;
use crate::domain::input::truncate;
use crate::i18n::{Message, message};
use crate::tasks::RunError;
use crate::tasks::transport_error::{self, find};

/// Why there is no response.
#[derive(Debug)]
pub(super) enum Unanswered {
    Refused(RequestRefused),
    Failed(reqwest::Error),
}

impl From<reqwest::Error> for Unanswered {
    fn from(error: reqwest::Error) -> Self {
        Unanswered::Failed(error)
    }
}

/// Classifies an exchange without a complete response. `limit`: the request's timeout.
pub(super) fn unanswered(unanswered: &Unanswered, limit: Duration) -> RunError {
    match unanswered {
        Unanswered::Refused(RequestRefused(message)) => RunError::fail(message.clone()),
        Unanswered::Failed(error) => classify(error, limit),
    }
}

/// Classifies the failure of a request without a complete response. `limit`: the request's timeout.
pub(in crate::tasks) fn classify(error: &reqwest::Error, limit: Duration) -> RunError {
    if let Some(RequestRefused(message)) = find(error) {
        return RunError::fail(message.clone());
    }
    if error.is_timeout() {
        return RunError::retry(message!("http.no_response", seconds = limit.as_secs_f64()));
    }
    if error.is_builder() {
        return RunError::fail(message!("http.invalid_request", error = root(error)));
    }
    if let Some(tls) = find::<rustls::Error>(error) {
        return tls_failure(tls);
    }
    if error.is_connect() {
        return RunError::retry(message!("http.connect_failed", error = root(error)));
    }
    RunError::retry(message!("http.connection_lost", error = root(error)))
}

/// The TLS failure that caused an error, if any.
pub(in crate::tasks) fn tls(error: &(dyn Error + 'static)) -> Option<RunError> {
    find::<rustls::Error>(error).map(tls_failure)
}

/// A rejected certificate, or a server without TLS, is not retried.
fn tls_failure(error: &rustls::Error) -> RunError {
    use rustls::Error as Tls;
    let reason = transport_error::of_tls(error);
    match error {
        Tls::InvalidCertificate(_) => RunError::fail(message!("http.certificate", error = reason)),
        Tls::InvalidMessage(_) | Tls::PeerIncompatible(_) | Tls::NoCertificatesPresented | Tls::UnsupportedNameType => {
            RunError::fail(message!("http.tls_failed", error = reason))
        }
        _ => RunError::retry(message!("http.tls_failed", error = reason)),
    }
}

/// What the connection failed by, or else the message of the innermost error.
fn root(error: &reqwest::Error) -> Message {
    if let Some(words) = transport_error::words(error) {
        return words;
    }
    let mut last: &dyn Error = error;
    while let Some(next) = last.source() {
        last = next;
    }
    if std::ptr::addr_eq(last, error) {
        return message!("http.invalid_part");
    }
    Message::verbatim(truncate(&last.to_string(), 300))
}
