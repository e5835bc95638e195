//! One connection: the handshake, and its requests one after the other (or side by side over HTTP/2).

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use poem::http::uri::Scheme;
use poem::http::{HeaderMap, HeaderValue, Request, StatusCode, Version, header};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Endpoint, Response};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::Shared;
use super::limits::Limits;
use super::socket::{Activity, Busy, Watched};
use super::visitor::Proxied;

/// Requests at once on one connection of HTTP/2.
const STREAMS: u32 = 100;
/// How often a silent client of HTTP/2 is asked whether it lives, and how long it may take to say so.
const PING: Duration = Duration::from_secs(20);
/// A year: browsers ask for nothing but TLS from then on.
const STRICT_TRANSPORT: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Serves a connection to its end.
pub(super) async fn serve(shared: &Arc<Shared>, stream: TcpStream, peer: SocketAddr) {
    let _best_effort = stream.set_nodelay(true);
    let Some(tls) = &shared.tls else {
        let (socket, activity) = Watched::new(stream, &shared.limits);
        return talk(shared, socket, activity, peer, false).await;
    };
    if !speaks_tls(&stream, shared.limits.head_timeout).await {
        return hint(stream, shared.limits.head_timeout).await;
    }
    let (socket, activity) = Watched::new(stream, &shared.limits);
    match tls.acceptor().accept(socket).await {
        Ok(socket) => talk(shared, socket, activity, peer, true).await,
        Err(error) => tracing::debug!(%peer, %error, "no handshake"),
    }
}

/// A handshake of TLS begins with the byte 22, no request does.
async fn speaks_tls(stream: &TcpStream, within: Duration) -> bool {
    let mut first = [0];
    match tokio::time::timeout(within, stream.peek(&mut first)).await {
        Ok(Ok(1)) => !first[0].is_ascii_alphabetic(),
        _ => true, // the handshake will find out
    }
}

/// Tells a client that speaks plain HTTP what to do. There is no redirect: its place would be of the client's own choosing.
async fn hint(mut stream: TcpStream, within: Duration) {
    const HINT: &str =
        "This port speaks HTTPS: write https:// in front of the address.\n此端口使用 HTTPS：请在地址前写 https://。\n";
    let length = HINT.len();
    let head = format!(
        "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {length}\r\n\r\n"
    );
    let answer = [head.as_bytes(), HINT.as_bytes()].concat();
    let _gone = tokio::time::timeout(within, async {
        stream.write_all(&answer).await?;
        stream.shutdown().await
    })
    .await;
}

async fn talk<S>(shared: &Arc<Shared>, socket: S, activity: Arc<Activity>, peer: SocketAddr, tls: bool)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let line = Arc::new(Line { shared: shared.clone(), activity, peer, tls });
    let service = hyper::service::service_fn(|request: Request<Incoming>| {
        let busy = line.activity.begin(request.version() == Version::HTTP_2);
        let line = line.clone();
        async move {
            let response: hyper::Response<_> = line.answer(request).await.into();
            Ok::<_, Infallible>(response.map(|body| Watching { body, _busy: busy }))
        }
    });
    let builder = builder(&shared.limits);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(socket), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shared.shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, error, "connection broken off");
    }
}

fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // The socket has deadlines of its own, which tell a slow head from a pause between requests.
    builder.http1().header_read_timeout(None).max_buf_size(limits.head_bytes.max(8192));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(20)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    builder
}

/// What the requests of a connection share.
struct Line {
    shared: Arc<Shared>,
    activity: Arc<Activity>,
    peer: SocketAddr,
    tls: bool,
}

impl Line {
    async fn answer(&self, mut request: Request<Incoming>) -> Response {
        let (shared, peer) = (&self.shared, self.peer.ip().to_canonical());
        let client = shared.proxies.client(peer, request.headers());
        if !shared.is_spared(client.address)
            && let Err(wait) = shared.rate.admit(client.address, Instant::now())
        {
            return too_many(&request, wait);
        }
        if !has_one_host(request.headers(), request.version()) {
            return refusal(&request, StatusCode::BAD_REQUEST, "The request must name one host.");
        }
        name_host(&mut request);
        if shared.proxies.trust(peer) {
            request.extensions_mut().insert(Proxied);
        }
        // What came behind a body of unknown length is not read as another request: a proxy may have seen its end elsewhere.
        let last = request.headers().contains_key(header::TRANSFER_ENCODING);
        let secure = self.tls || client.tls;
        let from = SocketAddr::new(client.address, if client.address == peer { self.peer.port() } else { 0 });
        let scheme = if secure { Scheme::HTTPS } else { Scheme::HTTP };
        let (to, from) = (LocalAddr(Addr::SocketAddr(shared.local)), RemoteAddr(Addr::SocketAddr(from)));
        let request = poem::Request::from((request, to, from, scheme));
        let mut response = shared.endpoint.get_response(request).await;
        if secure {
            response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT);
        }
        if last {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// HTTP/1.1 wants exactly one `Host`; two would let a proxy and this server see different ones.
fn has_one_host(headers: &HeaderMap, version: Version) -> bool {
    let count = headers.get_all(header::HOST).iter().count();
    if version == Version::HTTP_11 { count == 1 } else { count <= 1 }
}

/// HTTP/2 names the host in the address alone; all else looks for the header.
fn name_host<B>(request: &mut Request<B>) {
    let authority = request.uri().authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    if let Some(authority) = authority.filter(|_| !request.headers().contains_key(header::HOST)) {
        request.headers_mut().insert(header::HOST, authority);
    }
}

fn too_many<B>(request: &Request<B>, wait: Duration) -> Response {
    let mut response = refusal(request, StatusCode::TOO_MANY_REQUESTS, "Too many requests from this address; wait a little.");
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
    response
}

/// A refusal before any endpoint: a problem document for the API, a line for people.
fn refusal<B>(request: &Request<B>, status: StatusCode, detail: &str) -> Response {
    let title = status.canonical_reason().unwrap_or_default();
    let slug = title.to_ascii_lowercase().replace(' ', "-");
    let response = Response::builder().status(status).header(header::CACHE_CONTROL, "no-store");
    if request.uri().path().starts_with("/api/") {
        let document = format!(
            "{{\"type\":\"urn:belfry:problem:{slug}\",\"title\":\"{title}\",\"status\":{},\"detail\":\"{detail}\",\"errors\":[]}}",
            status.as_u16()
        );
        return response.content_type("application/problem+json").body(document);
    }
    response.content_type("text/plain; charset=utf-8").body(format!("{detail}\n"))
}

/// A body that keeps its connection busy until it has gone.
struct Watching<B> {
    body: B,
    _busy: Busy,
}

impl<B: Body + Unpin> Body for Watching<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
