//! The gate between an apalis backend and its worker. It says when jobs are fetched: when somebody woke the lane or a slow
//! interval passed, and only while the lane has room. So the worker itself never fills up, which matters: a full apalis
//! worker polls its backend no more, lets its heartbeat lapse, and its jobs are run a second time by another.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::persistence::TaskPersistLayer;
use apalis_core::backend::{Backend, BackendConfig};
use apalis_core::task::Task;
use apalis_core::worker::context::WorkerContext;
use apalis_postgres::PostgresStorage;
use apalis_sqlite::{JsonCodec, SqliteStorage};
use futures_util::Stream;
use serde_json::Value;

use super::lane::Lane;

/// A job as stored: JSON bytes.
pub(super) type Stored = Vec<u8>;

/// What sends a job's end back to the backend.
type Acknowledge = TaskPersistLayer<JsonCodec<Value>, Value>;

/// A backend whose batches can be resized while it runs.
pub(super) trait Source: Backend<Task = Task<Stored>> + BackendConfig<Layer = Acknowledge> {
    fn with_batch(self, size: usize) -> Self;
}

impl Source for SqliteStorage<Stored> {
    fn with_batch(self, size: usize) -> Self {
        let config = self.config().clone().batch_size(size.max(1));
        self.with_config(config)
    }
}

impl Source for PostgresStorage<Stored> {
    fn with_batch(self, size: usize) -> Self {
        let config = self.config().clone().batch_size(size.max(1));
        self.with_config(config)
    }
}

/// Jobs that are done are acknowledged at most this often, in a burst many at once: each time is a transaction. What is left
/// over is taken along at the next wake-up.
const ACKNOWLEDGE_PAUSE: Duration = Duration::from_millis(50);

/// A backend that fetches when it should.
pub(super) struct Gate<B> {
    /// Always there, but for the moment in which its batch size changes.
    source: Option<B>,
    lane: Arc<Lane>,
    ticks: Pin<Box<dyn Stream<Item = ()> + Send>>,
    open: bool,
    batch: usize,
    /// When the backend was last ready, having done what it had to; `None` while it is at it.
    ready_since: Option<Instant>,
}

impl<B: Source> Gate<B> {
    /// Looks for jobs at least every `interval`.
    pub fn new(source: B, lane: Arc<Lane>, interval: Duration) -> Self {
        let waking = lane.clone();
        let ticks = futures_util::stream::unfold(waking, move |lane| async move {
            let _woken_or_not = tokio::time::timeout(interval, lane.wake.notified()).await;
            Some(((), lane))
        });
        Self { source: Some(source), lane, ticks: Box::pin(ticks), open: false, batch: 0, ready_since: None }
    }

    fn source(&mut self) -> &mut B {
        self.source.as_mut().expect("the backend is put back at once")
    }

    /// Takes all wake-ups there are, which leaves a waker for the next one. (One that is not taken until the stream is
    /// pending would be lost, and the worker would sleep until its heartbeat.)
    fn take_ticks(&mut self, cx: &mut Context<'_>) {
        while self.ticks.as_mut().poll_next(cx).is_ready() {}
    }

    /// Opens the gate if the lane has room. It stays open until a job that came through filled the lane: what the backend is
    /// in the middle of must be polled to its end, for it may hold a connection.
    fn is_open(&mut self) -> bool {
        if !self.open && self.lane.has_room() {
            self.open = true;
            let batch = self.lane.resume();
            if batch != self.batch {
                self.batch = batch;
                self.source = self.source.take().map(|source| source.with_batch(batch));
            }
        }
        self.open
    }
}

impl<B: Source + Unpin> Backend for Gate<B> {
    type Task = Task<Stored>;
    type Error = B::Error;

    fn poll_ready(&mut self, cx: &mut Context<'_>, worker: &WorkerContext) -> Poll<Result<(), Self::Error>> {
        if self.ready_since.is_some_and(|since| since.elapsed() < ACKNOWLEDGE_PAUSE) {
            return Poll::Ready(Ok(()));
        }
        let polled = self.source().poll_ready(cx, worker);
        self.ready_since = matches!(polled, Poll::Ready(Ok(()))).then(Instant::now);
        polled
    }

    fn poll_next(&mut self, cx: &mut Context<'_>, worker: &WorkerContext) -> Poll<Option<Result<Self::Task, Self::Error>>> {
        self.take_ticks(cx);
        if !self.is_open() {
            return Poll::Pending;
        }
        let polled = self.source().poll_next(cx, worker);
        if let Poll::Ready(Some(Ok(_))) = &polled {
            self.lane.hold();
            self.open = self.lane.has_room();
        }
        polled
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, worker: &WorkerContext) -> Poll<Result<(), Self::Error>> {
        self.source().poll_close(cx, worker)
    }
}

impl<B: Source> BackendConfig for Gate<B> {
    type Args = Stored;
    type Id = B::Id;
    /// Jobs are read by the executor, so that one that does not read ends that job, not the worker.
    type Kind = Ephemeral;
    type Config = B::Config;
    type Layer = B::Layer;

    fn config(&self) -> &Self::Config {
        self.source.as_ref().expect("the backend is put back at once").config()
    }

    fn middleware(&mut self, worker: &mut WorkerContext) -> Self::Layer {
        self.source().middleware(worker)
    }
}
