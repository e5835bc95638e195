//! Whether a request comes from the machine itself.

use std::net::IpAddr;

use poem::Request;
use poem::http::{Version, header};

/// Marks a request that came over a trusted proxy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proxied;

/// Headers that a proxy leaves.
const TRACES: [&str; 5] = ["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-real-ip", "via"];

/// Whether whoever asks sits at the machine: a loopback peer, no trace of a proxy (old HTTP is one), and addressed by a
/// loopback name: another site's name that was made to point here is none.
pub fn at_the_machine(request: &Request) -> bool {
    let peer = request.remote_addr().as_socket_addr();
    let host = request.header(header::HOST).unwrap_or_default();
    let proxied = request.extensions().get::<Proxied>().is_some()
        || request.version() < Version::HTTP_11
        || TRACES.iter().any(|name| request.headers().contains_key(*name));
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
    fn only_loopback_names_are_the_machine_itself() {
        for name in ["localhost", "localhost:8398", "127.0.0.1:1", "[::1]:8398", "[::1]"] {
            assert!(is_loopback_name(name), "{name}");
        }
        for name in ["", "example.org", "127.0.0.1.example.org", "10.0.0.1:8398", "localhost.evil"] {
            assert!(!is_loopback_name(name), "{name}");
        }
    }
}
