//! What the providers have in common: a message becomes a request, an answer becomes an outcome.

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;

use super::codes::{self, Meaning};
use super::{aliyun, gateway, tencent, twilio};
use crate::domain::input::cut;
use crate::domain::profile::Sms;
use crate::domain::profile::sms::Provider;

/// One message to one number.
#[derive(Debug)]
pub(super) struct Message<'m> {
    pub profile: &'m Sms,
    /// In the provider's form.
    pub to: &'m str,
    pub text: Option<&'m str>,
    pub template: Option<&'m str>,
    /// What the template's places are filled with: null, an object or a list.
    pub params: &'m Value,
    pub sign: Option<&'m str>,
    /// The execution's id.
    pub id: &'m str,
    pub now: DateTime<Utc>,
    /// Never the same twice.
    pub nonce: String,
}

/// What is sent to the provider.
#[derive(Debug)]
pub(super) struct Request {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: String,
}

/// What the provider answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub text: String,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outcome {
    pub accepted: bool,
    /// Another attempt may be taken.
    pub retry: bool,
    /// The provider's id of the message.
    pub id: Option<String>,
    pub code: String,
    /// The provider's words, with a hint where there is one.
    pub message: String,
    /// What it costs, in the provider's units, where it says so.
    pub fee: Option<i64>,
}

impl Message<'_> {
    /// The request for a provider.
    ///
    /// # Errors
    /// What the provider cannot take.
    pub fn request(&self) -> Result<Request, String> {
        match self.profile.provider {
            Some(Provider::Aliyun) => aliyun::request(self),
            Some(Provider::Tencent) => tencent::request(self),
            Some(Provider::Twilio) => twilio::request(self),
            Some(Provider::Http) => gateway::request(self),
            None => Err("provider is missing".to_owned()),
        }
    }

    pub fn access_key(&self) -> &str {
        self.profile.access_key.as_deref().unwrap_or_default()
    }

    pub fn secret_key(&self) -> &str {
        self.profile.secret_key.as_ref().map(|secret| secret.reveal()).unwrap_or_default()
    }

    pub fn endpoint(&self) -> Result<Url, String> {
        self.profile.endpoint().parse().map_err(|_| "endpoint: does not read as a URL".to_owned())
    }
}

impl Request {
    /// A request with a body; headers are added by [`Request::with`].
    pub fn new(method: Method, url: Url, body: String) -> Request {
        Request { method, url, headers: HeaderMap::new(), body }
    }

    /// With a header. One that cannot be sent is left out; names and signatures are plain letters.
    pub fn with(mut self, name: &'static str, value: &str) -> Request {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }
}

impl Answer {
    /// What the answer says.
    pub fn outcome(&self, profile: &Sms) -> Outcome {
        let read = match profile.provider {
            Some(Provider::Aliyun) => aliyun::outcome(self),
            Some(Provider::Tencent) => tencent::outcome(self),
            Some(Provider::Twilio) => twilio::outcome(self),
            _ => Some(gateway::outcome(self, &profile.gateway)),
        };
        let outcome = read.unwrap_or_else(|| Outcome::refused(format!("HTTP {}", self.status), self.beginning()));
        outcome.judged(self.status, profile)
    }

    /// The text's beginning, on one line.
    pub fn beginning(&self) -> String {
        cut(self.text.trim(), 200).replace(char::is_control, " ")
    }

    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.text).ok()
    }
}

impl Outcome {
    pub fn accepted(id: Option<&str>, code: &str, message: &str) -> Outcome {
        let (id, code, message) = (id.map(str::to_owned), code.to_owned(), message.to_owned());
        Outcome { accepted: true, retry: false, id, code, message, fee: None }
    }

    pub fn refused(code: impl Into<String>, message: impl Into<String>) -> Outcome {
        Outcome { accepted: false, retry: false, id: None, code: code.into(), message: message.into(), fee: None }
    }

    /// With what is known of the code. No secret that the answer may repeat is kept.
    fn judged(mut self, status: u16, profile: &Sms) -> Outcome {
        let known = profile.provider.and_then(|provider| codes::meaning(provider, &self.code));
        let Meaning { retry, hint } = known.unwrap_or(Meaning { retry: false, hint: "" });
        self.retry = !self.accepted && (self.retry || retry || status == 429 || status >= 500);
        if !self.accepted && !hint.is_empty() {
            self.message = format!("{} ({hint})", self.message);
        }
        if let Some(secret) = profile.secret_key.as_ref().map(|secret| secret.reveal()).filter(|secret| !secret.is_empty()) {
            self.message = self.message.replace(secret, "***");
        }
        self.message = cut(&self.message, 500);
        self
    }
}
