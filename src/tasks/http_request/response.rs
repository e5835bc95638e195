//! HTTP responses, read up to a size limit.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::body::{self, Body};
use super::redacted_url::redacted_url;
use crate::domain::input::truncate;

/// The largest body that is read, in bytes; the rest is dropped.
const BODY_MAX: usize = 1024 * 1024;
/// The most headers kept, and the most characters of each value.
const HEADERS_MAX: usize = 100;
const HEADER_MAX: usize = 1_000;
/// Headers whose values are secrets.
const SECRET_HEADERS: [&str; 5] = ["set-cookie", "cookie", "authorization", "proxy-authorization", "x-api-key"];

/// A response with its body.
#[derive(Debug, Clone)]
pub(super) struct ReceivedResponse {
    pub status: StatusCode,
    pub elapsed_ms: u64,
    url: String,
    headers: Map<String, Value>,
    body: Body,
    truncated: bool,
    retry_after: Option<String>,
}

impl ReceivedResponse {
    /// Reads a response to its end or up to the limit. With `wants_json` its body is JSON if it reads as JSON.
    pub async fn read(mut response: Response, started: Instant, wants_json: bool) -> reqwest::Result<ReceivedResponse> {
        let mut bytes = Vec::new();
        let mut truncated = false;
        while let Some(chunk) = response.chunk().await? {
            let left = BODY_MAX - bytes.len();
            bytes.extend_from_slice(&chunk[..chunk.len().min(left)]);
            if chunk.len() > left {
                truncated = true;
                break;
            }
        }
        Ok(ReceivedResponse {
            status: response.status(),
            elapsed_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            url: redacted_url(response.url()),
            headers: headers(response.headers()),
            body: body::parse(&bytes, response.headers(), truncated, wants_json),
            truncated,
            retry_after: response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned),
        })
    }

    /// The wait that the header `Retry-After` asks for, given there as seconds or as a date.
    pub fn retry_after(&self, now: DateTime<Utc>) -> Option<Duration> {
        let text = self.retry_after.as_deref()?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let date = DateTime::parse_from_rfc2822(text).ok()?.to_utc();
        date.signed_duration_since(now).to_std().ok()
    }

    pub fn json(&self) -> Option<&Value> {
        match &self.body {
            Body::Json(value) => Some(value),
            _ => None,
        }
    }

    /// The result of the run.
    pub fn into_result(self) -> Value {
        let mut result = json!({
            "status": self.status.as_u16(), "url": self.url, "elapsed_ms": self.elapsed_ms, "headers": self.headers,
        });
        match self.body {
            Body::Json(value) => result["json"] = value,
            Body::Text(text) => result["text"] = text.into(),
            Body::Binary(bytes) => result["binary_bytes"] = bytes.into(),
        }
        if self.truncated {
            result["truncated"] = true.into();
        }
        result
    }
}

fn headers(headers: &HeaderMap) -> Map<String, Value> {
    let mut kept = Map::new();
    for name in headers.keys().take(HEADERS_MAX) {
        let values: Vec<_> = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        let is_secret = SECRET_HEADERS.contains(&name.as_str());
        kept.insert(name.to_string(), if is_secret { "***".into() } else { truncate(&values.join(", "), HEADER_MAX).into() });
    }
    kept
}
