//! The headers that a task sets.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};

use crate::domain::fault::{Fault, pointer_step};
use crate::domain::input::truncate;
use crate::i18n::message;

/// The headers that belong to the connection: the host, the framing of the body, and the hop-by-hop headers (RFC 9110, 7.6.1). A task
/// that set them could send a profile's credentials to another host, or a second request inside the first.
const CONNECTION_HEADERS: [&str; 13] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Whether a header belongs to the connection, so that a task may not set it. `name` is in lower case.
pub(super) fn is_connection_header(name: &str) -> bool {
    CONNECTION_HEADERS.contains(&name) || name.starts_with(':')
}

/// Reads the parameter `headers`.
pub(super) fn read(given: &Map<String, Value>, faults: &mut Vec<Fault>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let pointer = format!("/headers/{}", pointer_step(name));
        let shown = truncate(name, 40);
        let value = value.as_str().unwrap_or_default();
        match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes())) {
            (Ok(name), _) if is_connection_header(name.as_str()) => {
                faults.push(Fault::new(pointer, message!("http.connection_header", name = shown).of("headers")));
            }
            (Ok(name), Ok(value)) => drop(headers.insert(name, value)),
            (Err(_), _) => faults.push(Fault::new(pointer, message!("http.header_name", name = shown).of("headers"))),
            (_, Err(_)) => faults.push(Fault::new(pointer, message!("http.header_value", name = shown).of("headers"))),
        }
    }
    headers
}
