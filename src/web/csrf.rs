//! Guards changing requests against other sites: a token bound to the session, and the browser's own word on where a
//! request without a session came from.

use poem::Request;
use poem::http::header;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The form field and the header that carry the token.
pub const FIELD: &str = "csrf";
pub const HEADER: &str = "x-csrf-token";

/// The token of a session: derived from its secret, so that nothing needs to be stored.
pub fn token(session: &str) -> String {
    let digest = Sha256::digest(format!("belfry-csrf:{session}").as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether `given` is the token of `session`.
pub fn matches(session: &str, given: &str) -> bool {
    token(session).as_bytes().ct_eq(given.as_bytes()).into()
}

/// Whether the browser says that the request comes from this very site. A request that carries neither `Sec-Fetch-Site`
/// nor `Origin` comes from no browser page and is let through.
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
    fn a_token_belongs_to_one_session() {
        assert!(matches("a", &token("a")));
        assert!(!matches("a", &token("b")) && !matches("a", ""));
    }

    #[test]
    fn other_sites_are_told_apart() {
        assert!(from(&[]) && from(&[("sec-fetch-site", "same-origin")]));
        assert!(!from(&[("sec-fetch-site", "cross-site")]) && !from(&[("sec-fetch-site", "same-site")]));
        assert!(from(&[("origin", "http://a:1"), ("host", "a:1")]));
        assert!(!from(&[("origin", "http://b"), ("host", "a:1")]) && !from(&[("origin", "null"), ("host", "a:1")]));
    }
}
