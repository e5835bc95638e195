//! Failures of HTTP requests: their message, and whether to retry. No message contains a password or the values of a query.

use std::error::Error;
use std::time::Duration;

use reqwest::Url;

use super::network::RequestRefused;
use crate::domain::input::truncate;
use crate::tasks::RunError;

/// A URL for messages: without user, password, query and fragment.
pub(in crate::tasks) fn redacted_url(url: &Url) -> String {
    let mut shown = url.clone();
    // Both fail only for a URL that cannot have a user.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_fragment(None);
    let has_query = shown.query().is_some();
    shown.set_query(None);
    truncate(&format!("{shown}{}", if has_query { "?…" } else { "" }), 300)
}

/// Classifies the failure of a request without a complete response. `limit`: the request's timeout.
pub(in crate::tasks) fn classify(error: &reqwest::Error, limit: Duration) -> RunError {
    if let Some(RequestRefused(message)) = find(error) {
        return RunError::fail(message.clone());
    }
    if error.is_timeout() {
        return RunError::retry(format!("no response within {} s", limit.as_secs_f64()));
    }
    if error.is_redirect() {
        return RunError::fail("too many redirects, or an invalid one");
    }
    if error.is_builder() {
        return RunError::fail(format!("the request is invalid: {}", root(error)));
    }
    if let Some(tls) = find::<rustls::Error>(error) {
        return tls_failure(tls);
    }
    if error.is_connect() {
        return RunError::retry(format!("connection failed: {}", root(error)));
    }
    RunError::retry(format!("the connection failed during the request: {}", root(error)))
}

/// The TLS failure that caused an error, if any.
pub(in crate::tasks) fn tls(error: &(dyn Error + 'static)) -> Option<RunError> {
    find::<rustls::Error>(error).map(tls_failure)
}

/// A rejected certificate, or a server without TLS, is not retried.
fn tls_failure(error: &rustls::Error) -> RunError {
    use rustls::Error as Tls;
    let message = truncate(&error.to_string(), 300);
    match error {
        Tls::InvalidCertificate(_) => RunError::fail(format!("the server's certificate is not accepted: {message}")),
        Tls::InvalidMessage(_) | Tls::PeerIncompatible(_) | Tls::NoCertificatesPresented | Tls::UnsupportedNameType => {
            RunError::fail(format!("TLS handshake failed: {message}"))
        }
        _ => RunError::retry(format!("TLS handshake failed: {message}")),
    }
}

/// The first error of type `E` in the chain of sources.
fn find<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = wrapped.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source());
    }
    None
}

/// The message of the innermost error.
fn root(error: &reqwest::Error) -> String {
    let mut last: &dyn Error = error;
    while let Some(next) = last.source() {
        last = next;
    }
    if std::ptr::addr_eq(last, error) { "a part of it is not valid".to_owned() } else { truncate(&last.to_string(), 300) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redacted_url_hides_user_password_query_and_fragment() {
        let url = Url::parse("https://me:secret@example.com/a?token=secret#secret").unwrap();
        assert_eq!(redacted_url(&url), "https://example.com/a?…");
    }
}
