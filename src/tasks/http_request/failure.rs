//! Why there is no answer, in words, and whether another attempt may get one. No message holds a password or a query's values.

use std::error::Error;
use std::time::Duration;

use reqwest::Url;

use super::network::Refused;
use crate::domain::input::cut;
use crate::tasks::RunError;

/// A URL for messages: without user, password, query and fragment.
pub(in crate::tasks) fn shown_url(url: &Url) -> String {
    let mut shown = url.clone();
    let _cannot_have_any = shown.set_username("");
    let _cannot_have_any = shown.set_password(None);
    shown.set_fragment(None);
    let has_query = shown.query().is_some();
    shown.set_query(None);
    cut(&format!("{shown}{}", if has_query { "?…" } else { "" }), 300)
}

/// The failure of a request that got no (whole) answer.
pub(in crate::tasks) fn classify(error: &reqwest::Error, limit: Duration) -> RunError {
    if let Some(Refused(message)) = find(error) {
        return RunError::fail(message.clone());
    }
    if error.is_timeout() {
        return RunError::retry(format!("no answer within {} s", limit.as_secs_f64()));
    }
    if error.is_redirect() {
        return RunError::fail("too many redirects, or one that goes nowhere");
    }
    if error.is_builder() {
        return RunError::fail(format!("the request cannot be made: {}", root(error)));
    }
    if let Some(tls) = find::<rustls::Error>(error) {
        return tls_failure(tls);
    }
    if error.is_connect() {
        return RunError::retry(format!("connection failed: {}", root(error)));
    }
    RunError::retry(format!("the exchange broke off: {}", root(error)))
}

/// The failure of TLS behind an error, where there is one.
pub(in crate::tasks) fn tls(error: &(dyn Error + 'static)) -> Option<RunError> {
    find::<rustls::Error>(error).map(tls_failure)
}

/// A certificate that is refused, or a server that speaks no TLS, is so next time as well.
fn tls_failure(error: &rustls::Error) -> RunError {
    use rustls::Error as Tls;
    let message = cut(&error.to_string(), 300);
    match error {
        Tls::InvalidCertificate(_) => RunError::fail(format!("the server's certificate is not accepted: {message}")),
        Tls::InvalidMessage(_) | Tls::PeerIncompatible(_) | Tls::NoCertificatesPresented | Tls::UnsupportedNameType => {
            RunError::fail(format!("no TLS connection: {message}"))
        }
        _ => RunError::retry(format!("no TLS connection: {message}")),
    }
}

/// The error of a kind behind another, wherever it is wrapped.
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

/// What the innermost error says.
fn root(error: &reqwest::Error) -> String {
    let mut last: &dyn Error = error;
    while let Some(next) = last.source() {
        last = next;
    }
    if std::ptr::addr_eq(last, error) { "something in it is not valid".to_owned() } else { cut(&last.to_string(), 300) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_show() {
        let url = Url::parse("https://me:secret@example.com/a?token=secret#secret").unwrap();
        assert_eq!(shown_url(&url), "https://example.com/a?…");
    }
}
