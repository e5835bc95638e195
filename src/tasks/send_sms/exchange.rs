//! A message, the request that sends it, the response, and the outcome.

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;

use super::codes;
use crate::domain::input::truncate;
use crate::domain::profile::Sms;
use crate::i18n::{self, message};

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
    /// The provider's message, or why there is none.
    pub message: i18n::Message,
    /// The explanation of the code, if one is known.
    pub hint: Option<i18n::Message>,
    /// The cost in the provider's units, if the provider reports it.
    pub fee: Option<i64>,
}

/// The codes of messages that no provider answered.
pub(super) const NOT_SENT: &str = "not sent";
pub(super) const NO_RESPONSE: &str = "no response";

impl Message<'_> {
    pub fn access_key(&self) -> &str {
        self.profile.access_key.as_deref().unwrap_or_default()
    }

    pub fn secret_key(&self) -> &str {
        self.profile.secret_key.as_ref().map(|secret| secret.reveal()).unwrap_or_default()
    }

    pub fn endpoint(&self) -> Result<Url, i18n::Message> {
        self.profile.endpoint().parse().map_err(|_| message!("sms.endpoint"))
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
        let (id, code, message) = (id.map(str::to_owned), code.to_owned(), i18n::Message::verbatim(message));
        Outcome { accepted: true, retry: false, id, code, message, hint: None, fee: None }
    }

    pub fn refused(code: impl Into<String>, message: i18n::Message) -> Outcome {
        Outcome { accepted: false, retry: false, id: None, code: code.into(), message, hint: None, fee: None }
    }

    /// The message with the explanation of the code.
    pub fn explained(&self) -> i18n::Message {
        let problem = self.message.clone();
        match self.hint.clone() {
            Some(hint) => message!("sms.hint", problem, hint),
            None => problem,
        }
    }

    /// Code and message of a refusal.
    pub fn refusal(&self) -> i18n::Message {
        let what = match self.code.as_str() {
            NOT_SENT => message!("sms.not_sent"),
            NO_RESPONSE => message!("sms.no_response"),
            code => i18n::Message::verbatim(code),
        };
        message!("run.detail", what, detail = self.explained())
    }

    /// Adds the explanation of the code, and masks the secret key if the response repeats it.
    pub fn classified(mut self, status: u16, profile: &Sms) -> Outcome {
        let known = profile.provider.and_then(|provider| codes::code_info(provider, &self.code));
        self.retry = !self.accepted && (self.retry || known.is_some_and(|info| info.retry) || status == 429 || status >= 500);
        self.hint = known.filter(|_| !self.accepted).and_then(|info| info.hint).map(|hint| hint());
        let secret = profile.secret_key.as_ref().map(|secret| secret.reveal()).filter(|secret| !secret.is_empty());
        let shown = |text: &str| truncate(&secret.map_or_else(|| text.to_owned(), |secret| text.replace(secret, "***")), 500);
        self.message = self.message.map_texts(&shown);
        self
    }
}

/// The value of the header `host`: with the port unless it is the default one.
pub(super) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
