//! CSRF protection: a token bound to the session; for requests without a session, the origin reported by the browser.

use data_encoding::HEXLOWER;
use poem::Request;
use poem::http::header;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Form field and header of the token.
pub const FIELD: &str = "csrf";
pub const HEADER: &str = "x-csrf-token";

/// Returns the CSRF token of a session, derived from its secret, so that it needs no storage.
pub fn token(session: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(format!("belfry-csrf:{session}")))
}

/// Whether `given` is the token of `session`.
pub fn matches(session: &str, given: &str) -> bool {
    token(session).as_bytes().ct_eq(given.as_bytes()).into()
}

/// Whether the browser reports that the request comes from this site. A request with neither `Sec-Fetch-Site` nor
/// `Origin` does not come from a browser page and is accepted.
pub fn same_site(request: &Request) -> bool {
    if let Some(site) = request.header("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    match (request.header(header::ORIGIN), request.header(header::HOST)) {
        (None, _) => true,
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, from)| from == host),
        (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(headers: &[(&str, &str)]) -> bool {
        let request = headers.iter().fold(Request::builder(), |request, (name, value)| request.header(*name, *value)).finish();
        same_site(&request)
    }

    #[test]
    fn token_matches_only_its_session() {
        assert!(matches("a", &token("a")));
        assert!(!matches("a", &token("b")) && !matches("a", ""));
    }

    #[test]
    fn same_site_rejects_other_origins() {
        assert!(from(&[]) && from(&[("sec-fetch-site", "same-origin")]));
        assert!(!from(&[("sec-fetch-site", "cross-site")]) && !from(&[("sec-fetch-site", "same-site")]));
        assert!(from(&[("origin", "http://a:1"), ("host", "a:1")]));
        assert!(!from(&[("origin", "http://b"), ("host", "a:1")]) && !from(&[("origin", "null"), ("host", "a:1")]));
    }
}
