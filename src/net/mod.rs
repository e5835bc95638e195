//! The network side of the server: takes connections, with or without TLS, and answers them over HTTP/1.1 and HTTP/2 within
//! limits, so that neither many clients nor slow ones can keep others out. What a request is about is none of its business.

mod census;
mod connection;
mod limits;
mod proxies;
mod rate;
mod socket;
mod tls;
pub mod visitor;

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
pub use proxies::{ForwardedBy, Proxies};
pub use tls::{Look, Tls, TlsError};

use census::Census;
use rate::Rate;

/// What open requests are given to end when the server stops; an event stream ends by its own signal.
const GRACE: Duration = Duration::from_secs(2);
/// How long nothing is accepted after the machine refused a connection, for want of file handles mostly.
const REFUSED_PAUSE: Duration = Duration::from_millis(200);
/// The same complaint is logged at most this often.
const COMPLAIN_EVERY: Duration = Duration::from_secs(30);

/// How connections are taken.
#[derive(Clone, Default)]
pub struct Setup {
    pub limits: Limits,
    pub proxies: Proxies,
    /// `None`: without TLS.
    pub tls: Option<Arc<Tls>>,
}

/// What all connections share.
struct Shared {
    limits: Limits,
    proxies: Proxies,
    tls: Option<Arc<Tls>>,
    rate: Rate,
    endpoint: Arc<dyn DynEndpoint<Output = Response>>,
    shutdown: CancellationToken,
    /// Where it listens.
    local: SocketAddr,
}

/// Serves until `shutdown`, then lets open requests end for a moment.
///
/// # Errors
/// Where the listener is of no use.
pub async fn serve(
    listener: TcpListener,
    setup: Setup,
    endpoint: impl Endpoint<Output = Response> + 'static,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let Setup { limits, proxies, tls } = setup;
    let (census, rate) = (Census::new(&limits), Rate::new(limits.requests_per_second));
    let local = listener.local_addr()?;
    let endpoint = Arc::new(ToDynEndpoint(endpoint));
    let shared = Arc::new(Shared { limits, proxies, tls, rate, endpoint, shutdown: shutdown.clone(), local });
    let (open, cut_off) = (TaskTracker::new(), CancellationToken::new());
    let mut refusals = Complaint::default();
    while let Some((stream, peer)) = accepted(&listener, &shutdown, &mut refusals).await {
        let Some(place) = census.enter(peer.ip(), shared.is_counted(peer.ip())) else {
            refusals.tell(|| tracing::warn!(%peer, "connection refused: there are too many"));
            turn_away(&stream, shared.tls.is_some());
            continue;
        };
        let (shared, cut_off) = (shared.clone(), cut_off.clone());
        open.spawn(async move {
            tokio::select! {
                () = connection::serve(&shared, stream, peer) => {}
                () = cut_off.cancelled() => {}
            }
            drop(place);
        });
    }
    drop(listener);
    open.close();
    if tokio::time::timeout(GRACE, open.wait()).await.is_err() {
        cut_off.cancel();
        open.wait().await;
    }
    Ok(())
}

impl Shared {
    /// Whether connections from there are counted by address: those of a proxy belong to many.
    fn is_counted(&self, peer: IpAddr) -> bool {
        !self.proxies.trust(peer) && !self.is_spared(peer)
    }

    /// Whether limits by address do not apply: a forgotten proxy on this machine would have all its visitors share one.
    fn is_spared(&self, address: IpAddr) -> bool {
        self.limits.spare_loopback && address.to_canonical().is_loopback()
    }
}

/// The next connection; `None` at the shutdown.
async fn accepted(
    listener: &TcpListener,
    shutdown: &CancellationToken,
    refusals: &mut Complaint,
) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => return None,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(connection) => return Some(connection),
            Err(error) if is_of_one_client(&error) => {}
            Err(error) => {
                refusals.tell(|| tracing::error!(%error, "no connection can be taken"));
                tokio::time::sleep(REFUSED_PAUSE).await;
            }
        }
    }
}

/// The client went away before it was served.
fn is_of_one_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

/// Says why in so far as the socket takes it at once; nobody is waited for.
fn turn_away(stream: &TcpStream, tls: bool) {
    const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    if !tls {
        let _gone_or_full = stream.try_write(FULL);
    }
}

/// A complaint that an attack would repeat without end.
#[derive(Default)]
struct Complaint(Option<Instant>);

impl Complaint {
    fn tell(&mut self, say: impl FnOnce()) {
        let now = Instant::now();
        if self.0.is_none_or(|last| now - last >= COMPLAIN_EVERY) {
            self.0 = Some(now);
            say();
        }
    }
}
