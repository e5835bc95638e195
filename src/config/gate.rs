//! What stands between the server and an open network: TLS, proxies, and limits of connections and requests. All in `[server]`.

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::table::{Setting, setting};
use super::value::Value;

/// The part of `[server]` that guards it.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// A chain of certificates in PEM form; with `tls_key`: TLS.
    pub tls_certificate: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    /// Whose word on a client's address counts.
    pub trusted_proxies: Vec<IpNet>,
    pub proxy_header: ProxyHeader,
    /// At once, 1 to 100000.
    pub max_connections: usize,
    /// At once, 1 to 100000.
    pub max_connections_per_address: usize,
    /// 0: any number.
    pub requests_per_second: u32,
    pub header_timeout: Duration,
    pub keep_alive: Duration,
    /// What a page or a call may take; event streams and downloads are exempt.
    pub request_timeout: Duration,
    pub stall_timeout: Duration,
    /// The largest head of a request, in bytes.
    pub header_bytes: usize,
    /// The largest body of a page's form or a call, in bytes.
    pub body_bytes: usize,
}

/// The header in which proxies name the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyHeader {
    XForwardedFor,
    Forwarded,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            tls_certificate: None,
            tls_key: None,
            trusted_proxies: Vec::new(),
            proxy_header: ProxyHeader::XForwardedFor,
            max_connections: 800,
            max_connections_per_address: 200,
            requests_per_second: 100,
            header_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(75),
            request_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(30),
            header_bytes: 64 << 10,
            body_bytes: 1 << 20,
        }
    }
}

pub(super) const SETTINGS: &[Setting] = &[
    setting(
        "server",
        "tls_certificate",
        "",
        "A PEM file with the server's certificate and those that lead to its root; read anew when it changes. With tls_key: HTTPS.",
        |s, _, v| {
            s.server.gate.tls_certificate = Some(PathBuf::from(v.text()?));
            Ok(())
        },
    ),
    setting("server", "tls_key", "", "A PEM file with the private key of tls_certificate.", |s, _, v| {
        s.server.gate.tls_key = Some(PathBuf::from(v.text()?));
        Ok(())
    }),
    setting(
        "server",
        "trusted_proxies",
        "[]",
        "Addresses and networks of reverse proxies, such as [\"127.0.0.1\", \"10.0.0.0/8\"]; from these alone the client's address is taken from proxy_header.",
        |s, _, v| {
            s.server.gate.trusted_proxies = v.texts()?.iter().map(|text| network(text)).collect::<Result<_, _>>()?;
            Ok(())
        },
    ),
    setting(
        "server",
        "proxy_header",
        "\"x-forwarded-for\"",
        "The header that trusted proxies write: x-forwarded-for (with x-forwarded-proto) or forwarded.",
        |s, _, v| {
            let choices = [("x-forwarded-for", ProxyHeader::XForwardedFor), ("forwarded", ProxyHeader::Forwarded)];
            s.server.gate.proxy_header = v.choice(&choices)?;
            Ok(())
        },
    ),
    setting("server", "max_connections", "800", "Connections at once, 1 to 100000.", |s, _, v| {
        s.server.gate.max_connections = v.number(1..=100_000)?;
        Ok(())
    }),
    setting(
        "server",
        "max_connections_per_address",
        "200",
        "Connections at once from one address, 1 to 100000; not for trusted proxies, nor for the machine itself.",
        |s, _, v| {
            s.server.gate.max_connections_per_address = v.number(1..=100_000)?;
            Ok(())
        },
    ),
    setting(
        "server",
        "requests_per_second",
        "100",
        "Requests a second from one address over ten seconds, 0 to 100000; more are answered 429. 0: any number; not for the machine itself.",
        |s, _, v| {
            s.server.gate.requests_per_second = v.number(0..=100_000)?;
            Ok(())
        },
    ),
    setting(
        "server",
        "header_timeout_seconds",
        "10",
        "What a client has to send a request's head, and for the handshake of TLS, 1 to 3600.",
        |s, _, v| {
            s.server.gate.header_timeout = seconds(v)?;
            Ok(())
        },
    ),
    setting(
        "server",
        "keep_alive_seconds",
        "75",
        "How long a connection stays open without a request, 1 to 3600; longer than a reverse proxy keeps it.",
        |s, _, v| {
            s.server.gate.keep_alive = seconds(v)?;
            Ok(())
        },
    ),
    setting(
        "server",
        "request_timeout_seconds",
        "30",
        "What a request may take, its body included, 1 to 3600; event streams and downloads may take longer.",
        |s, _, v| {
            s.server.gate.request_timeout = seconds(v)?;
            Ok(())
        },
    ),
    setting(
        "server",
        "stall_timeout_seconds",
        "30",
        "A client that takes no 16 KiB of an answer in this time is cut off, 1 to 3600.",
        |s, _, v| {
            s.server.gate.stall_timeout = seconds(v)?;
            Ok(())
        },
    ),
    setting("server", "header_limit_kb", "64", "The largest head of a request, 8 to 1024 KiB.", |s, _, v| {
        s.server.gate.header_bytes = v.number::<usize>(8..=1024)? << 10;
        Ok(())
    }),
    setting("server", "body_limit_kb", "1024", "The largest body of a request, 16 to 1048576 KiB.", |s, _, v| {
        s.server.gate.body_bytes = v.number::<usize>(16..=1_048_576)? << 10;
        Ok(())
    }),
];

fn seconds(value: &Value) -> Result<Duration, String> {
    value.number(1..=3600).map(Duration::from_secs)
}

/// An address, or a network in CIDR form.
fn network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse::<std::net::IpAddr>().map(IpNet::from).ok();
    let found = text.parse().ok().or_else(address);
    found.ok_or_else(|| format!("'{text}' is not an address or a network, such as 10.0.0.1 or 10.0.0.0/8"))
}
