//! What a client may take of the server.

use std::time::Duration;

/// Limits of connections and requests.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at once, at least 1.
    pub connections: usize,
    /// Connections at once from one address (of IPv6, from one /64), at least 1; those from trusted proxies do not count.
    pub connections_per_address: usize,
    /// Requests a second from one address, on average over ten seconds; 0: any number.
    pub requests_per_second: u32,
    /// The largest head of a request, in bytes, at least 8192.
    pub head_bytes: usize,
    /// What a client has to send the head of a request once it began; also for the handshake of TLS.
    pub head_timeout: Duration,
    /// How long a connection stays open between two requests.
    pub keep_alive: Duration,
    /// A client that takes no 16 KiB of an answer in this time is cut off.
    pub stall_timeout: Duration,
    /// Whether limits by address leave the machine itself out.
    pub spare_loopback: bool,
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
            spare_loopback: true,
        }
    }
}
