//! Static assets: style sheets, scripts and images, embedded in the binary. Each URL has a content hash, so that browsers
//! can cache the file forever and still see every change.

use data_encoding::HEXLOWER;
use poem::http::{HeaderMap, StatusCode, header};
use poem::{Body, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "static/"]
#[exclude = "vendor/swagger-ui/*"]
struct Files;

/// Returns the URL of a file in `static/`; `None` if it does not exist.
pub fn address(path: &str) -> Option<String> {
    let file = Files::get(path)?;
    Some(format!("/static/{path}?v={}", version(&file)))
}

/// Responds to `GET` and `HEAD` of a file: 304 if the browser has the current version, `None` if the file does not exist.
pub fn respond(path: &str, query_version: Option<&str>, headers: &HeaderMap) -> Option<Response> {
    let file = Files::get(path)?;
    let version = version(&file);
    let etag = format!("W/\"{version}\"");
    let kept = if query_version == Some(version.as_str()) { "public, max-age=31536000, immutable" } else { "public, no-cache" };
    let response = Response::builder().header(header::ETAG, &etag).header(header::CACHE_CONTROL, kept);
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|one| one.trim() == etag || one.trim() == "*")) {
        return Some(response.status(StatusCode::NOT_MODIFIED).finish());
    }
    let body = Body::from_vec(file.data.into_owned());
    Some(response.content_type(media_type(path)).body(body))
}

fn version(file: &EmbeddedFile) -> String {
    HEXLOWER.encode(&file.metadata.sha256_hash()[..6])
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => "text/plain; charset=utf-8",
    }
}
