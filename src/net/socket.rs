//! A client's socket that closes by itself: when the head of a request is long in coming, when nothing is asked for a while,
//! and when an answer is not taken. While a request is being answered it may be quiet for as long as that takes.

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

/// What must be taken of an answer within the time of a stall, in bytes.
const TAKEN: usize = 16 << 10;

/// What a connection's requests tell its socket.
#[derive(Default)]
pub(super) struct Activity {
    /// Requests being answered.
    busy: AtomicUsize,
    /// Requests that began, ever.
    begun: AtomicUsize,
    /// Waits for the last answer to go: whoever reads must then count the pause.
    at_rest: AtomicWaker,
    /// It speaks HTTP/2, where reading does not mean that a request begins.
    multiplexed: AtomicBool,
}

/// A request that is being answered, until its answer's body has gone.
pub(super) struct Busy(Arc<Activity>);

impl Activity {
    pub fn begin(self: &Arc<Self>, multiplexed: bool) -> Busy {
        self.busy.fetch_add(1, Ordering::AcqRel);
        self.begun.fetch_add(1, Ordering::AcqRel);
        if multiplexed {
            self.multiplexed.store(true, Ordering::Release);
        }
        Busy(self.clone())
    }

    fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire) > 0
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if self.0.busy.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.at_rest.wake();
        }
    }
}

/// What the socket waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The rest of a head, or of a handshake.
    Head,
    /// Another request.
    Idle,
    /// The server's own answer.
    Answer,
}

/// A socket with deadlines.
pub(super) struct Watched<S> {
    socket: S,
    activity: Arc<Activity>,
    head_timeout: Duration,
    keep_alive: Duration,
    phase: Phase,
    /// Requests that had begun when it last looked.
    seen: usize,
    /// The end of the phase.
    deadline: Pin<Box<Sleep>>,
    stall: Stall,
}

impl<S> Watched<S> {
    pub fn new(socket: S, limits: &Limits) -> (Self, Arc<Activity>) {
        let activity = Arc::new(Activity::default());
        let watched = Self {
            socket,
            activity: activity.clone(),
            head_timeout: limits.head_timeout,
            keep_alive: limits.keep_alive,
            phase: Phase::Head,
            seen: 0,
            deadline: Box::pin(tokio::time::sleep(limits.head_timeout)),
            stall: Stall { limit: limits.stall_timeout, since: None, taken: 0, deadline: None },
        };
        (watched, activity)
    }

    /// Enters the phase that the requests have brought about.
    fn follow(&mut self, cx: &mut Context<'_>) {
        // In this order: the end of an answer that falls in between wakes the reader.
        self.activity.at_rest.register(cx.waker());
        let begun = self.activity.begun.load(Ordering::Acquire);
        if begun != self.seen {
            self.seen = begun;
            self.enter(Phase::Answer);
        }
        if self.phase == Phase::Answer && !self.activity.is_busy() {
            self.enter(Phase::Idle);
        }
    }

    fn enter(&mut self, phase: Phase) {
        if self.phase == phase {
            return;
        }
        self.phase = phase;
        match phase {
            Phase::Head => self.deadline.as_mut().reset(Instant::now() + self.head_timeout),
            Phase::Idle => self.deadline.as_mut().reset(Instant::now() + self.keep_alive),
            Phase::Answer => {}
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.follow(cx);
        let before = buf.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut this.socket).poll_read(cx, buf) {
            let begins = this.phase == Phase::Idle && !this.activity.multiplexed.load(Ordering::Acquire);
            if begins && buf.filled().len() > before {
                this.enter(Phase::Head);
            }
            return Poll::Ready(read);
        }
        if this.phase != Phase::Answer && this.deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(())); // as if the client had closed it
        }
        Poll::Pending
    }
}

/// An answer that is not taken.
struct Stall {
    limit: Duration,
    /// Since when the socket is full; `None` while it is not.
    since: Option<Instant>,
    /// Bytes taken since then.
    taken: usize,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Stall {
    /// Looks at what became of a write of `length` bytes.
    fn judge(&mut self, cx: &mut Context<'_>, length: usize, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(count)) => {
                self.taken += count;
                if count == length || self.taken >= TAKEN {
                    self.since = None;
                }
                Poll::Ready(Ok(count))
            }
            Poll::Pending if self.is_over(cx) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            other => other,
        }
    }

    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.limit)));
        if self.since.is_none() {
            let now = Instant::now();
            (self.since, self.taken) = (Some(now), 0);
            deadline.as_mut().reset(now + self.limit);
        }
        deadline.as_mut().poll(cx).is_ready()
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.socket).poll_write(cx, buf);
        this.stall.judge(cx, buf.len(), written)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.socket).poll_write_vectored(cx, bufs);
        this.stall.judge(cx, bufs.iter().map(|buf| buf.len()).sum(), written)
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
