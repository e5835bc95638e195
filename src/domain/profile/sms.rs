//! SMS profiles: a provider and its credentials (`[sms.<name>]`).

use std::time::Duration;

use crate::domain::secret::Secret;
use crate::domain::text_enum::text_enum;
use crate::i18n::{Message, message};

/// The default of `timeout_seconds`.
const TIMEOUT: Duration = Duration::from_secs(30);

/// An SMS provider in the settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Sms {
    pub provider: Option<Provider>,
    /// Aliyun: AccessKey ID; Tencent: SecretId; Twilio: Account SID.
    pub access_key: Option<String>,
    /// Aliyun: AccessKey Secret; Tencent: SecretKey; Twilio: Auth Token.
    pub secret_key: Option<Secret>,
    /// The default signature (签名) of messages.
    pub sign: Option<String>,
    /// The default template of messages.
    pub template: Option<String>,
    /// Tencent: the region of the service.
    pub region: Option<String>,
    /// Tencent: SmsSdkAppId.
    pub app_id: Option<String>,
    /// Twilio: the sender's number, or a messaging service (`MG…`).
    pub from: Option<String>,
    /// The API's URL, instead of the provider's default.
    pub endpoint: Option<String>,
    pub gateway: Gateway,
    /// The time limit of a request.
    pub timeout: Duration,
}

text_enum! {
    /// The provider's API.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Provider {
        Aliyun = "aliyun",
        Tencent = "tencent",
        Twilio = "twilio",
        /// A custom HTTP gateway.
        Http = "http",
    }
}

impl Provider {
    /// The default URL of its API.
    fn endpoint(self) -> &'static str {
        match self {
            Provider::Aliyun => "https://dysmsapi.aliyuncs.com",
            Provider::Tencent => "https://sms.tencentcloudapi.com",
            Provider::Twilio => "https://api.twilio.com",
            Provider::Http => "",
        }
    }
}

/// The request of a custom HTTP gateway. Placeholders such as `{to}` and `{text}` are filled in for each message.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Gateway {
    /// May contain a token.
    pub url: Option<Secret>,
    pub method: Option<&'static str>,
    /// Lines `Name: value`; may contain a token.
    pub headers: Option<Secret>,
    /// May contain a token.
    pub body: Option<Secret>,
    /// An additional condition for success of a 2xx response.
    pub success: Option<Condition>,
    /// The condition for a retryable response.
    pub retry: Option<Condition>,
    /// The JSON Pointer of the message id in the response.
    pub message_id: Option<String>,
}

/// A condition on a response body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The value at a JSON Pointer, as written in JSON, texts without quotes.
    Json { pointer: String, value: String },
    /// A substring.
    Text(String),
}

impl Condition {
    /// Parses `/code = 0` as a JSON condition, anything else as a text.
    ///
    /// # Errors
    /// If a JSON Pointer has no value.
    pub fn parse(text: &str) -> Result<Condition, Message> {
        if !text.starts_with('/') {
            return Ok(Condition::Text(text.to_owned()));
        }
        let (pointer, value) = text.split_once('=').ok_or_else(|| message!("sms_profile.condition", text))?;
        Ok(Condition::Json { pointer: pointer.trim().to_owned(), value: value.trim().trim_matches('"').to_owned() })
    }
}

impl Default for Sms {
    fn default() -> Self {
        Self {
            provider: None,
            access_key: None,
            secret_key: None,
            sign: None,
            template: None,
            region: None,
            app_id: None,
            from: None,
            endpoint: None,
            gateway: Gateway::default(),
            timeout: TIMEOUT,
        }
    }
}

impl Sms {
    /// The API's URL, without a trailing slash.
    pub fn endpoint(&self) -> &str {
        let usual = self.provider.map(Provider::endpoint).unwrap_or_default();
        self.endpoint.as_deref().unwrap_or(usual).trim_end_matches('/')
    }

    /// Validates the profile.
    ///
    /// # Errors
    /// A message with the setting and the allowed values, without secrets.
    pub fn check(&self) -> Result<(), Message> {
        let Some(provider) = self.provider else {
            return Err(message!("sms_profile.no_provider"));
        };
        let name = provider.as_str();
        if let Some(key) = self.missing(provider) {
            return Err(message!("sms_profile.missing", key, provider = name));
        }
        if let Some(key) = self.foreign(provider) {
            return Err(message!("sms_profile.foreign", key, provider = name));
        }
        match &self.endpoint {
            Some(given) if !is_http(given) => Err(message!("sms_profile.endpoint")),
            _ => match &self.gateway.url {
                Some(url) if !is_http(url.reveal()) => Err(message!("sms_profile.url")),
                _ => Ok(()),
            },
        }
    }

    fn missing(&self, provider: Provider) -> Option<&'static str> {
        let keys = [("access_key", self.access_key.is_none()), ("secret_key", self.secret_key.is_none())];
        let own = match provider {
            Provider::Aliyun => None,
            Provider::Tencent => Some(("app_id", self.app_id.is_none())),
            Provider::Twilio => Some(("from", self.from.is_none())),
            Provider::Http => return self.gateway.url.is_none().then_some("url"),
        };
        keys.into_iter().chain(own).find(|(_, missing)| *missing).map(|(key, _)| key)
    }

    /// A setting that only other providers use; it would be ignored silently.
    fn foreign(&self, provider: Provider) -> Option<&'static str> {
        use Provider::{Aliyun, Http, Tencent, Twilio};
        let gateway = &self.gateway;
        let keys: [(&str, bool, &[Provider]); 11] = [
            ("url", gateway.url.is_some(), &[Http]),
            ("method", gateway.method.is_some(), &[Http]),
            ("headers", gateway.headers.is_some(), &[Http]),
            ("body", gateway.body.is_some(), &[Http]),
            ("success", gateway.success.is_some(), &[Http]),
            ("retry", gateway.retry.is_some(), &[Http]),
            ("message_id", gateway.message_id.is_some(), &[Http]),
            ("region", self.region.is_some(), &[Tencent]),
            ("app_id", self.app_id.is_some(), &[Tencent]),
            ("from", self.from.is_some(), &[Twilio]),
            ("endpoint", self.endpoint.is_some(), &[Aliyun, Tencent, Twilio]),
        ];
        keys.into_iter().find(|(_, given, of)| *given && !of.contains(&provider)).map(|(key, ..)| key)
    }
}

fn is_http(url: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| url.len() > scheme.len() && url.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_names_missing_and_foreign_settings() {
        let sms = |provider| Sms { provider: Some(provider), ..Sms::default() };
        let keys = |sms: Sms| Sms { access_key: Some("k".into()), secret_key: Some(Secret::new("hunter2")), ..sms };
        let error = |sms: &Sms| sms.check().err().map(|fault| fault.to_string()).unwrap_or_default();
        assert!(error(&Sms::default()).starts_with("provider is missing"));
        assert_eq!(error(&sms(Provider::Aliyun)), "access_key is missing; provider aliyun needs it");
        assert_eq!(error(&keys(sms(Provider::Aliyun))), "");
        assert_eq!(error(&keys(sms(Provider::Tencent))), "app_id is missing; provider tencent needs it");
        assert_eq!(error(&keys(sms(Provider::Twilio))), "from is missing; provider twilio needs it");
        assert_eq!(error(&sms(Provider::Http)), "url is missing; provider http needs it");
        let foreign = Sms { app_id: Some("1".into()), ..keys(sms(Provider::Aliyun)) };
        assert_eq!(error(&foreign), "app_id has no meaning with provider aliyun");
        let endpoint = Sms { endpoint: Some("dysmsapi.aliyuncs.com".into()), ..keys(sms(Provider::Aliyun)) };
        assert!(error(&endpoint).starts_with("endpoint is a URL"));
        let url = Gateway { url: Some(Secret::new("hunter2")), ..Gateway::default() };
        assert_eq!(error(&Sms { gateway: url, ..sms(Provider::Http) }), "url must begin with http:// or https://");
    }

    #[test]
    fn condition_parses_pointers_and_texts() {
        let json = |pointer: &str, value: &str| Condition::Json { pointer: pointer.into(), value: value.into() };
        assert_eq!(Condition::parse("/code = 0"), Ok(json("/code", "0")));
        assert_eq!(Condition::parse("/a/b=\"OK\""), Ok(json("/a/b", "OK")));
        assert_eq!(Condition::parse("<code>0</code>"), Ok(Condition::Text("<code>0</code>".into())));
        assert!(Condition::parse("/code").is_err());
    }

    #[test]
    fn endpoint_defaults_to_the_providers() {
        let mut sms = Sms { provider: Some(Provider::Tencent), ..Sms::default() };
        assert_eq!(sms.endpoint(), "https://sms.tencentcloudapi.com");
        sms.endpoint = Some("http://127.0.0.1:1/".into());
        assert_eq!(sms.endpoint(), "http://127.0.0.1:1");
    }
}
