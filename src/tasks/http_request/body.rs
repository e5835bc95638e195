//! Bodies of responses: JSON by its content type, or by its bytes where JSON is wanted; otherwise text or binary data.

use std::borrow::Cow;
use std::sync::LazyLock;

use encoding_rs::Encoding;
use regex::bytes::Regex;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::Value;

/// Where a document names its encoding, in bytes.
const META_MAX: usize = 1024;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Body {
    Json(Value),
    Text(String),
    /// The size of any other body, in bytes.
    Binary(usize),
}

/// Parses a body. With `wants_json` it is JSON if it reads as JSON, whatever its content type.
pub(super) fn parse(bytes: &[u8], headers: &HeaderMap, truncated: bool, wants_json: bool) -> Body {
    let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    let charset = charset(&declared);
    let text = decode(bytes, charset);
    let begins_like_json = text.trim_start().starts_with(['{', '[']);
    let may_be_json = wants_json || declared.contains("json") || (declared.is_empty() && begins_like_json);
    if may_be_json
        && !truncated
        && let Ok(value) = serde_json::from_str(text.trim())
    {
        return Body::Json(value);
    }
    let is_text = charset.is_some() || declared.starts_with("text/") || Encoding::for_bom(bytes).is_some() || !bytes.contains(&0);
    if !is_text || ["image/", "audio/", "video/", "application/octet-stream"].iter().any(|kind| declared.starts_with(kind)) {
        return Body::Binary(bytes.len());
    }
    let mut text = text.into_owned();
    if truncated {
        // Marks the cut, before which the beginning of a secret is masked.
        text.push('…');
    }
    Body::Text(text)
}

/// The encoding that a content type names.
fn charset(declared: &str) -> Option<&'static Encoding> {
    let (_, label) = declared.split_once("charset=")?;
    Encoding::for_label(label.split(';').next()?.trim_matches(['"', '\'', ' ']).as_bytes())
}

/// The text of the bytes: by the byte order mark, the declared encoding, that of the document, or UTF-8.
fn decode<'b>(bytes: &'b [u8], declared: Option<&'static Encoding>) -> Cow<'b, str> {
    let is_utf8 = || std::str::from_utf8(bytes).is_ok();
    // Many servers declare ISO 8859-1 by default and send UTF-8.
    let declared = declared.filter(|encoding| *encoding != encoding_rs::WINDOWS_1252 || !is_utf8());
    let encoding = declared.or_else(|| without_mark(bytes)).or_else(|| named_in_document(bytes)).unwrap_or(encoding_rs::UTF_8);
    encoding.decode(bytes).0
}

/// UTF-16 of a text that begins with an ASCII character.
fn without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        [0, first, 0, second, ..] if *first > 0 && *second > 0 => Some(encoding_rs::UTF_16BE),
        [first, 0, second, 0, ..] if *first > 0 && *second > 0 => Some(encoding_rs::UTF_16LE),
        _ => None,
    }
}

/// The encoding that an HTML document names in `<meta>`, or an XML document in its declaration.
fn named_in_document(bytes: &[u8]) -> Option<&'static Encoding> {
    static NAMED: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#"(?i)<(?:meta\b[^>]*?charset|\?xml\b[^>]*?encoding)\s*=\s*["']?\s*([a-z0-9_.:-]+)"#).ok());
    let found = NAMED.as_ref()?.captures(&bytes[..bytes.len().min(META_MAX)])?;
    // A document whose declaration reads as ASCII is not UTF-16.
    Encoding::for_label(&found[1]).filter(|encoding| encoding.is_ascii_compatible())
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;
    use serde_json::json;

    use super::*;

    fn parsed(bytes: &[u8], content_type: &'static str, wants_json: bool) -> Body {
        let headers =
            Some(content_type).filter(|kind| !kind.is_empty()).map(|kind| (CONTENT_TYPE, HeaderValue::from_static(kind)));
        parse(bytes, &headers.into_iter().collect(), false, wants_json)
    }

    fn utf16(text: &str, big_endian: bool, mark: bool) -> Vec<u8> {
        let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
        units.flat_map(|unit| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    }

    #[test]
    fn json_is_recognised_by_its_bytes_where_it_is_wanted() {
        let text = r#" {"name": "钟楼", "n": 1.10} "#;
        let gbk = encoding_rs::GBK.encode(text).0.into_owned();
        let expected: Value = serde_json::from_str(text).unwrap();
        let with_meta = b"[\"<meta charset=gbk>\", \"\xd6\xd3\"]";
        for (bytes, content_type) in [
            (text.as_bytes().to_vec(), "text/html"),
            (text.as_bytes().to_vec(), "application/octet-stream"),
            (text.as_bytes().to_vec(), "text/plain; charset=ISO-8859-1"),
            (text.as_bytes().to_vec(), "image/png"),
            ([b"\xef\xbb\xbf", text.as_bytes()].concat(), "application/json"),
            (gbk.clone(), "text/plain; charset=\"gb2312\""),
            (gbk, "application/json;charset=GBK"),
            (utf16(text, false, true), "application/json"),
            (utf16(text, true, true), "text/plain"),
            (utf16(text, false, false), ""),
            (utf16(text, true, false), "application/json; charset=utf-16be"),
        ] {
            assert_eq!(parsed(&bytes, content_type, true), Body::Json(expected.clone()), "{content_type}: {bytes:02x?}");
        }
        assert_eq!(parsed(with_meta, "text/html", true), Body::Json(json!(["<meta charset=gbk>", "钟"])));
        assert_eq!(parsed(b"[1, 2", "text/plain", true), Body::Text("[1, 2".into()));
    }

    #[test]
    fn other_bodies_are_text_or_binary() {
        assert_eq!(parsed(b"{\"a\": 1}", "", false), Body::Json(json!({"a": 1})));
        assert_eq!(parsed(b"{\"a\": 1}", "text/plain", false), Body::Text("{\"a\": 1}".into()));
        assert_eq!(parsed(b"\x89PNG\0\0", "", false), Body::Binary(6));
        assert_eq!(parsed(b"abc", "image/png", false), Body::Binary(3));
        let page = b"<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=gb2312\"></head>\xd6\xd3\xc2\xa5";
        assert!(matches!(parsed(page, "text/html", false), Body::Text(text) if text.ends_with("钟楼")));
        assert_eq!(
            parsed(b"<?xml version='1.0' encoding='gbk'?><a>\xd6\xd3</a>", "application/xml", false),
            Body::Text("<?xml version='1.0' encoding='gbk'?><a>钟</a>".into())
        );
    }
}
