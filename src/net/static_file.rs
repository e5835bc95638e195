//! Static files: served with the hash of their content, compressed once.

use std::borrow::Cow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use data_encoding::HEXLOWER;
use poem::http::{HeaderMap, StatusCode, header};
use poem::{Body, Response};
use sha2::{Digest, Sha256};

use super::content_encoding::{accepts, gzip};

/// The best levels: the result is kept. Unoptimized builds would need a minute for it.
const GZIP_LEVEL: u32 = if cfg!(debug_assertions) { 6 } else { 9 };
/// Higher levels would exceed the window that browsers allow (RFC 9659).
const ZSTD_LEVEL: i32 = if cfg!(debug_assertions) { 3 } else { 19 };

/// A file with its compressed forms, each computed at its first use.
pub struct StaticFile {
    media_type: &'static str,
    version: String,
    plain: Cow<'static, [u8]>,
    gzip: OnceLock<Vec<u8>>,
    zstd: OnceLock<Vec<u8>>,
    /// Zstandard is being computed in the background.
    zstd_started: AtomicBool,
}

impl StaticFile {
    /// A file; its media type follows from the ending of `name`.
    #[must_use]
    pub fn new(name: &str, content: Cow<'static, [u8]>) -> StaticFile {
        StaticFile {
            media_type: media_type(name),
            version: HEXLOWER.encode(&Sha256::digest(&content)[..6]),
            plain: content,
            gzip: OnceLock::new(),
            zstd: OnceLock::new(),
            zstd_started: AtomicBool::new(false),
        }
    }

    /// The hash of the content, for URLs.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Responds to `GET` and `HEAD`: 304 if the client has this version. The file may be cached forever if the URL names its
    /// version.
    pub fn respond(&'static self, requested_version: Option<&str>, headers: &HeaderMap) -> Response {
        let etag = format!("W/\"{}\"", self.version);
        let caching =
            if requested_version == Some(&self.version) { "public, max-age=31536000, immutable" } else { "public, no-cache" };
        let response = Response::builder()
            .header(header::ETAG, &etag)
            .header(header::CACHE_CONTROL, caching)
            .header(header::VARY, "Accept-Encoding");
        let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        if known.is_some_and(|known| known.split(',').any(|one| one.trim() == etag || one.trim() == "*")) {
            return response.status(StatusCode::NOT_MODIFIED).finish();
        }
        let (encoding, content) = self.encoded(headers);
        let response = if encoding.is_empty() { response } else { response.header(header::CONTENT_ENCODING, encoding) };
        response.content_type(self.media_type).body(Body::from(content))
    }

    /// The smallest form that the client accepts and that is ready.
    fn encoded(&'static self, headers: &HeaderMap) -> (&'static str, &'static [u8]) {
        if self.media_type.starts_with("image/png") || self.media_type.starts_with("font/") {
            return ("", &self.plain);
        }
        if accepts(headers, "zstd") {
            match self.zstd.get() {
                Some(content) => return ("zstd", content),
                None => self.start_zstd(),
            }
        }
        match accepts(headers, "gzip") {
            true => ("gzip", self.gzip.get_or_init(|| gzip(&self.plain, GZIP_LEVEL))),
            false => ("", &self.plain),
        }
    }

    /// Compresses in the background, because the best level takes a second for a large file. Until then the file is served with gzip.
    fn start_zstd(&'static self) {
        if !self.zstd_started.swap(true, Ordering::Relaxed) {
            tokio::task::spawn_blocking(|| {
                if let Ok(content) = zstd::bulk::compress(&self.plain, ZSTD_LEVEL) {
                    let _ = self.zstd.set(content); // set once: `zstd_started`
                }
            });
        }
    }
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("yaml") => "application/yaml",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;

    #[tokio::test]
    async fn a_file_is_compressed_once_and_zstd_follows() {
        let file: &'static StaticFile = Box::leak(Box::new(StaticFile::new("a.css", b"a { color: red }".repeat(100).into())));
        let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, br, zstd"))]);
        let first = file.respond(None, &headers);
        assert_eq!(first.headers()[header::CONTENT_ENCODING], "gzip");
        assert!(std::ptr::eq(file.encoded(&HeaderMap::new()).1, &*file.plain));
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
        while file.zstd.get().is_none() && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let later = file.respond(Some(file.version()), &headers);
        assert_eq!(later.headers()[header::CONTENT_ENCODING], "zstd");
        let packed = later.into_body().into_vec().await.expect("a body");
        let plain = zstd::bulk::decompress(&packed, file.plain.len()).expect("zstd");
        assert_eq!(plain, *file.plain);
    }
}
