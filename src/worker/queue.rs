//! The apalis worker of one queue: started, kept alive and restarted. apalis ends a worker at the first database error; runs in
//! progress are not affected, because each is a tokio task of its own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use apalis_core::error::{BoxDynError, WorkerError};
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::context::WorkerContext;
use apalis_postgres::PostgresStorage;
use apalis_sqlite::SqliteStorage;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use ulid::Ulid;

use super::backend::{ApalisStorage, StoredJob, ThrottledBackend};
use super::executor::{Executor, SlotGuard};
use super::queue_consumer::QueueConsumer;
use super::{WorkerDeps, release_jobs};
use crate::signals::Signals;
use crate::storage::Database;

/// How often a worker sends a heartbeat. apalis gives its jobs to other workers after four missed heartbeats.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// How often a worker polls for jobs that another process queued.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The size of apalis' channel of acknowledgements; also the largest batch.
const BATCH_MAX: usize = 1_000;
/// The delay before a worker is restarted, doubled each time up to the maximum.
const RESTART_DELAY: Duration = Duration::from_millis(100);
const RESTART_DELAY_MAX: Duration = Duration::from_secs(5);
/// A worker that ran this long is restarted after the shortest delay again.
const STABLE: Duration = Duration::from_secs(60);

/// All worker names under which this process fetched jobs; clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct WorkerNames(Arc<Mutex<Vec<String>>>);

impl WorkerNames {
    /// A new unique name: apalis rejects a name that was in use within the heartbeat time.
    fn next(&self, deps: &WorkerDeps, consumer: &QueueConsumer) -> String {
        let name = format!("{}/{}/{}", deps.node.id, consumer.name, Ulid::generate());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(name.clone());
        name
    }

    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Runs the worker of one queue until `shutdown`, restarting it when it ends.
pub(super) async fn serve(
    deps: Arc<WorkerDeps>,
    executor: Arc<Executor>,
    consumer: Arc<QueueConsumer>,
    names: WorkerNames,
    shutdown: CancellationToken,
) {
    let mut delay = RESTART_DELAY;
    // Workers that ended and whose jobs must still be released.
    let mut ended = Vec::new();
    loop {
        let name = names.next(&deps, &consumer);
        let started = Instant::now();
        let ended_with = tokio::select! {
            result = run_worker(&deps, &executor, &consumer, &name) => result,
            () = shutdown.cancelled() => return,
        };
        delay = if started.elapsed() > STABLE { RESTART_DELAY } else { delay };
        let error = ended_with.err().unwrap_or_else(|| "the worker stopped".to_owned());
        if delay == RESTART_DELAY {
            tracing::warn!(queue = consumer.name, error, "worker ended unexpectedly; restarting");
        } else {
            tracing::debug!(queue = consumer.name, error, "worker ended again; restarting");
        }
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = shutdown.cancelled() => return,
        }
        delay = (delay * 2).min(RESTART_DELAY_MAX);
        ended.push(name);
        if release_jobs(&deps, &ended).await.is_ok() {
            ended.clear();
        }
    }
}

/// Runs one worker until it ends.
async fn run_worker(
    deps: &WorkerDeps,
    executor: &Arc<Executor>,
    consumer: &Arc<QueueConsumer>,
    name: &str,
) -> Result<(), String> {
    let context = WorkerContext::new(name);
    match &deps.database {
        Database::Sqlite { writer, .. } => {
            let config = apalis_sqlite::Config::default()
                .queue(&consumer.name)
                .batch_size(BATCH_MAX)
                .heartbeat_interval(HEARTBEAT)
                .missed_heartbeats(4)
                .lock_tasks(false);
            let storage = SqliteStorage::<StoredJob>::new(writer).with_config(config.clone());
            let alive = keep_alive(consumer, || async {
                apalis_sqlite::queries::keep_alive(writer, &config, &context).await.map_err(|e| e.to_string())
            });
            tokio::select! {
                result = consume(ThrottledBackend::new(storage, consumer.clone(), POLL_INTERVAL), executor, consumer, &context) => result,
                result = alive => result,
            }
        }
        Database::Postgres(pool) => {
            let config = apalis_postgres::Config::default()
                .queue(&consumer.name)
                .batch_size(BATCH_MAX)
                .heartbeat_interval(HEARTBEAT)
                .missed_heartbeats(4)
                .lock_tasks(false);
            let storage = PostgresStorage::<StoredJob>::new(pool).with_config(config);
            let alive = keep_alive(consumer, || async {
                let mut connection = pool.acquire().await.map_err(|e| e.to_string())?;
                let kept = apalis_postgres::queries::keep_alive(&mut *connection, &consumer.name, &context).await;
                kept.map_err(|e| e.to_string())
            });
            tokio::select! {
                result = consume(ThrottledBackend::new(storage, consumer.clone(), POLL_INTERVAL / 2), executor, consumer, &context) => result,
                result = alive => result,
            }
        }
    }
}

/// Runs an apalis worker that passes jobs to the executor.
async fn consume<B>(
    backend: ThrottledBackend<B>,
    executor: &Arc<Executor>,
    consumer: &Arc<QueueConsumer>,
    context: &WorkerContext,
) -> Result<(), String>
where
    B: ApalisStorage + Send + Unpin + 'static,
{
    let (executor, consumer) = (executor.clone(), consumer.clone());
    let process_job = move |job: StoredJob| {
        let (executor, slot) = (executor.clone(), SlotGuard(consumer.clone()));
        async move {
            executor.process_job(slot, job).await;
            Ok::<(), BoxDynError>(())
        }
    };
    let worker = WorkerBuilder::new(context).backend(backend).build(process_job);
    let running: BoxFuture<'static, Result<(), WorkerError>> = Box::pin(worker.run());
    running.await.map_err(|error| error.to_string())
}

/// Records a heartbeat twice per heartbeat interval; never returns. (The apalis worker itself does so only while it is polled to
/// its end, which a long batch delays.)
async fn keep_alive<F: Future<Output = Result<(), String>>>(
    consumer: &QueueConsumer,
    beat: impl Fn() -> F,
) -> Result<(), String> {
    loop {
        tokio::time::sleep(HEARTBEAT / 2).await;
        if let Err(error) = beat().await {
            tracing::warn!(queue = consumer.name, error, "failed to record worker heartbeat");
        }
    }
}

/// Forwards each wake-up to the consumers of its queues: the signal itself wakes a single waiter.
pub(super) async fn forward_wakes(signals: Signals, consumers: Vec<Arc<QueueConsumer>>, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            queues = signals.jobs.wait() => {
                consumers.iter().filter(|consumer| queues.contains(&consumer.name)).for_each(|consumer| consumer.wake.notify_one());
            }
            () = shutdown.cancelled() => return,
        }
    }
}
