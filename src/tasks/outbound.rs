//! HTTP requests of Belfry itself, within the network limits of tasks.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Method, Url};

use super::Limits;
use super::http_request::client::{Clients, Connection};
use super::http_request::{failure, network};
use crate::i18n::{Message, message};

/// The time limit of a request, with its answer.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The most bytes read of an answer.
const ANSWER_MAX: usize = 64 << 10;

/// Sends requests; redirects are not followed.
pub struct Outbound {
    limits: Arc<Limits>,
    clients: Clients,
}

/// A request.
pub struct OutboundRequest {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// The URL of a proxy; without it the environment decides.
    pub proxy: Option<String>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// The body, at most 64 KiB; what is not UTF-8 is replaced.
    pub text: String,
    /// `Retry-After` in seconds.
    pub retry_after: Option<Duration>,
}

impl Outbound {
    pub fn new(limits: Arc<Limits>) -> Self {
        Self { clients: Clients::new(limits.clone()), limits }
    }

    /// Sends a request and reads the answer, whatever its status.
    ///
    /// # Errors
    /// There is no complete answer within 15 seconds, or the address is not allowed. The message contains no part of the URL's path
    /// or query.
    pub async fn send(&self, request: OutboundRequest) -> Result<Answer, Message> {
        network::check_url(&self.limits, &request.url).map_err(|refused| refused.0)?;
        let connection = Connection { verify_tls: true, proxy: request.proxy };
        let client = self.clients.get(&connection).map_err(|error| error.message)?;
        let building = client.request(request.method, request.url).headers(request.headers).body(request.body).timeout(TIMEOUT);
        let failed = |error: reqwest::Error| failure::classify(&error.without_url(), TIMEOUT).message;
        let mut response = building.send().await.map_err(failed)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if bytes.len() + chunk.len() > ANSWER_MAX {
                return Err(message!("channel.answer_too_long", max = ANSWER_MAX));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status: response.status().as_u16(),
            text: String::from_utf8_lossy(&bytes).into_owned(),
            retry_after: retry_after(response.headers()),
        })
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}
