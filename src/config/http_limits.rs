//! The settings of the HTTP server in `[server]`: TLS, trusted proxies, and limits of connections and requests.

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::setting::settings;
use super::value::Value;
use crate::i18n::{Message, message};

/// TLS, trusted proxies and limits of `[server]`.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpLimits {
    /// A certificate chain in PEM format; TLS is on if `tls_key` is set too.
    pub tls_certificate: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    /// Proxies whose header is trusted for the client's address.
    pub trusted_proxies: Vec<IpNet>,
    pub proxy_header: ProxyHeader,
    /// 1 to 100000.
    pub max_connections: usize,
    /// 1 to 100000.
    pub max_connections_per_address: usize,
    /// Per client address; 0: no limit.
    pub requests_per_second: u32,
    pub header_timeout: Duration,
    pub keep_alive: Duration,
    /// The time limit for a request; event streams and downloads are exempt.
    pub request_timeout: Duration,
    pub stall_timeout: Duration,
    /// The maximum size of a request's headers, in bytes.
    pub header_bytes: usize,
    /// The maximum size of a request's body, in bytes.
    pub body_bytes: usize,
}

/// The header in which proxies send the client's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyHeader {
    XForwardedFor,
    Forwarded,
}

impl Default for HttpLimits {
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

settings! {
    pub(super) SETTINGS |s, name, v|

    ["server"]
    "tls_certificate" Path ""
        "A PEM file with the server's certificate chain; reloaded when it changes. Together with tls_key it enables HTTPS."
        => s.server.http.tls_certificate = Some(PathBuf::from(v.text()?));
    "tls_key" Path "" "A PEM file with the private key of tls_certificate."
        => s.server.http.tls_key = Some(PathBuf::from(v.text()?));
    "trusted_proxies" TextList "[]"
        "Addresses and networks of reverse proxies, such as [\"127.0.0.1\", \"10.0.0.0/8\"]; only their proxy_header is used for the client's address."
        => s.server.http.trusted_proxies = v.texts()?.iter().map(|text| network(text)).collect::<Result<_, _>>()?;
    "proxy_header" Choice "\"x-forwarded-for\""
        "The header set by trusted proxies: x-forwarded-for (with x-forwarded-proto) or forwarded."
        => {
            let choices = [("x-forwarded-for", ProxyHeader::XForwardedFor), ("forwarded", ProxyHeader::Forwarded)];
            s.server.http.proxy_header = v.choice(&choices)?;
        };
    "max_connections" Integer "800" "The maximum number of connections, 1 to 100000."
        => s.server.http.max_connections = v.number(1..=100_000)?;
    "max_connections_per_address" Integer "200"
        "The maximum number of connections from one address, 1 to 100000; does not apply to trusted proxies and local connections."
        => s.server.http.max_connections_per_address = v.number(1..=100_000)?;
    "requests_per_second" Integer "100"
        "The maximum number of requests per second from one address, averaged over ten seconds, 0 to 100000; further requests get status 429. 0: no limit. Does not apply to local connections."
        => s.server.http.requests_per_second = v.number(0..=100_000)?;
    "header_timeout_seconds" Integer "10"
        "The time limit for receiving a request's headers, and for the TLS handshake, 1 to 3600 seconds."
        => s.server.http.header_timeout = seconds(v)?;
    "keep_alive_seconds" Integer "75"
        "How long an idle connection stays open, 1 to 3600 seconds; set it higher than in the reverse proxy."
        => s.server.http.keep_alive = seconds(v)?;
    "request_timeout_seconds" Integer "30"
        "The time limit for a request including its body, 1 to 3600 seconds; does not apply to event streams and downloads."
        => s.server.http.request_timeout = seconds(v)?;
    "stall_timeout_seconds" Integer "30"
        "A connection is closed if the client receives less than 16 KiB of a response in this time, 1 to 3600 seconds."
        => s.server.http.stall_timeout = seconds(v)?;
    "header_limit_kb" Integer "64" "The maximum size of a request's headers, 8 to 1024 KiB."
        => s.server.http.header_bytes = v.number::<usize>(8..=1024)? << 10;
    "body_limit_kb" Integer "1024" "The maximum size of a request's body, 16 to 1048576 KiB."
        => s.server.http.body_bytes = v.number::<usize>(16..=1_048_576)? << 10;
}

fn seconds(value: &Value) -> Result<Duration, Message> {
    value.number(1..=3600).map(Duration::from_secs)
}

/// An address, or a network in CIDR form.
fn network(text: &str) -> Result<IpNet, Message> {
    let address = || text.parse::<std::net::IpAddr>().map(IpNet::from).ok();
    let found = text.parse().ok().or_else(address);
    found.ok_or_else(|| message!("setting.not_network", text))
}
