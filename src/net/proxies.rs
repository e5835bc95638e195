//! Trusted proxies: finds the client behind a proxy. Forwarding headers count only if they come from a trusted proxy.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use poem::http::HeaderMap;

/// The trusted proxies and the header they use.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    pub trusted: Vec<IpNet>,
    pub forwarded_by: ForwardedBy,
}

/// The header in which proxies name the client. Only one is read, because a proxy that sets one of them passes the other on as
/// the client sent it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ForwardedBy {
    /// `X-Forwarded-For` and `X-Forwarded-Proto`.
    #[default]
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// The client behind a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Client {
    pub address: IpAddr,
    /// The client's connection to the proxy uses TLS.
    pub tls: bool,
}

/// Hops followed at most.
const MAX_HOPS: usize = 32;

impl Proxies {
    /// Whether the address is a trusted proxy.
    pub fn is_trusted(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|net| net.contains(&address))
    }

    /// The client of a request: the peer, or behind trusted proxies the last address in the header that is not a trusted proxy.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Client {
        if self.trusted.is_empty() || !self.is_trusted(peer) {
            return Client { address: peer, tls: false };
        }
        match self.forwarded_by {
            ForwardedBy::XForwarded => self.client_by_x_forwarded_for(peer, headers),
            ForwardedBy::Forwarded => self.client_by_forwarded(peer, headers),
        }
    }

    fn client_by_x_forwarded_for(&self, peer: IpAddr, headers: &HeaderMap) -> Client {
        let mut client = Client { address: peer, tls: last(headers, "x-forwarded-proto").is_some_and(is_https) };
        for hop in items(headers, "x-forwarded-for").take(MAX_HOPS) {
            let Some(address) = address(hop) else { break };
            client.address = address;
            if !self.is_trusted(address) {
                break;
            }
        }
        client
    }

    fn client_by_forwarded(&self, peer: IpAddr, headers: &HeaderMap) -> Client {
        let mut client = Client { address: peer, tls: false };
        for hop in items(headers, "forwarded").take(MAX_HOPS) {
            client.tls = parameter(hop, "proto").is_some_and(is_https);
            let Some(address) = parameter(hop, "for").and_then(address) else { break };
            client.address = address;
            if !self.is_trusted(address) {
                break;
            }
        }
        client
    }
}

/// The items of a list header, in reverse order.
fn items<'h>(headers: &'h HeaderMap, name: &'static str) -> impl Iterator<Item = &'h str> {
    let values: Vec<&str> = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default()).collect();
    values.into_iter().rev().flat_map(|value| value.rsplit(',')).map(str::trim)
}

fn last<'h>(headers: &'h HeaderMap, name: &'static str) -> Option<&'h str> {
    items(headers, name).next()
}

fn is_https(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("https")
}

/// The value of `key=value` or `key="value"` in one element of `Forwarded`.
fn parameter<'h>(element: &'h str, key: &str) -> Option<&'h str> {
    let pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let found = pairs.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case(key));
    found.map(|(_, value)| value.trim().trim_matches('"'))
}

/// Parses an address, with or without a port; IPv6 may be in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare.parse().ok().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderName;

    use super::*;

    fn proxies(forwarded_by: ForwardedBy) -> Proxies {
        let trusted = ["127.0.0.0/8", "10.0.0.0/8", "::1/128"].map(|net| net.parse().expect("a network"));
        Proxies { trusted: trusted.into(), forwarded_by }
    }

    fn client(by: ForwardedBy, peer: &str, headers: &[(&'static str, &str)]) -> (String, bool) {
        let pairs = headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().expect("a value")));
        let mut map = HeaderMap::new();
        pairs.for_each(|(name, value)| {
            map.append(name, value);
        });
        let client = proxies(by).client(peer.parse().expect("an address"), &map);
        (client.address.to_string(), client.tls)
    }

    #[test]
    fn client_is_the_last_hop_that_is_not_a_trusted_proxy() {
        let of = |peer: &str, headers: &[(&'static str, &str)]| client(ForwardedBy::XForwarded, peer, headers);
        let is = |address: &str, tls: bool| (address.to_owned(), tls);
        assert_eq!(
            of("203.0.113.9", &[("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "https")]),
            is("203.0.113.9", false)
        );
        assert_eq!(of("127.0.0.1", &[("x-forwarded-for", "198.51.100.7")]), is("198.51.100.7", false));
        let forged = [("x-forwarded-for", "1.1.1.1, 198.51.100.7, 10.0.0.5"), ("x-forwarded-proto", "https")];
        assert_eq!(of("127.0.0.1", &forged), is("198.51.100.7", true));
        let apart = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "[2001:db8::1]:443")];
        assert_eq!(of("::1", &apart), is("2001:db8::1", false));
        assert_eq!(of("127.0.0.1", &[("x-forwarded-for", "10.0.0.7, 10.0.0.8")]), is("10.0.0.7", false));
        assert_eq!(of("127.0.0.1", &[("x-forwarded-for", "1.1.1.1, unknown")]), is("127.0.0.1", false));
        assert_eq!(
            of("127.0.0.1", &[("forwarded", "for=1.1.1.1;proto=https")]),
            is("127.0.0.1", false),
            "the other header is configured"
        );
        assert_eq!(of("::ffff:127.0.0.1", &[("x-forwarded-for", "192.0.2.1:99")]), is("192.0.2.1", false));
    }

    #[test]
    fn forwarded_header_is_read_if_configured() {
        let of = |headers: &[(&'static str, &str)]| client(ForwardedBy::Forwarded, "10.1.1.1", headers);
        let element = [("forwarded", "for=1.1.1.1;proto=http, For=\"[2001:db8::2]:80\";Proto=HTTPS;by=10.1.1.1")];
        assert_eq!(of(&element), ("2001:db8::2".to_owned(), true));
        assert_eq!(of(&[("x-forwarded-for", "1.1.1.1"), ("x-forwarded-proto", "https")]), ("10.1.1.1".to_owned(), false));
        assert_eq!(of(&[("forwarded", "for=_hidden;proto=https")]), ("10.1.1.1".to_owned(), true));
    }
}
