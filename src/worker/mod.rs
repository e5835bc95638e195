//! The workers: they take jobs from the queue, run them, and have what came of it recorded.
//!
//! ```text
//! apalis worker ─▶ gate ─▶ executor: permit → resolve → claim → run → settle ─▶ recorder (one transaction for many runs)
//! ```
//!
//! apalis carries a job here; everything else is ours: how many run at once (`lane`), time limits, cancellation and retries
//! (`executor`), and the record (`recorder`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::SharedClock;
use crate::domain::node::NodeIdentity;
use crate::domain::policy::DEFAULT_QUEUE;
use crate::events::EventBus;
use crate::signals::Signals;
use crate::storage::{self, Database};
use crate::tasks::registry::Registry;
use crate::vault::Vault;
use crate::worker::cancel::Cancels;

pub mod cancel;
mod executor;
mod gate;
mod group;
mod lane;
mod outcome;
mod queue;
mod recorder;
mod report;
mod resolve;
mod upkeep;

use executor::Executor;
use lane::Lane;
use recorder::Recorder;

/// How much runs at once, and how a stop goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerConfig {
    /// Runs at once in this process, all queues together, from 1.
    pub limit: usize,
    /// The named queues served here.
    pub queues: Vec<QueueConfig>,
    /// Bytes of output kept of one attempt.
    pub output_limit: usize,
    /// How long a stop waits for runs to end by themselves; then they are cut off and recorded as interrupted.
    pub shutdown_timeout: Duration,
}

/// A named queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueConfig {
    pub name: String,
    /// Runs at once in this process from this queue, from 1.
    pub limit: usize,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        let queue = |name: &str, limit| QueueConfig { name: name.to_owned(), limit };
        Self {
            limit: 64,
            queues: vec![queue(DEFAULT_QUEUE, 64), queue("slow", 16)],
            output_limit: 1024 * 1024,
            shutdown_timeout: Duration::from_secs(30),
        }
    }
}

/// What the workers need.
pub struct Parts {
    pub database: Database,
    pub registry: Arc<Registry>,
    pub clock: SharedClock,
    pub events: EventBus,
    pub signals: Signals,
    pub cancels: Cancels,
    pub node: NodeIdentity,
    pub vault: Arc<Vault>,
    /// For templates in parameters of tasks whose trigger names no zone.
    pub zone: Tz,
    /// What templates in parameters may read of the server's environment.
    pub environment: Arc<BTreeMap<String, String>>,
    pub config: WorkerConfig,
}

/// The service that runs jobs.
pub struct Workers(Parts);

/// After runs were cut off at a stop, or the recorder was told to end: how long they may take to obey.
const LAST_WAIT: Duration = Duration::from_secs(10);

impl Workers {
    pub fn new(parts: Parts) -> Self {
        Self(parts)
    }

    /// Runs jobs until `shutdown`, then lets running ones end ([`WorkerConfig::shutdown_timeout`]), cuts off the others and
    /// gives back what had not begun.
    pub async fn run(self, shutdown: CancellationToken) {
        let parts = Arc::new(self.0);
        let (recorder, recording) = Recorder::start(&parts);
        let executor = Arc::new(Executor::new(&parts, recorder.clone(), shutdown.clone()));
        let lanes: Vec<_> = parts.config.queues.iter().map(|queue| Arc::new(Lane::new(queue))).collect();
        let names = queue::WorkerNames::default();

        let mut services = JoinSet::new();
        for lane in &lanes {
            services.spawn(queue::serve(parts.clone(), executor.clone(), lane.clone(), names.clone(), shutdown.clone()));
        }
        services.spawn(queue::forward_wakes(parts.signals.clone(), lanes.clone(), shutdown.clone()));
        services.spawn(upkeep::run(parts.clone(), shutdown.clone()));
        while services.join_next().await.is_some() {}

        // What did not begin can run elsewhere at once; whoever fails to give it back now tries again at the end.
        let _tried_again_below = put_back(&parts, &names.all()).await;
        drain(&executor.runs, &executor.cut, parts.config.shutdown_timeout).await;
        recorder.close();
        if tokio::time::timeout(LAST_WAIT, recording).await.is_err() {
            tracing::error!("the database did not take the last results; their runs will be recorded as interrupted");
        }
        if let Err(error) = put_back(&parts, &names.all()).await {
            tracing::warn!(error, "jobs were not given back to the queue; they are rescued later");
        }
    }
}

/// Waits for the runs to end; after `patience` cuts them off.
async fn drain(runs: &TaskTracker, cut: &CancellationToken, patience: Duration) {
    runs.close();
    if tokio::time::timeout(patience, runs.wait()).await.is_ok() {
        return;
    }
    tracing::warn!(runs = runs.len(), "runs are cut off: they did not end in time for the stop");
    cut.cancel();
    if tokio::time::timeout(LAST_WAIT, runs.wait()).await.is_err() {
        tracing::error!(runs = runs.len(), "runs are given up: they did not end when cut off");
    }
}

/// Gives jobs fetched by these workers back to the queue. What did begin is refused to whoever takes it next, so that giving
/// back too much does no harm.
async fn put_back(parts: &Parts, names: &[String]) -> Result<(), String> {
    if names.is_empty() {
        return Ok(());
    }
    let done = async {
        let mut tx = parts.database.write().await?;
        let count = storage::queue::put_back(&mut tx, names).await?;
        tx.commit().await?;
        Ok::<u64, storage::Error>(count)
    };
    match tokio::time::timeout(LAST_WAIT, done).await {
        Ok(Ok(0)) => Ok(()),
        Ok(Ok(count)) => {
            tracing::info!(count, "jobs given back to the queue");
            Ok(())
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the database did not answer in time".to_owned()),
    }
}
