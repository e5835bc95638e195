//! Response models of mail servers and SMS providers, without credentials.

use poem_openapi::Object;

use super::profile::managed_by;
use crate::domain::profile::{Sms, Smtp};
use crate::service::ConnectionTest;

/// A mail server that tasks may use.
#[derive(Default, Object)]
#[oai(rename = "MailServer", read_only_all)]
pub struct MailServerView {
    /// The name that tasks use.
    name: String,
    host: String,
    port: u16,
    /// `implicit`, `starttls` or `none`.
    tls: String,
    /// The default sender; null if there is none.
    sender: Option<String>,
    /// `file` for a mail server of the settings file, which can be changed only there; otherwise null.
    managed_by: Option<String>,
}

/// An SMS provider that tasks may use.
#[derive(Default, Object)]
#[oai(rename = "SmsProvider", read_only_all)]
pub struct SmsProviderView {
    /// The name that tasks use.
    name: String,
    /// `aliyun`, `tencent`, `twilio` or `http`.
    provider: String,
    /// The default signature.
    sign: Option<String>,
    /// The default template.
    template: Option<String>,
    /// `file` for a provider of the settings file, which can be changed only there; otherwise null.
    managed_by: Option<String>,
}

/// The result of a test message.
#[derive(Default, Object)]
#[oai(rename = "MessageTest", read_only_all)]
pub struct MessageTestView {
    /// Whether the message was accepted.
    ok: bool,
    /// The duration of the test, in milliseconds.
    elapsed_ms: i64,
    /// The server's response.
    said: Option<String>,
    /// Why it was not accepted.
    error: Option<String>,
}

impl MailServerView {
    pub fn new(name: &str, smtp: &Smtp, from_file: bool) -> Self {
        Self {
            name: name.to_owned(),
            host: smtp.host().to_owned(),
            port: smtp.port(),
            tls: smtp.tls().as_str().to_owned(),
            sender: smtp.sender().map(str::to_owned),
            managed_by: managed_by(from_file),
        }
    }
}

impl SmsProviderView {
    pub fn new(name: &str, sms: &Sms, from_file: bool) -> Self {
        let provider = sms.provider.map_or("", |provider| provider.as_str()).to_owned();
        let (sign, template) = (sms.sign.clone(), sms.template.clone());
        Self { name: name.to_owned(), provider, sign, template, managed_by: managed_by(from_file) }
    }
}

impl From<ConnectionTest> for MessageTestView {
    fn from(result: ConnectionTest) -> Self {
        let elapsed_ms = i64::try_from(result.elapsed_ms).unwrap_or(i64::MAX);
        let ok = result.outcome.is_ok();
        let (said, error) = match result.outcome {
            Ok(said) => (Some(said), None),
            Err(error) => (None, Some(error.to_string())),
        };
        Self { ok, elapsed_ms, said, error }
    }
}
