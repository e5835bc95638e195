//! One connection: TLS handshake and HTTP requests.

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
use poem::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Version, header};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Endpoint, Response};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::ServerState;
use super::limits::Limits;
use super::local_request::ViaTrustedProxy;
use super::timeout_stream::{InFlight, RequestGuard, TimeoutStream};

/// Concurrent streams of one HTTP/2 connection.
const MAX_STREAMS: u32 = 100;
/// The interval of HTTP/2 pings to a silent client, and the time it has to answer one.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// HSTS for a year.
const STRICT_TRANSPORT: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Serves a connection until it closes.
pub(super) async fn serve(shared: &Arc<ServerState>, stream: TcpStream, peer: SocketAddr) {
    let _ = stream.set_nodelay(true); // only an optimisation
    let Some(tls) = &shared.tls else {
        let (socket, in_flight) = TimeoutStream::new(stream, &shared.limits);
        return serve_http(shared, socket, in_flight, peer, false).await;
    };
    if !is_tls(&stream, shared.limits.head_timeout).await {
        return reject_plain_http(stream, shared.limits.head_timeout).await;
    }
    let (socket, in_flight) = TimeoutStream::new(stream, &shared.limits);
    match tls.acceptor().accept(socket).await {
        Ok(socket) => serve_http(shared, socket, in_flight, peer, true).await,
        Err(error) => tracing::debug!(%peer, %error, "TLS handshake failed"),
    }
}

/// Whether the client speaks TLS: a handshake begins with the byte 22, an HTTP request with a letter.
async fn is_tls(stream: &TcpStream, within: Duration) -> bool {
    let mut first = [0];
    match tokio::time::timeout(within, stream.peek(&mut first)).await {
        Ok(Ok(1)) => !first[0].is_ascii_alphabetic(),
        _ => true, // the handshake reports what is wrong
    }
}

/// Answers a plain HTTP request on the TLS port with 400 and a hint. It does not redirect, because the target would come from the
/// client's own `Host` header.
async fn reject_plain_http(mut stream: TcpStream, within: Duration) {
    const MESSAGE: &str =
        "This port speaks HTTPS: write https:// in front of the address.\n此端口使用 HTTPS：请在地址前写 https://。\n";
    let length = MESSAGE.len();
    let head = format!(
        "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {length}\r\n\r\n"
    );
    let response = [head.as_bytes(), MESSAGE.as_bytes()].concat();
    let answered = async {
        stream.write_all(&response).await?;
        stream.shutdown().await
    };
    let _ = tokio::time::timeout(within, answered).await; // the client may be gone already
}

async fn serve_http<S>(shared: &Arc<ServerState>, socket: S, in_flight: Arc<InFlight>, peer: SocketAddr, tls: bool)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let context = Arc::new(ConnectionContext { shared: shared.clone(), in_flight, peer, tls });
    let service = hyper::service::service_fn(|mut request: Request<Incoming>| {
        let guard = context.in_flight.start_request(request.version() == Version::HTTP_2);
        let context = context.clone();
        async move {
            let is_head = request.method() == Method::HEAD;
            if is_head {
                *request.method_mut() = Method::GET;
            }
            let mut response: hyper::Response<_> = context.respond(request).await.into();
            if is_head {
                declare_length(&mut response);
            }
            Ok::<_, Infallible>(response.map(|body| GuardedBody { body: (!is_head).then_some(body), _guard: guard }))
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
        tracing::debug!(%peer, error, "connection ended with an error");
    }
}

fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // `TimeoutStream` has its own deadlines, which distinguish a slow head from an idle connection.
    builder.http1().header_read_timeout(None).max_buf_size(limits.head_bytes.max(8192));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(20)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_INTERVAL);
    builder
}

/// State shared by the requests of one connection.
struct ConnectionContext {
    shared: Arc<ServerState>,
    in_flight: Arc<InFlight>,
    peer: SocketAddr,
    tls: bool,
}

impl ConnectionContext {
    async fn respond(&self, mut request: Request<Incoming>) -> Response {
        let (shared, peer) = (&self.shared, self.peer.ip().to_canonical());
        let client = shared.proxies.client(peer, request.headers());
        if !shared.is_exempt(client.address)
            && let Err(wait) = shared.rate_limiter.admit(client.address, Instant::now())
        {
            return rate_limited(&request, wait);
        }
        if !has_one_host(request.headers(), request.version()) {
            return error_response(&request, StatusCode::BAD_REQUEST, "The request must have exactly one Host header.");
        }
        set_host_header(&mut request);
        if shared.proxies.is_trusted(peer) {
            request.extensions_mut().insert(ViaTrustedProxy);
        }
        // Request smuggling: after a chunked body the connection is closed, because a proxy may have seen another end of the body.
        let close = request.headers().contains_key(header::TRANSFER_ENCODING);
        let secure = self.tls || client.tls;
        let from = SocketAddr::new(client.address, if client.address == peer { self.peer.port() } else { 0 });
        let scheme = if secure { Scheme::HTTPS } else { Scheme::HTTP };
        let (to, from) = (LocalAddr(Addr::SocketAddr(shared.local)), RemoteAddr(Addr::SocketAddr(from)));
        let request = poem::Request::from((request, to, from, scheme));
        let mut response = shared.endpoint.get_response(request).await;
        if secure {
            response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT);
        }
        if close {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// Whether the number of `Host` headers is valid: HTTP/1.1 requires exactly one; with two, a proxy and this server could use
/// different ones.
fn has_one_host(headers: &HeaderMap, version: Version) -> bool {
    let count = headers.get_all(header::HOST).iter().count();
    if version == Version::HTTP_11 { count == 1 } else { count <= 1 }
}

/// Sets `Host` from the `:authority` of an HTTP/2 request, because the endpoints read the header.
fn set_host_header<B>(request: &mut Request<B>) {
    let authority = request.uri().authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    if let Some(authority) = authority.filter(|_| !request.headers().contains_key(header::HOST)) {
        request.headers_mut().insert(header::HOST, authority);
    }
}

fn rate_limited<B>(request: &Request<B>, wait: Duration) -> Response {
    let mut response =
        error_response(request, StatusCode::TOO_MANY_REQUESTS, "Too many requests from this address; try again later.");
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
    response
}

/// An error response of the server itself: a problem document for API paths, plain text otherwise.
fn error_response<B>(request: &Request<B>, status: StatusCode, detail: &str) -> Response {
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

/// Sets `Content-Length` to the length of the body, if it is known: a response to `HEAD` has the headers of `GET`.
fn declare_length<B: Body>(response: &mut hyper::Response<B>) {
    let has_length = !matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if let Some(length) = response.body().size_hint().exact().filter(|_| has_length) {
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
}

/// A response body that holds the request guard of its connection until it is sent.
struct GuardedBody<B> {
    /// `None`: the response to `HEAD`.
    body: Option<B>,
    _guard: RequestGuard,
}

impl<B: Body + Unpin> Body for GuardedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        match &mut self.get_mut().body {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
