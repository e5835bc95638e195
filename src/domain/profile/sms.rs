//! An SMS provider and how to sign in to it: `[sms.<name>]`.

use std::time::Duration;

use crate::domain::secret::Secret;

/// Without `timeout_seconds`.
const TIMEOUT: Duration = Duration::from_secs(30);

/// An SMS provider as the settings give it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sms {
    pub provider: Option<Provider>,
    /// Aliyun: AccessKey ID; Tencent: SecretId; Twilio: Account SID.
    pub access_key: Option<String>,
    /// Aliyun: AccessKey Secret; Tencent: SecretKey; Twilio: Auth Token.
    pub secret_key: Option<Secret>,
    /// The signature (签名) of messages whose task names none.
    pub sign: Option<String>,
    /// The template of messages whose task names none.
    pub template: Option<String>,
    /// Tencent: the region of the service.
    pub region: Option<String>,
    /// Tencent: SmsSdkAppId.
    pub app_id: Option<String>,
    /// Twilio: the sender's number, or a messaging service (`MG…`).
    pub from: Option<String>,
    /// Where the provider's API is, in the place of its usual address.
    pub endpoint: Option<String>,
    pub gateway: Gateway,
    /// The longest wait for an answer.
    pub timeout: Duration,
}

/// Whose API is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    Aliyun,
    Tencent,
    Twilio,
    /// Any gateway that takes an HTTP request.
    Http,
}

impl Provider {
    pub const ALL: [(&'static str, Provider); 4] =
        [("aliyun", Provider::Aliyun), ("tencent", Provider::Tencent), ("twilio", Provider::Twilio), ("http", Provider::Http)];

    pub fn as_str(self) -> &'static str {
        Provider::ALL.iter().find(|(_, provider)| *provider == self).map_or("", |(name, _)| name)
    }

    /// Where its API usually is.
    fn endpoint(self) -> &'static str {
        match self {
            Provider::Aliyun => "https://dysmsapi.aliyuncs.com",
            Provider::Tencent => "https://sms.tencentcloudapi.com",
            Provider::Twilio => "https://api.twilio.com",
            Provider::Http => "",
        }
    }
}

/// The request that an HTTP gateway takes. Texts hold `{to}`, `{text}` and the like, filled in for each message.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Gateway {
    /// May hold a token.
    pub url: Option<Secret>,
    pub method: Option<&'static str>,
    /// Lines `Name: value`; may hold a token.
    pub headers: Option<Secret>,
    /// May hold a token.
    pub body: Option<Secret>,
    /// What an answer with a status of 2xx must hold as well.
    pub success: Option<Condition>,
    /// What an answer holds when it says "later".
    pub retry: Option<Condition>,
    /// Where the message's id stands in the answer (JSON Pointer).
    pub message_id: Option<String>,
}

/// What an answer may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// This value at this JSON Pointer; the value as it is written in JSON, texts without quotes.
    Json { pointer: String, value: String },
    /// This text, anywhere.
    Text(String),
}

impl Condition {
    /// `/code = 0` for a value in the JSON, anything else for a text.
    ///
    /// # Errors
    /// Where it begins like a JSON Pointer without a value.
    pub fn parse(text: &str) -> Result<Condition, String> {
        if !text.starts_with('/') {
            return Ok(Condition::Text(text.to_owned()));
        }
        let (pointer, value) = text.split_once('=').ok_or_else(|| format!("'{text}' has no value; write /code = 0"))?;
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
    /// Where the provider's API is, without a slash at its end.
    pub fn endpoint(&self) -> &str {
        let usual = self.provider.map(Provider::endpoint).unwrap_or_default();
        self.endpoint.as_deref().unwrap_or(usual).trim_end_matches('/')
    }

    /// What is missing or does not go together.
    ///
    /// # Errors
    /// A message that names the key and what would be right; no secret is in it.
    pub fn check(&self) -> Result<(), String> {
        let Some(provider) = self.provider else {
            return Err("provider is missing; give aliyun, tencent, twilio or http".to_owned());
        };
        let name = provider.as_str();
        if let Some(key) = self.missing(provider) {
            return Err(format!("{key} is missing; provider {name} needs it"));
        }
        if let Some(key) = self.foreign(provider) {
            return Err(format!("{key} has no meaning with provider {name}"));
        }
        match &self.endpoint {
            Some(given) if !is_http(given) => Err("endpoint is a URL, such as https://sms.example.com".to_owned()),
            _ => match &self.gateway.url {
                Some(url) if !is_http(url.reveal()) => Err("url must begin with http:// or https://".to_owned()),
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

    /// A key that is given and belongs to another provider: it would do nothing, in silence.
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
    fn what_a_provider_needs_is_named() {
        let sms = |provider| Sms { provider: Some(provider), ..Sms::default() };
        let keys = |sms: Sms| Sms { access_key: Some("k".into()), secret_key: Some(Secret::new("hunter2")), ..sms };
        let told = |sms: &Sms| sms.check().err().unwrap_or_default();
        assert!(told(&Sms::default()).starts_with("provider is missing"));
        assert_eq!(told(&sms(Provider::Aliyun)), "access_key is missing; provider aliyun needs it");
        assert_eq!(told(&keys(sms(Provider::Aliyun))), "");
        assert_eq!(told(&keys(sms(Provider::Tencent))), "app_id is missing; provider tencent needs it");
        assert_eq!(told(&keys(sms(Provider::Twilio))), "from is missing; provider twilio needs it");
        assert_eq!(told(&sms(Provider::Http)), "url is missing; provider http needs it");
        let foreign = Sms { app_id: Some("1".into()), ..keys(sms(Provider::Aliyun)) };
        assert_eq!(told(&foreign), "app_id has no meaning with provider aliyun");
        let endpoint = Sms { endpoint: Some("dysmsapi.aliyuncs.com".into()), ..keys(sms(Provider::Aliyun)) };
        assert!(told(&endpoint).starts_with("endpoint is a URL"));
        let url = Gateway { url: Some(Secret::new("hunter2")), ..Gateway::default() };
        assert_eq!(told(&Sms { gateway: url, ..sms(Provider::Http) }), "url must begin with http:// or https://");
    }

    #[test]
    fn conditions_read() {
        let json = |pointer: &str, value: &str| Condition::Json { pointer: pointer.into(), value: value.into() };
        assert_eq!(Condition::parse("/code = 0"), Ok(json("/code", "0")));
        assert_eq!(Condition::parse("/a/b=\"OK\""), Ok(json("/a/b", "OK")));
        assert_eq!(Condition::parse("<code>0</code>"), Ok(Condition::Text("<code>0</code>".into())));
        assert!(Condition::parse("/code").is_err());
    }

    #[test]
    fn the_endpoint_is_the_providers_unless_given() {
        let mut sms = Sms { provider: Some(Provider::Tencent), ..Sms::default() };
        assert_eq!(sms.endpoint(), "https://sms.tencentcloudapi.com");
        sms.endpoint = Some("http://127.0.0.1:1/".into());
        assert_eq!(sms.endpoint(), "http://127.0.0.1:1");
    }
}
