//! An apalis backend that fetches jobs only when the queue was woken or a poll interval has passed, and only while its consumer
//! has free slots. The apalis worker therefore never fills up. A full worker would stop polling its backend and miss its
//! heartbeats, and another worker would run its jobs a second time.

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

use super::StoredJob;
use super::consumer::QueueConsumer;

/// The layer that acknowledges finished jobs to the backend.
type Acknowledge = TaskPersistLayer<JsonCodec<Value>, Value>;

/// A storage of apalis whose batch size can change while it runs.
pub(super) trait ApalisStorage: Backend<Task = Task<StoredJob>> + BackendConfig<Layer = Acknowledge> {
    fn with_batch(self, size: usize) -> Self;
}

impl ApalisStorage for SqliteStorage<StoredJob> {
    fn with_batch(self, size: usize) -> Self {
        let config = self.config().clone().batch_size(size.max(1));
        self.with_config(config)
    }
}

impl ApalisStorage for PostgresStorage<StoredJob> {
    fn with_batch(self, size: usize) -> Self {
        let config = self.config().clone().batch_size(size.max(1));
        self.with_config(config)
    }
}

/// Finished jobs are acknowledged at most this often, many in one transaction. The rest follows at the next wake-up.
const ACKNOWLEDGE_INTERVAL: Duration = Duration::from_millis(50);

/// A backend that fetches only when its consumer has free slots.
pub(super) struct ThrottledBackend<B> {
    /// `None` only while its batch size changes.
    storage: Option<B>,
    consumer: Arc<QueueConsumer>,
    ticks: Pin<Box<dyn Stream<Item = ()> + Send>>,
    open: bool,
    batch: usize,
    /// When the storage was last ready; `None` while it is working.
    ready_since: Option<Instant>,
}

impl<B: ApalisStorage> ThrottledBackend<B> {
    /// A backend that polls for jobs at least every `interval`.
    pub fn new(storage: B, consumer: Arc<QueueConsumer>, interval: Duration) -> Self {
        let waking = consumer.clone();
        let ticks = futures_util::stream::unfold(waking, move |consumer| async move {
            let _ = tokio::time::timeout(interval, consumer.wake.notified()).await; // poll in either case
            Some(((), consumer))
        });
        Self { storage: Some(storage), consumer, ticks: Box::pin(ticks), open: false, batch: 0, ready_since: None }
    }

    fn storage(&mut self) -> &mut B {
        self.storage.as_mut().expect("the storage is replaced synchronously")
    }

    /// Drains all pending wake-ups until the stream is pending and has registered its waker. Otherwise the next wake-up would
    /// be lost and the worker would sleep until its heartbeat.
    fn take_ticks(&mut self, cx: &mut Context<'_>) {
        while self.ticks.as_mut().poll_next(cx).is_ready() {}
    }

    /// Whether jobs may be fetched. Once true, it stays true until a fetched job takes the last slot: a fetch in progress must be
    /// polled to its end, because it may hold a connection.
    fn is_open(&mut self) -> bool {
        if !self.open && self.consumer.has_room() {
            self.open = true;
            let batch = self.consumer.resume();
            if batch != self.batch {
                self.batch = batch;
                self.storage = self.storage.take().map(|storage| storage.with_batch(batch));
            }
        }
        self.open
    }
}

impl<B: ApalisStorage + Unpin> Backend for ThrottledBackend<B> {
    type Task = Task<StoredJob>;
    type Error = B::Error;

    fn poll_ready(&mut self, cx: &mut Context<'_>, worker: &WorkerContext) -> Poll<Result<(), Self::Error>> {
        if self.ready_since.is_some_and(|since| since.elapsed() < ACKNOWLEDGE_INTERVAL) {
            return Poll::Ready(Ok(()));
        }
        let polled = self.storage().poll_ready(cx, worker);
        self.ready_since = matches!(polled, Poll::Ready(Ok(()))).then(Instant::now);
        polled
    }

    fn poll_next(&mut self, cx: &mut Context<'_>, worker: &WorkerContext) -> Poll<Option<Result<Self::Task, Self::Error>>> {
        self.take_ticks(cx);
        if !self.is_open() {
            return Poll::Pending;
        }
        let polled = self.storage().poll_next(cx, worker);
        if let Poll::Ready(Some(Ok(_))) = &polled {
            self.consumer.acquire();
            self.open = self.consumer.has_room();
        }
        polled
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, worker: &WorkerContext) -> Poll<Result<(), Self::Error>> {
        self.storage().poll_close(cx, worker)
    }
}

impl<B: ApalisStorage> BackendConfig for ThrottledBackend<B> {
    type Args = StoredJob;
    type Id = B::Id;
    /// The executor deserializes jobs, so that an invalid payload fails that job and not the worker.
    type Kind = Ephemeral;
    type Config = B::Config;
    type Layer = B::Layer;

    fn config(&self) -> &Self::Config {
        self.storage.as_ref().expect("the storage is replaced synchronously").config()
    }

    fn middleware(&mut self, worker: &mut WorkerContext) -> Self::Layer {
        self.storage().middleware(worker)
    }
}
