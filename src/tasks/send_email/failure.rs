//! Failures of mail delivery: their message, and whether to retry.

use std::error::Error as _;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::response::Severity;

use crate::domain::input::truncate;
use crate::domain::profile::Smtp;
use crate::tasks::RunError;
use crate::tasks::http_request::failure::tls;

/// A step of the SMTP session.
#[derive(Debug)]
pub(super) enum Step<'a> {
    Connect,
    SignIn,
    Sender(&'a Address),
    Recipient(&'a Address),
    Data,
}

impl Step<'_> {
    /// A description of the step for messages.
    fn describe(&self, profile: &Smtp) -> String {
        match self {
            Step::Connect => "the connection".to_owned(),
            Step::SignIn => format!("the sign-in of {}", profile.user.as_deref().unwrap_or_default()),
            Step::Sender(address) => format!("the sender {address}"),
            Step::Recipient(address) => format!("the recipient {address}"),
            Step::Data => "the mail".to_owned(),
        }
    }
}

/// Runs a step with a time limit.
pub(super) async fn with_timeout<F: Future>(
    step: &Step<'_>,
    limit: Duration,
    profile: &Smtp,
    work: F,
) -> Result<F::Output, RunError> {
    let late = |_| {
        let address = format!("{}:{}", profile.host(), profile.port());
        RunError::retry(format!("no response from {address} to {} within {} s", step.describe(profile), limit.as_secs_f64()))
    };
    tokio::time::timeout(limit, work).await.map_err(late)
}

/// Classifies a failure. Permanent rejections (5xx, an invalid certificate) are not retried; lost connections and 4xx are.
pub(super) fn classify(step: &Step<'_>, error: &Error, profile: &Smtp) -> RunError {
    let (host, subject) = (profile.host(), step.describe(profile));
    if let Some(mut failed) = tls(error) {
        failed.message = format!("{host}: {}", failed.message);
        return failed;
    }
    let reason = reason(error);
    if let Some(code) = error.status() {
        let message = format!("{host} answered {code} to {subject}: {reason}");
        return match code.severity {
            Severity::TransientNegativeCompletion => RunError::retry(message),
            _ => RunError::fail(format!("{message}{}", hint(step, profile))),
        };
    }
    match step {
        Step::Connect if error.is_client() => RunError::fail(format!("{host} does not offer STARTTLS")),
        Step::SignIn if error.is_client() && profile.oauth_token.is_some() => {
            RunError::fail(format!("{host} rejected the oauth_token{}", hint(step, profile)))
        }
        Step::SignIn if error.is_client() => {
            RunError::fail(format!("{host} offers no supported authentication mechanism (PLAIN, LOGIN, XOAUTH2): {reason}"))
        }
        Step::Connect => RunError::retry(format!("failed to connect to {host}:{}: {reason}", profile.port())),
        _ => RunError::retry(format!("the connection to {host} was lost during {subject}: {reason}")),
    }
}

fn hint(step: &Step<'_>, profile: &Smtp) -> String {
    let hint = profile.preset.map(|preset| preset.hint).unwrap_or_default();
    if matches!(step, Step::SignIn) && !hint.is_empty() { format!(" ({hint})") } else { String::new() }
}

/// The message of the server or the system, on one line.
fn reason(error: &Error) -> String {
    let text = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    truncate(&text.replace(char::is_control, " "), 300)
}
