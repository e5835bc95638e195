//! Why a mail was not sent, in words, and whether another attempt may do better.

use std::error::Error as _;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::response::Severity;

use crate::domain::input::cut;
use crate::domain::profile::Smtp;
use crate::tasks::RunError;
use crate::tasks::http_request::failure::tls;

/// How far the conversation with the server had come.
#[derive(Debug)]
pub(super) enum Step<'a> {
    Connect,
    SignIn,
    Sender(&'a Address),
    Recipient(&'a Address),
    Text,
}

impl Step<'_> {
    /// What the server was told.
    fn words(&self, profile: &Smtp) -> String {
        match self {
            Step::Connect => "the connection".to_owned(),
            Step::SignIn => format!("the sign-in of {}", profile.user.as_deref().unwrap_or_default()),
            Step::Sender(address) => format!("the sender {address}"),
            Step::Recipient(address) => format!("the recipient {address}"),
            Step::Text => "the mail".to_owned(),
        }
    }
}

/// Ends a step that takes too long.
pub(super) async fn within<F: Future>(step: &Step<'_>, limit: Duration, profile: &Smtp, work: F) -> Result<F::Output, RunError> {
    let late = |_| {
        let place = format!("{}:{}", profile.host(), profile.port());
        RunError::retry(format!("no answer of {place} to {} within {} s", step.words(profile), limit.as_secs_f64()))
    };
    tokio::time::timeout(limit, work).await.map_err(late)
}

/// A refusal for good (5xx, a certificate) is one next time as well; a broken connection or a 4xx may have passed by then.
pub(super) fn classify(step: &Step<'_>, error: &Error, profile: &Smtp) -> RunError {
    let (host, words) = (profile.host(), step.words(profile));
    if let Some(mut failed) = tls(error) {
        failed.message = format!("{host}: {}", failed.message);
        return failed;
    }
    let said = said(error);
    if let Some(code) = error.status() {
        let message = format!("{host} answered {code} to {words}: {said}");
        return match code.severity {
            Severity::TransientNegativeCompletion => RunError::retry(message),
            _ => RunError::fail(format!("{message}{}", hint(step, profile))),
        };
    }
    match step {
        Step::Connect if error.is_client() => RunError::fail(format!("{host} does not offer STARTTLS")),
        Step::SignIn if error.is_client() && profile.oauth_token.is_some() => {
            RunError::fail(format!("{host} does not take the oauth_token{}", hint(step, profile)))
        }
        Step::SignIn if error.is_client() => {
            RunError::fail(format!("{host} offers no way to sign in that Belfry knows (PLAIN, LOGIN, XOAUTH2): {said}"))
        }
        Step::Connect => RunError::retry(format!("no connection to {host}:{}: {said}", profile.port())),
        _ => RunError::retry(format!("the connection to {host} broke off at {words}: {said}")),
    }
}

fn hint(step: &Step<'_>, profile: &Smtp) -> String {
    let hint = profile.preset.map(|preset| preset.hint).unwrap_or_default();
    if matches!(step, Step::SignIn) && !hint.is_empty() { format!(" ({hint})") } else { String::new() }
}

/// What the server or the machine said, on one line.
fn said(error: &Error) -> String {
    let text = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    cut(&text.replace(char::is_control, " "), 300)
}
