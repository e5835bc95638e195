//! Failures of mail delivery: their message, and whether to retry.

use std::error::Error as _;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::response::Severity;

use crate::domain::input::truncate;
use crate::domain::profile::Smtp;
use crate::domain::profile::smtp::SignInSecret;
use crate::i18n::{Message, message};
use crate::tasks::RunError;
use crate::tasks::http_request::failure::tls;
use crate::tasks::transport_error;

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
    fn describe(&self, profile: &Smtp) -> Message {
        match self {
            Step::Connect => message!("mail.step_connect"),
            Step::SignIn => message!("mail.step_sign_in", user = profile.user.as_deref().unwrap_or_default()),
            Step::Sender(address) => message!("mail.step_sender", address = address.to_string()),
            Step::Recipient(address) => message!("mail.step_recipient", address = address.to_string()),
            Step::Data => message!("mail.step_data"),
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
        let (address, step) = (address(profile), step.describe(profile));
        RunError::retry(message!("mail.no_response", address, step, seconds = limit.as_secs_f64()))
    };
    tokio::time::timeout(limit, work).await.map_err(late)
}

/// Classifies a failure. Permanent rejections (5xx, an invalid certificate) are not retried; lost connections and 4xx are.
pub(super) fn classify(step: &Step<'_>, error: &Error, profile: &Smtp) -> RunError {
    let host = profile.host();
    if let Some(failed) = tls(error) {
        return failed.map_message(|detail| message!("run.detail", what = host, detail));
    }
    let reason = reason(error);
    if let Some(code) = error.status() {
        let message = message!("mail.answered", host, code = code.to_string(), step = step.describe(profile), reason);
        return match code.severity {
            Severity::TransientNegativeCompletion => RunError::retry(message),
            _ => RunError::fail(with_hint(message, step, profile)),
        };
    }
    match step {
        Step::Connect if error.is_client() => RunError::fail(message!("mail.no_starttls", host)),
        Step::SignIn if error.is_client() && profile.oauth_token.is_some() => {
            RunError::fail(with_hint(message!("mail.token_rejected", host), step, profile))
        }
        Step::SignIn if error.is_client() => RunError::fail(message!("mail.no_mechanism", host, reason)),
        Step::Connect => RunError::retry(message!("mail.connect_failed", address = address(profile), reason)),
        _ => RunError::retry(message!("mail.connection_lost", host, step = step.describe(profile), reason)),
    }
}

fn address(profile: &Smtp) -> String {
    format!("{}:{}", profile.host(), profile.port())
}

/// The message with the hint of the service's preset, if a sign-in failed.
fn with_hint(problem: Message, step: &Step<'_>, profile: &Smtp) -> Message {
    let hint = match profile.preset.filter(|_| matches!(step, Step::SignIn)).and_then(|preset| preset.requires) {
        Some(SignInSecret::AuthorisationCode) => message!("mail.hint_authorisation_code"),
        Some(SignInSecret::AppPassword) => message!("mail.hint_app_password"),
        Some(SignInSecret::OauthToken) => message!("mail.hint_oauth_token"),
        None => return problem,
    };
    message!("mail.hint", problem, hint)
}

/// The message of the server or the system, on one line.
fn reason(error: &Error) -> Message {
    if let Some(words) = transport_error::words(error) {
        return words;
    }
    let text = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    Message::verbatim(truncate(&text.replace(char::is_control, " "), 300))
}
