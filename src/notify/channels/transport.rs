//! The means of the channels: HTTP within Belfry's limits, the task types for mail and text messages, and access tokens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;

use crate::clock::SharedClock;
use crate::domain::notify::channel::Channel;
use crate::domain::secret::Secret;
use crate::i18n::Message;
use crate::tasks::Limits;
use crate::tasks::outbound::{Answer, Outbound, OutboundRequest};
use crate::tasks::registry::Registry;

/// The most access tokens kept.
const TOKENS_MAX: usize = 1_000;

/// What the channels send with; one instance is shared.
pub struct Transport {
    outbound: Outbound,
    pub(super) registry: Arc<Registry>,
    pub(super) clock: SharedClock,
    /// Access tokens with the end of their life, by account.
    tokens: Mutex<HashMap<String, (Secret, DateTime<Utc>)>>,
}

impl Transport {
    pub fn new(limits: Arc<Limits>, registry: Arc<Registry>, clock: SharedClock) -> Self {
        Self { outbound: Outbound::new(limits), registry, clock, tokens: Mutex::default() }
    }

    /// Posts JSON.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn post_json(&self, channel: &Channel, url: Url, body: &Value) -> Result<Answer, Message> {
        self.post(channel, url, HeaderMap::new(), body.to_string().into_bytes()).await
    }

    /// Posts a body of JSON with headers.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn post(&self, channel: &Channel, url: Url, mut headers: HeaderMap, body: Vec<u8>) -> Result<Answer, Message> {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        self.outbound.send(OutboundRequest { method: Method::POST, url, headers, body, proxy: proxy(channel) }).await
    }

    /// Sends a GET request.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn get(&self, channel: &Channel, url: Url) -> Result<Answer, Message> {
        let (headers, body) = (HeaderMap::new(), Vec::new());
        self.outbound.send(OutboundRequest { method: Method::GET, url, headers, body, proxy: proxy(channel) }).await
    }

    /// A token that is still valid.
    pub fn token(&self, account: &str) -> Option<Secret> {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(account).filter(|(_, until)| *until > self.clock.now()).map(|(token, _)| token.clone())
    }

    /// Keeps a token for the time that it is valid.
    pub fn keep_token(&self, account: &str, token: Secret, valid_for: Duration) {
        let until = self.clock.now().checked_add_signed(valid_for).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= TOKENS_MAX {
            tokens.clear();
        }
        tokens.insert(account.to_owned(), (token, until));
    }

    /// Forgets a token that the provider refuses.
    pub fn forget_token(&self, account: &str) {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).remove(account);
    }
}

fn proxy(channel: &Channel) -> Option<String> {
    channel.credentials.proxy.as_ref().map(|proxy| proxy.reveal().to_owned())
}
