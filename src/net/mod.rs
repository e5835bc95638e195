//! HTTP server: accepts connections, with or without TLS, and serves HTTP/1.1 and HTTP/2 within limits, so that neither many nor
//! slow clients can lock out others. It knows nothing of routes.

pub mod base_path;
mod connection;
mod connection_limiter;
pub mod content_encoding;
pub mod cookie;
pub mod lan_address;
mod limits;
pub mod local_request;
mod own_address;
mod proxies;
mod rate_limiter;
pub mod static_file;
mod timeout_stream;
mod tls;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use poem::endpoint::{DynEndpoint, ToDynEndpoint};
use poem::{Endpoint, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use limits::Limits;
pub use own_address::own_address;
pub use proxies::{ForwardedBy, Proxies};
pub use tls::{ReloadOutcome, Tls, TlsError};

use crate::inherited_handles::close_socket_to_children;
use connection_limiter::ConnectionLimiter;
use rate_limiter::RateLimiter;

/// How long open requests may take to end after the shutdown began; event streams end by their own signal.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);
/// The pause after `accept` failed, mostly because the process has no file descriptors left.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(200);
/// The shortest time between two log lines of a [`LogThrottle`].
const LOG_INTERVAL: Duration = Duration::from_secs(30);

/// How the server accepts connections.
#[derive(Clone, Default)]
pub struct ServerOptions {
    pub limits: Limits,
    pub proxies: Proxies,
    /// `None`: without TLS.
    pub tls: Option<Arc<Tls>>,
}

/// State shared by all connections.
struct ServerState {
    limits: Limits,
    proxies: Proxies,
    tls: Option<Arc<Tls>>,
    rate_limiter: RateLimiter,
    endpoint: Arc<dyn DynEndpoint<Output = Response>>,
    shutdown: CancellationToken,
    /// The address the server listens on.
    local: SocketAddr,
}

/// Serves until `shutdown`; open requests then have two seconds to end.
pub async fn serve(
    listener: TcpListener,
    options: ServerOptions,
    endpoint: impl Endpoint<Output = Response> + 'static,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let ServerOptions { limits, proxies, tls } = options;
    let (connection_limiter, rate_limiter) = (ConnectionLimiter::new(&limits), RateLimiter::new(limits.requests_per_second));
    let local = listener.local_addr()?;
    let endpoint = Arc::new(ToDynEndpoint(endpoint));
    let shared = Arc::new(ServerState { limits, proxies, tls, rate_limiter, endpoint, shutdown: shutdown.clone(), local });
    let (open, abort) = (TaskTracker::new(), CancellationToken::new());
    let mut rejection_log = LogThrottle::default();
    while let Some((stream, peer)) = next_connection(&listener, &shutdown, &mut rejection_log).await {
        let Some(permit) = connection_limiter.acquire(peer.ip(), shared.has_address_limit(peer.ip())) else {
            rejection_log.log(|| tracing::warn!(%peer, "connection rejected: limit reached"));
            reject(&stream, shared.tls.is_some());
            continue;
        };
        let (shared, abort) = (shared.clone(), abort.clone());
        open.spawn(async move {
            tokio::select! {
                () = connection::serve(&shared, stream, peer) => {}
                () = abort.cancelled() => {}
            }
            drop(permit);
        });
    }
    drop(listener);
    open.close();
    if tokio::time::timeout(SHUTDOWN_GRACE, open.wait()).await.is_err() {
        abort.cancel();
        open.wait().await;
    }
    Ok(())
}

impl ServerState {
    /// Whether the limit per address applies to the peer. Connections of a proxy belong to many clients and do not count.
    fn has_address_limit(&self, peer: IpAddr) -> bool {
        !self.proxies.is_trusted(peer) && !self.is_exempt(peer)
    }

    /// Whether the limits per address do not apply: all clients behind a proxy on this machine that is not configured as trusted
    /// would share one limit.
    fn is_exempt(&self, address: IpAddr) -> bool {
        self.limits.exempt_loopback && address.to_canonical().is_loopback()
    }
}

/// The next connection; `None` after the shutdown.
async fn next_connection(
    listener: &TcpListener,
    shutdown: &CancellationToken,
    rejection_log: &mut LogThrottle,
) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => return None,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                close_socket_to_children(&stream);
                return Some((stream, peer));
            }
            Err(error) if is_client_error(&error) => {}
            Err(error) => {
                rejection_log.log(|| tracing::error!(%error, "failed to accept connection"));
                tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
}

/// Whether the error concerns one client only, such as one that disconnected before it was accepted.
fn is_client_error(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

/// Answers 503 if the socket takes it at once, without waiting. A TLS client gets no answer.
fn reject(stream: &TcpStream, tls: bool) {
    const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    if !tls {
        let _ = stream.try_write(FULL); // the client may be gone already
    }
}

/// Limits how often a message is logged that an attack could trigger without end.
#[derive(Default)]
struct LogThrottle(Option<Instant>);

impl LogThrottle {
    fn log(&mut self, write: impl FnOnce()) {
        let now = Instant::now();
        if self.0.is_none_or(|last| now - last >= LOG_INTERVAL) {
            self.0 = Some(now);
            write();
        }
    }
}
