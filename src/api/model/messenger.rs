//! Mail servers and SMS providers as answers show them: never who signs in, nor how.

use poem_openapi::Object;

use crate::domain::profile::{Sms, Smtp};
use crate::service::Trial;

/// A mail server that tasks may use.
#[derive(Default, Object)]
#[oai(rename = "MailServer", read_only_all)]
pub struct MailServerView {
    /// The name by which tasks name it.
    name: String,
    host: String,
    port: u16,
    /// `implicit`, `starttls` or `none`.
    tls: String,
    /// The sender of mails that name none. Null: there is none.
    sender: Option<String>,
}

/// An SMS provider that tasks may use.
#[derive(Default, Object)]
#[oai(rename = "SmsProvider", read_only_all)]
pub struct SmsProviderView {
    /// The name by which tasks name it.
    name: String,
    /// `aliyun`, `tencent`, `twilio` or `http`.
    provider: String,
    /// The signature of messages that name none.
    sign: Option<String>,
    /// The template of messages that name none.
    template: Option<String>,
}

/// What came of sending a message to try the way.
#[derive(Default, Object)]
#[oai(rename = "MessageTest", read_only_all)]
pub struct MessageTrialView {
    /// Whether the message was taken.
    ok: bool,
    /// How long that took, in milliseconds.
    elapsed_ms: i64,
    /// What was said on the way.
    said: Option<String>,
    /// Why it was not taken.
    error: Option<String>,
}

impl MailServerView {
    pub fn new(name: &str, smtp: &Smtp) -> Self {
        Self {
            name: name.to_owned(),
            host: smtp.host().to_owned(),
            port: smtp.port(),
            tls: smtp.tls().as_str().to_owned(),
            sender: smtp.sender().map(str::to_owned),
        }
    }
}

impl SmsProviderView {
    pub fn new(name: &str, sms: &Sms) -> Self {
        let provider = sms.provider.map_or("", |provider| provider.as_str()).to_owned();
        Self { name: name.to_owned(), provider, sign: sms.sign.clone(), template: sms.template.clone() }
    }
}

impl From<Trial> for MessageTrialView {
    fn from(trial: Trial) -> Self {
        let elapsed_ms = i64::try_from(trial.elapsed_ms).unwrap_or(i64::MAX);
        let ok = trial.outcome.is_ok();
        let (said, error) = match trial.outcome {
            Ok(said) => (Some(said), None),
            Err(error) => (None, Some(error)),
        };
        Self { ok, elapsed_ms, said, error }
    }
}
