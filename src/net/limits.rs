//! Limits of connections and requests.

use std::time::Duration;

/// What one client, and all clients together, may use of the server.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Open connections, at least 1.
    pub connections: usize,
    /// Open connections from one address (IPv6: one /64), at least 1. Connections from trusted proxies do not count.
    pub connections_per_address: usize,
    /// Requests per second from one address, on average over ten seconds; 0: no limit.
    pub requests_per_second: u32,
    /// The largest request head (request line and headers), in bytes, at least 8192.
    pub head_bytes: usize,
    /// The time a client has to send a request head, counted from its first byte; also the limit of a TLS handshake.
    pub head_timeout: Duration,
    /// How long an idle connection stays open between two requests.
    pub keep_alive: Duration,
    /// A connection is closed when its client reads less than 16 KiB of a response in this time.
    pub stall_timeout: Duration,
    /// Whether loopback addresses are exempt from the limits per address.
    pub exempt_loopback: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 800,
            connections_per_address: 200,
            requests_per_second: 100,
            head_bytes: 64 << 10,
            head_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(75),
            stall_timeout: Duration::from_secs(30),
            exempt_loopback: true,
        }
    }
}
