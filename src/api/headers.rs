//! Request headers: `If-Match`, `Idempotency-Key` and `Accept-Language`.

use poem::http::header;
use poem::{FromRequest, Request, RequestBody};

use super::error::Problem;
use crate::domain::fault::Fault;
use crate::domain::input::truncate;
use crate::i18n::{Language, message};

/// The version in `If-Match`; `None`: any.
pub struct IfMatch(pub Option<i64>);

/// The key in `Idempotency-Key`.
pub struct IdempotencyKey(pub Option<String>);

impl<'a> FromRequest<'a> for IfMatch {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        Ok(Self(header_value(request, "if-match").map(|given| if_match(&given)).transpose()?.flatten()))
    }
}

impl<'a> FromRequest<'a> for IdempotencyKey {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        Ok(Self(header_value(request, "idempotency-key").map(idempotency_key).transpose()?))
    }
}

/// A header's value; repeated headers are joined by commas, as HTTP defines.
fn header_value(request: &Request, name: &str) -> Option<String> {
    let values = request.headers().get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    values.map(|value| value.trim().to_owned()).reduce(|all, next| format!("{all}, {next}"))
}

/// Parses `If-Match`: `"3"` means version 3, `*` any. The weak form (`W/"3"`), which proxies may send, is accepted too.
fn if_match(text: &str) -> Result<Option<i64>, Problem> {
    if text == "*" {
        return Ok(None);
    }
    let quoted = text.strip_prefix("W/").unwrap_or(text);
    let version = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).and_then(|digits| digits.parse().ok());
    match version {
        Some(version) if version >= 0 => Ok(Some(version)),
        _ => Err(Problem::malformed(message!("request.if_match", text = truncate(text, 40)))),
    }
}

/// Checks an `Idempotency-Key`: 1 to 255 visible ASCII characters.
fn idempotency_key(key: String) -> Result<String, Problem> {
    if (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(key);
    }
    let message = message!("request.idempotency_key", max = 255).of("Idempotency-Key");
    Err(Problem::invalid(vec![Fault::new("", message)]))
}

/// The entity tag of a version.
pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// The supported language that the client prefers.
#[derive(Clone, Copy)]
pub struct AcceptedLanguage(pub Language);

impl<'a> FromRequest<'a> for AcceptedLanguage {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        Ok(Self(accepted_language(request)))
    }
}

/// The supported language that the client prefers; English without a preference.
pub fn accepted_language(request: &Request) -> Language {
    let wanted = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    Language::negotiate(wanted.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_accepts_entity_tags() {
        assert_eq!(if_match("\"12\"").ok(), Some(Some(12)));
        assert_eq!(if_match("W/\"12\"").ok(), Some(Some(12)));
        assert_eq!(if_match("*").ok(), Some(None));
        for bad in ["12", "\"\"", "\"a\"", "\"1\", \"2\"", "\"-1\"", ""] {
            assert!(if_match(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn idempotency_keys_are_validated() {
        let key = |text: &str| idempotency_key(text.to_owned());
        assert!(key("order-7").is_ok());
        for bad in ["", "a b", "é", &"x".repeat(256)] {
            assert!(key(bad).is_err(), "{bad}");
        }
    }
}
