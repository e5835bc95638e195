//! The address under which the client of a request reaches this server.

use poem::http::{HeaderMap, header};

/// The URL of a path of this server: below its public URL if it has one, else as the client sees it; only the path if the request
/// names no host.
pub fn own_address(public_url: Option<&str>, headers: &HeaderMap, secure: bool, base_path: &str, path: &str) -> String {
    if let Some(public_url) = public_url {
        return format!("{public_url}{path}");
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).filter(|host| is_host(host));
    let scheme = if secure { "https" } else { "http" };
    host.map_or_else(|| format!("{base_path}{path}"), |host| format!("{scheme}://{host}{base_path}{path}"))
}

/// Whether a text can be a host with a port.
fn is_host(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_address_is_that_of_the_request() {
        let with = |host: &str| HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
        assert_eq!(
            own_address(None, &with("belfry.example:8443"), true, "/b", "/hook/x"),
            "https://belfry.example:8443/b/hook/x"
        );
        assert_eq!(own_address(None, &with("[::1]:8398"), false, "", "/hook/x"), "http://[::1]:8398/hook/x");
        assert_eq!(own_address(None, &with("a\"b"), false, "", "/hook/x"), "/hook/x");
        assert_eq!(own_address(Some("https://b.example/x"), &with("a"), true, "/x", "/hook/x"), "https://b.example/x/hook/x");
        assert_eq!(own_address(None, &HeaderMap::new(), false, "", "/hook/x"), "/hook/x");
    }
}
