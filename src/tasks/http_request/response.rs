//! HTTP responses, read up to a size limit.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use encoding_rs::Encoding;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde_json::{Map, Value, json};

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

#[derive(Debug, Clone)]
enum Body {
    Json(Value),
    Text(String),
    /// The size of any other body, in bytes.
    Binary(usize),
}

impl ReceivedResponse {
    /// Reads a response to its end or up to the limit.
    pub async fn read(mut response: Response, started: Instant) -> reqwest::Result<ReceivedResponse> {
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
            body: parse_body(&bytes, response.headers(), truncated),
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

/// Parses a body: JSON if its content type says so, or if it has none and begins like JSON; otherwise text or binary data.
fn parse_body(bytes: &[u8], headers: &HeaderMap, truncated: bool) -> Body {
    let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    let first_byte = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    let may_be_json = declared.contains("json") || (declared.is_empty() && matches!(first_byte, Some(b'{' | b'[')));
    if may_be_json
        && !truncated
        && let Ok(value) = serde_json::from_slice(bytes)
    {
        return Body::Json(value);
    }
    let label = declared.split_once("charset=").map(|(_, label)| label.trim_matches(['"', '\'', ' ']).split(';').next());
    let charset = label.flatten().and_then(|label| Encoding::for_label(label.as_bytes()));
    let is_text = charset.is_some() || declared.starts_with("text/") || !bytes.contains(&0);
    if !is_text || ["image/", "audio/", "video/", "application/octet-stream"].iter().any(|kind| declared.starts_with(kind)) {
        return Body::Binary(bytes.len());
    }
    let mut text = charset.unwrap_or(encoding_rs::UTF_8).decode(bytes).0.into_owned();
    if truncated {
        // Marks the cut, before which the beginning of a secret is masked.
        text.push('…');
    }
    Body::Text(text)
}
