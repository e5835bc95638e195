//! Stream with timeouts: closes a client's connection when a request head takes too long, when the connection is idle for too
//! long, and when the client does not read the response. While the server prepares a response there is no timeout.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::limits::Limits;

/// Bytes that the client must read within the stall timeout.
const STALL_RESET_BYTES: usize = 16 << 10;

/// The requests of one connection that are being processed; shared by its HTTP layer and its [`TimeoutStream`].
#[derive(Default)]
pub(super) struct InFlight {
    /// Requests whose response is not sent completely.
    active: AtomicUsize,
    /// Requests started since the connection was opened.
    started: AtomicUsize,
    /// Wakes the reader after the last response was sent, so that the keep-alive timeout starts.
    idle_waker: AtomicWaker,
    /// HTTP/2: received bytes do not mean that a request begins.
    multiplexed: AtomicBool,
}

/// A request in flight, until its response body is sent.
pub(super) struct RequestGuard(Arc<InFlight>);

impl InFlight {
    pub fn start_request(self: &Arc<Self>, multiplexed: bool) -> RequestGuard {
        self.active.fetch_add(1, Ordering::AcqRel);
        self.started.fetch_add(1, Ordering::AcqRel);
        if multiplexed {
            self.multiplexed.store(true, Ordering::Release);
        }
        RequestGuard(self.clone())
    }

    fn has_requests(&self) -> bool {
        self.active.load(Ordering::Acquire) > 0
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        if self.0.active.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.idle_waker.wake();
        }
    }
}

/// What the stream waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The rest of a request head, or of a TLS handshake.
    Head,
    /// The next request.
    Idle,
    /// The server's response.
    Response,
}

/// A stream with timeouts.
pub(super) struct TimeoutStream<S> {
    socket: S,
    in_flight: Arc<InFlight>,
    head_timeout: Duration,
    keep_alive: Duration,
    phase: Phase,
    /// [`InFlight::started`] at the last read.
    last_started: usize,
    /// The end of the current phase.
    deadline: Pin<Box<Sleep>>,
    write_stall: WriteStall,
}

impl<S> TimeoutStream<S> {
    pub fn new(socket: S, limits: &Limits) -> (Self, Arc<InFlight>) {
        let in_flight = Arc::new(InFlight::default());
        let stream = Self {
            socket,
            in_flight: in_flight.clone(),
            head_timeout: limits.head_timeout,
            keep_alive: limits.keep_alive,
            phase: Phase::Head,
            last_started: 0,
            deadline: Box::pin(tokio::time::sleep(limits.head_timeout)),
            write_stall: WriteStall { limit: limits.stall_timeout, since: None, sent: 0, deadline: None },
        };
        (stream, in_flight)
    }

    /// Moves to the phase that follows from the requests started and ended since the last read.
    fn update_phase(&mut self, cx: &mut Context<'_>) {
        // Register first: a response that ends between the two steps then wakes the reader.
        self.in_flight.idle_waker.register(cx.waker());
        let started = self.in_flight.started.load(Ordering::Acquire);
        if started != self.last_started {
            self.last_started = started;
            self.set_phase(Phase::Response);
        }
        if self.phase == Phase::Response && !self.in_flight.has_requests() {
            self.set_phase(Phase::Idle);
        }
    }

    fn set_phase(&mut self, phase: Phase) {
        if self.phase == phase {
            return;
        }
        self.phase = phase;
        match phase {
            Phase::Head => self.deadline.as_mut().reset(Instant::now() + self.head_timeout),
            Phase::Idle => self.deadline.as_mut().reset(Instant::now() + self.keep_alive),
            Phase::Response => {}
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimeoutStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.update_phase(cx);
        let before = buf.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut this.socket).poll_read(cx, buf) {
            let request_begins = this.phase == Phase::Idle && !this.in_flight.multiplexed.load(Ordering::Acquire);
            if request_begins && buf.filled().len() > before {
                this.set_phase(Phase::Head);
            }
            return Poll::Ready(read);
        }
        if this.phase != Phase::Response && this.deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(())); // end of stream, as if the client had closed the connection
        }
        Poll::Pending
    }
}

/// Detects a client that does not read the response.
struct WriteStall {
    limit: Duration,
    /// When the send buffer became full; `None` while it is not.
    since: Option<Instant>,
    /// Bytes written since then.
    sent: usize,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl WriteStall {
    /// Observes the result of a write of `length` bytes; an error after the stall timeout.
    fn observe(&mut self, cx: &mut Context<'_>, length: usize, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(count)) => {
                self.sent += count;
                if count == length || self.sent >= STALL_RESET_BYTES {
                    self.since = None;
                }
                Poll::Ready(Ok(count))
            }
            Poll::Pending if self.is_expired(cx) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            other => other,
        }
    }

    fn is_expired(&mut self, cx: &mut Context<'_>) -> bool {
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.limit)));
        if self.since.is_none() {
            let now = Instant::now();
            (self.since, self.sent) = (Some(now), 0);
            deadline.as_mut().reset(now + self.limit);
        }
        deadline.as_mut().poll(cx).is_ready()
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimeoutStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.socket).poll_write(cx, buf);
        this.write_stall.observe(cx, buf.len(), written)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.socket).poll_write_vectored(cx, bufs);
        this.write_stall.observe(cx, bufs.iter().map(|buf| buf.len()).sum(), written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}
