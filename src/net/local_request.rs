//! Local requests: recognises a request that was sent from the machine the server runs on.

use std::net::IpAddr;

use poem::Request;
use poem::http::{Version, header};

/// Request extension: the request came through a trusted proxy.
#[derive(Debug, Clone, Copy)]
pub(super) struct ViaTrustedProxy;

/// Headers that show that a proxy forwarded the request.
const PROXY_HEADERS: [&str; 5] = ["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-real-ip", "via"];

/// Whether the request was sent from this machine: the peer is a loopback address, nothing shows a proxy (HTTP/1.0 counts as
/// one), and `Host` is a loopback name, so that DNS rebinding from another site does not count.
pub fn is_local_request(request: &Request) -> bool {
    let peer = request.remote_addr().as_socket_addr();
    let host = request.header(header::HOST).unwrap_or_default();
    let proxied = request.extensions().get::<ViaTrustedProxy>().is_some()
        || request.version() < Version::HTTP_11
        || PROXY_HEADERS.iter().any(|name| request.headers().contains_key(*name));
    peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback()) && !proxied && is_loopback_name(host)
}

fn is_loopback_name(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_loopback_name;

    #[test]
    fn is_loopback_name_accepts_only_localhost_and_loopback_addresses() {
        for name in ["localhost", "localhost:8398", "127.0.0.1:1", "[::1]:8398", "[::1]"] {
            assert!(is_loopback_name(name), "{name}");
        }
        for name in ["", "example.org", "127.0.0.1.example.org", "10.0.0.1:8398", "localhost.evil"] {
            assert!(!is_loopback_name(name), "{name}");
        }
    }
}
