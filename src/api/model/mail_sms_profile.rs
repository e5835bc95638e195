//! Response models of mail servers and SMS providers, without credentials.

use super::profile::managed_by;
use crate::domain::profile::{Sms, Smtp};
use crate::i18n::Language;
use crate::service::ConnectionTest;

view! {
    /// A mail server that tasks may use.
    #[oai(rename = "MailServer", read_only_all)]
    pub struct MailServerView new(name: &str, smtp: &Smtp, from_file: bool) {
        /// The name that tasks use.
        name: String = name.to_owned(),
        host: String = smtp.host().to_owned(),
        port: u16 = smtp.port(),
        /// `implicit`, `starttls` or `none`.
        tls: String = smtp.tls().as_str().to_owned(),
        /// The default sender; null if there is none.
        sender: Option<String> = smtp.sender().map(str::to_owned),
        /// `file` for a mail server of the settings file, which can be changed only there; otherwise null.
        managed_by: Option<String> = managed_by(from_file),
    }
}

view! {
    /// An SMS provider that tasks may use.
    #[oai(rename = "SmsProvider", read_only_all)]
    pub struct SmsProviderView new(name: &str, sms: &Sms, from_file: bool) where
        provider = sms.provider.map_or("", |provider| provider.as_str()).to_owned();
        (sign, template) = (sms.sign.clone(), sms.template.clone());
    {
        /// The name that tasks use.
        name: String = name.to_owned(),
        /// `aliyun`, `tencent`, `twilio` or `http`.
        provider: String = provider,
        /// The default signature.
        sign: Option<String> = sign,
        /// The default template.
        template: Option<String> = template,
        /// `file` for a provider of the settings file, which can be changed only there; otherwise null.
        managed_by: Option<String> = managed_by(from_file),
    }
}

view! {
    /// The result of a test message.
    #[oai(rename = "MessageTest", read_only_all)]
    pub struct MessageTestView new(result: ConnectionTest, language: Language) where
        elapsed_ms = i64::try_from(result.elapsed_ms).unwrap_or(i64::MAX);
        ok = result.outcome.is_ok();
        (said, error) = match result.outcome {
            Ok(said) => (Some(said), None),
            Err(error) => (None, Some(error.text(language))),
        };
    {
        /// Whether the message was accepted.
        ok: bool = ok,
        /// The duration of the test, in milliseconds.
        elapsed_ms: i64 = elapsed_ms,
        /// The server's response.
        said: Option<String> = said,
        /// Why it was not accepted.
        error: Option<String> = error,
    }
}
