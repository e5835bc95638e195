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

use super::backend::{ApalisStorage, ThrottledBackend};
use super::{JobHandler, QueueConsumer, SlotGuard, StoredJob, jobs};
use crate::signals::Signals;
use crate::storage::{self, Database};

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

/// How long the release of jobs may take.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(10);

/// What the workers of the queues need.
#[derive(Clone)]
pub struct QueueDeps {
    pub database: Database,
    pub node_id: String,
}

/// All worker names under which this process fetched jobs; clones share them.
#[derive(Debug, Clone, Default)]
pub struct WorkerNames(Arc<Mutex<Vec<String>>>);

impl WorkerNames {
    /// A new unique name: apalis rejects a name that was in use within the heartbeat time.
    fn next(&self, node_id: &str, consumer: &QueueConsumer) -> String {
        let name = format!("{}/{}/{}", node_id, consumer.name, Ulid::generate());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(name.clone());
        name
    }

    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Runs the worker of one queue until `shutdown`, restarting it when it ends.
pub async fn serve(
    deps: QueueDeps,
    handler: Arc<impl JobHandler>,
    consumer: Arc<QueueConsumer>,
    names: WorkerNames,
    shutdown: CancellationToken,
) {
    let mut delay = RESTART_DELAY;
    // Workers that ended and whose jobs must still be released.
    let mut ended = Vec::new();
    loop {
        let name = names.next(&deps.node_id, &consumer);
        let started = Instant::now();
        let ended_with = tokio::select! {
            result = run_worker(&deps.database, &handler, &consumer, &name) => result,
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
        if release_jobs(&deps.database, &ended).await.is_ok() {
            ended.clear();
        }
    }
}

/// Runs one worker until it ends.
async fn run_worker(
    database: &Database,
    handler: &Arc<impl JobHandler>,
    consumer: &Arc<QueueConsumer>,
    name: &str,
) -> Result<(), String> {
    let context = WorkerContext::new(name);
    match database {
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
                result = consume(ThrottledBackend::new(storage, consumer.clone(), POLL_INTERVAL), handler, consumer, &context) => result,
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
                result = consume(ThrottledBackend::new(storage, consumer.clone(), POLL_INTERVAL / 2), handler, consumer, &context) => result,
                result = alive => result,
            }
        }
    }
}

/// Runs an apalis worker that passes jobs to the handler.
async fn consume<B, H>(
    backend: ThrottledBackend<B>,
    handler: &Arc<H>,
    consumer: &Arc<QueueConsumer>,
    context: &WorkerContext,
) -> Result<(), String>
where
    B: ApalisStorage + Send + Unpin + 'static,
    H: JobHandler,
{
    let (handler, consumer) = (handler.clone(), consumer.clone());
    let process_job = move |job: StoredJob| {
        let (handler, slot) = (handler.clone(), SlotGuard(consumer.clone()));
        async move {
            handler.process_job(slot, job).await;
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

/// Releases the jobs fetched by these workers to the queue. Releasing a job that has started is harmless: the next claim for
/// it is rejected.
pub async fn release_jobs(database: &Database, names: &[String]) -> Result<(), String> {
    if names.is_empty() {
        return Ok(());
    }
    let release = async {
        let mut tx = database.write().await?;
        let count = jobs::release_jobs(&mut tx, names).await?;
        tx.commit().await?;
        Ok::<u64, storage::Error>(count)
    };
    match tokio::time::timeout(RELEASE_TIMEOUT, release).await {
        Ok(Ok(0)) => Ok(()),
        Ok(Ok(count)) => {
            tracing::info!(count, "released jobs to the queue");
            Ok(())
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the database did not answer in time".to_owned()),
    }
}

/// Forwards each wake-up to the consumers of its queues: the signal itself wakes a single waiter.
pub async fn forward_wakes(signals: Signals, consumers: Vec<Arc<QueueConsumer>>, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            queues = signals.jobs.wait() => {
                consumers.iter().filter(|consumer| queues.contains(&consumer.name)).for_each(|consumer| consumer.wake.notify_one());
            }
            () = shutdown.cancelled() => return,
        }
    }
}
