//! Provider interface: converts a message to a request, and a response to an outcome.

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;

use super::codes::{self, CodeInfo};
use super::{aliyun, gateway, tencent, twilio};
use crate::domain::input::truncate;
use crate::domain::profile::Sms;
use crate::domain::profile::sms::Provider;

/// One message to one number.
#[derive(Debug)]
pub(super) struct Message<'m> {
    pub profile: &'m Sms,
    /// The number in the provider's form.
    pub to: &'m str,
    pub text: Option<&'m str>,
    pub template: Option<&'m str>,
    /// The values of the template: null, an object or a list.
    pub params: &'m Value,
    pub sign: Option<&'m str>,
    /// The execution's ID.
    pub id: &'m str,
    pub now: DateTime<Utc>,
    /// A random value, unique for each request.
    pub nonce: String,
}

/// A request to the provider.
#[derive(Debug)]
pub(super) struct Request {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: String,
}

/// A response of the provider.
#[derive(Debug)]
pub(super) struct Response {
    pub status: u16,
    pub text: String,
}

/// The outcome of one message.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outcome {
    pub accepted: bool,
    /// Whether a later attempt may succeed.
    pub retry: bool,
    /// The provider's ID of the message.
    pub id: Option<String>,
    pub code: String,
    /// The provider's message, with an explanation of the code if one is known.
    pub message: String,
    /// The cost in the provider's units, if the provider reports it.
    pub fee: Option<i64>,
}

impl Message<'_> {
    /// The request for the provider.
    ///
    /// # Errors
    /// If the provider does not support the message.
    pub fn request(&self) -> Result<Request, String> {
        match self.profile.provider {
            Some(Provider::Aliyun) => aliyun::request(self),
            Some(Provider::Tencent) => tencent::request(self),
            Some(Provider::Twilio) => twilio::request(self),
            Some(Provider::Http) => gateway::request(self),
            None => Err("provider is required".to_owned()),
        }
    }

    pub fn access_key(&self) -> &str {
        self.profile.access_key.as_deref().unwrap_or_default()
    }

    pub fn secret_key(&self) -> &str {
        self.profile.secret_key.as_ref().map(|secret| secret.reveal()).unwrap_or_default()
    }

    pub fn endpoint(&self) -> Result<Url, String> {
        self.profile.endpoint().parse().map_err(|_| "endpoint: is not a valid URL".to_owned())
    }
}

impl Request {
    /// A request with a body; headers are added by [`Request::with`].
    pub fn new(method: Method, url: Url, body: String) -> Request {
        Request { method, url, headers: HeaderMap::new(), body }
    }

    /// Adds a header. Invalid values are left out, but names and signatures are always valid.
    pub fn with(mut self, name: &'static str, value: &str) -> Request {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }
}

impl Response {
    /// The outcome that the response reports.
    pub fn outcome(&self, profile: &Sms) -> Outcome {
        let read = match profile.provider {
            Some(Provider::Aliyun) => aliyun::outcome(self),
            Some(Provider::Tencent) => tencent::outcome(self),
            Some(Provider::Twilio) => twilio::outcome(self),
            _ => Some(gateway::outcome(self, &profile.gateway)),
        };
        let outcome = read.unwrap_or_else(|| Outcome::refused(format!("HTTP {}", self.status), self.excerpt()));
        outcome.classified(self.status, profile)
    }

    /// The first 200 characters of the text, on one line.
    pub fn excerpt(&self) -> String {
        truncate(self.text.trim(), 200).replace(char::is_control, " ")
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

    /// Adds the explanation of the code, and masks the secret key if the response repeats it.
    fn classified(mut self, status: u16, profile: &Sms) -> Outcome {
        let known = profile.provider.and_then(|provider| codes::code_info(provider, &self.code));
        let CodeInfo { retry, hint } = known.unwrap_or(CodeInfo { retry: false, hint: "" });
        self.retry = !self.accepted && (self.retry || retry || status == 429 || status >= 500);
        if !self.accepted && !hint.is_empty() {
            self.message = format!("{} ({hint})", self.message);
        }
        if let Some(secret) = profile.secret_key.as_ref().map(|secret| secret.reveal()).filter(|secret| !secret.is_empty()) {
            self.message = self.message.replace(secret, "***");
        }
        self.message = truncate(&self.message, 500);
        self
    }
}
