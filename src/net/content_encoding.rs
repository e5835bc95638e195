//! Content encodings: which ones a client accepts, and gzip for generated responses.

use std::io::Write;

use async_compression::Level;
use async_compression::tokio::bufread::GzipEncoder;
use flate2::Compression;
use flate2::write::GzEncoder;
use poem::http::{HeaderMap, HeaderValue, header};
use poem::{Body, Response};
use tokio::io::BufReader;

/// Bodies below this size fit in a packet anyway.
const MIN_BYTES: usize = 1024;
/// The level of generated responses. Higher levels save a few percent of the bytes and cost several times as much.
const LEVEL: u32 = 3;

/// Returns whether a request's `Accept-Encoding` allows an encoding (RFC 9110).
pub fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let given = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    given.flat_map(|list| list.split(',')).any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
        named && weight > 0.0
    })
}

/// Compresses bytes with gzip.
pub fn gzip(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::new(level));
    let _ = encoder.write_all(bytes); // writing to a vector cannot fail
    encoder.finish().unwrap_or_default()
}

/// Compresses a generated response with gzip if the client accepts it. Pages are compressed as a whole, downloads as a stream.
pub async fn compressed(mut response: Response, accepts_gzip: bool) -> Response {
    if response.headers().contains_key(header::CONTENT_ENCODING) || !is_text(&response) {
        return response;
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if !accepts_gzip {
        return response;
    }
    if response.headers().contains_key(header::CONTENT_DISPOSITION) {
        let plain = BufReader::new(response.take_body().into_async_read());
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        response.headers_mut().remove(header::CONTENT_LENGTH);
        response.set_body(Body::from_async_read(GzipEncoder::with_quality(plain, Level::Fastest)));
        return response;
    }
    let Ok(body) = response.take_body().into_vec().await else { return response };
    if body.len() < MIN_BYTES {
        response.set_body(body);
        return response;
    }
    response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response.set_body(Body::from(gzip(&body, LEVEL)));
    response
}

fn is_text(response: &Response) -> bool {
    const TEXT: [&str; 4] = ["text/html", "text/csv", "application/json", "application/yaml"];
    let media_type = response.content_type().unwrap_or_default();
    TEXT.iter().any(|text| media_type.starts_with(text)) || media_type.contains("ndjson") || media_type.contains("jsonl")
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn accepting(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))])
    }

    #[test]
    fn accepts_reads_names_and_weights() {
        assert!(accepts(&accepting("deflate, GZIP;q=0.5"), "gzip"));
        assert!(!accepts(&accepting("gzip;q=0, br"), "gzip") && !accepts(&HeaderMap::new(), "gzip"));
    }

    #[tokio::test]
    async fn only_larger_texts_are_compressed() {
        let page = |size: usize| Response::builder().content_type("text/html; charset=utf-8").body("a".repeat(size));
        let small = compressed(page(100), true).await;
        assert!(!small.headers().contains_key(header::CONTENT_ENCODING));
        let large = compressed(page(5000), true).await;
        assert_eq!(large.headers()[header::CONTENT_ENCODING], "gzip");
        let packed = large.into_body().into_vec().await.expect("a body");
        let mut text = String::new();
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text).expect("gzip");
        assert_eq!(text, "a".repeat(5000));
        assert_eq!(compressed(page(5000), false).await.into_body().into_vec().await.expect("a body").len(), 5000);
    }
}
