//! One queue's apalis worker: started, kept alive, and started anew when it ended. apalis ends a worker at the first fault of
//! its database; runs that go on meanwhile are not touched by that, for they are tasks of their own.

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

use super::executor::{Executor, Held};
use super::gate::{Gate, Source, Stored};
use super::lane::Lane;
use super::{Parts, put_back};
use crate::signals::Signals;
use crate::storage::Database;

/// How often a worker says that it lives; apalis gives its jobs to others after a few of these.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// How often a worker looks for jobs when nobody wakes it: for those that another process queued.
const LOOK: Duration = Duration::from_secs(1);
/// The size of apalis' channel of acknowledgements; also the largest batch.
const BATCH_MAX: usize = 1_000;
/// The wait before an ended worker is started anew, doubled each time up to the longest.
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// A worker that lived this long starts over with the shortest wait.
const STABLE: Duration = Duration::from_secs(60);

/// Every name under which this process fetched jobs; clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct WorkerNames(Arc<Mutex<Vec<String>>>);

impl WorkerNames {
    /// A name never used before: apalis refuses one that was in use within the heartbeat time.
    fn next(&self, parts: &Parts, lane: &Lane) -> String {
        let name = format!("{}/{}/{}", parts.node.id, lane.name, Ulid::generate());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(name.clone());
        name
    }

    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Serves one queue until `shutdown`.
pub(super) async fn serve(
    parts: Arc<Parts>,
    executor: Arc<Executor>,
    lane: Arc<Lane>,
    names: WorkerNames,
    shutdown: CancellationToken,
) {
    let mut pause = PAUSE;
    // Workers that ended, whose jobs are still to be given back.
    let mut ended = Vec::new();
    loop {
        let name = names.next(&parts, &lane);
        let started = Instant::now();
        let worked = tokio::select! {
            worked = work(&parts, &executor, &lane, &name) => worked,
            () = shutdown.cancelled() => return,
        };
        pause = if started.elapsed() > STABLE { PAUSE } else { pause };
        let error = worked.err().unwrap_or_else(|| "it stopped".to_owned());
        if pause == PAUSE {
            tracing::warn!(queue = lane.name, error, "a worker ended; the next one starts soon");
        } else {
            tracing::debug!(queue = lane.name, error, "a worker ended again");
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shutdown.cancelled() => return,
        }
        pause = (pause * 2).min(PAUSE_MAX);
        ended.push(name);
        if put_back(&parts, &ended).await.is_ok() {
            ended.clear();
        }
    }
}

/// One worker's life.
async fn work(parts: &Parts, executor: &Arc<Executor>, lane: &Arc<Lane>, name: &str) -> Result<(), String> {
    let context = WorkerContext::new(name);
    match &parts.database {
        Database::Sqlite { writer, .. } => {
            let config = apalis_sqlite::Config::default()
                .queue(&lane.name)
                .batch_size(BATCH_MAX)
                .heartbeat_interval(HEARTBEAT)
                .missed_heartbeats(4)
                .lock_tasks(false);
            let source = SqliteStorage::<Stored>::new(writer).with_config(config.clone());
            let alive = keep_alive(lane, || async {
                apalis_sqlite::queries::keep_alive(writer, &config, &context).await.map_err(|e| e.to_string())
            });
            tokio::select! {
                worked = consume(Gate::new(source, lane.clone(), LOOK), executor, lane, &context) => worked,
                never = alive => never,
            }
        }
        Database::Postgres(pool) => {
            let config = apalis_postgres::Config::default()
                .queue(&lane.name)
                .batch_size(BATCH_MAX)
                .heartbeat_interval(HEARTBEAT)
                .missed_heartbeats(4)
                .lock_tasks(false);
            let source = PostgresStorage::<Stored>::new(pool).with_config(config);
            let alive = keep_alive(lane, || async {
                let mut connection = pool.acquire().await.map_err(|e| e.to_string())?;
                let kept = apalis_postgres::queries::keep_alive(&mut *connection, &lane.name, &context).await;
                kept.map_err(|e| e.to_string())
            });
            tokio::select! {
                worked = consume(Gate::new(source, lane.clone(), LOOK / 2), executor, lane, &context) => worked,
                never = alive => never,
            }
        }
    }
}

/// Lets apalis bring jobs to the executor.
async fn consume<B>(gate: Gate<B>, executor: &Arc<Executor>, lane: &Arc<Lane>, context: &WorkerContext) -> Result<(), String>
where
    B: Source + Send + Unpin + 'static,
{
    let (executor, lane) = (executor.clone(), lane.clone());
    let carry = move |job: Stored| {
        let (executor, held) = (executor.clone(), Held(lane.clone()));
        async move {
            executor.carry(held, job).await;
            Ok::<(), BoxDynError>(())
        }
    };
    let worker = WorkerBuilder::new(context).backend(gate).build(carry);
    let running: BoxFuture<'static, Result<(), WorkerError>> = Box::pin(worker.run());
    running.await.map_err(|error| error.to_string())
}

/// Tells the database twice per heartbeat that the worker lives. (The worker itself says it only while it is polled to its
/// end, which a long batch can hold up.)
async fn keep_alive<F: Future<Output = Result<(), String>>>(lane: &Lane, beat: impl Fn() -> F) -> Result<(), String> {
    loop {
        tokio::time::sleep(HEARTBEAT / 2).await;
        if let Err(error) = beat().await {
            tracing::warn!(queue = lane.name, error, "a worker's heartbeat was not recorded");
        }
    }
}

/// Hands each wake-up on to every lane: the signal itself wakes a single waiter.
pub(super) async fn forward_wakes(signals: Signals, lanes: Vec<Arc<Lane>>, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            queues = signals.jobs.wait() => {
                lanes.iter().filter(|lane| queues.contains(&lane.name)).for_each(|lane| lane.wake.notify_one());
            }
            () = shutdown.cancelled() => return,
        }
    }
}
