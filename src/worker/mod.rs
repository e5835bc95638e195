//! The workers: take jobs from the queue, run them and record their results.
//!
//! ```text
//! queue ─▶ executor: resolve → run ─▶ recorder (one transaction for many runs) ─▶ free slots ─▶ queue
//! ```
//!
//! The room `queue` delivers the executions that this node holds. This module adds time limits, cancellation and retries
//! (`executor`), and the record (`recorder`), which also hands out what waits (`feeder`).

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
use crate::queue::QueueConfig;
use crate::queue::worker::serve;
use crate::signals::Signals;
use crate::signals::slots::WorkerSlots;
use crate::storage::{self, Database, execution};
use crate::tasks::registry::Registry;
use crate::vault::Vault;
use crate::worker::cancel::CancelRegistry;

mod batch;
pub mod cancel;
pub mod draft;
mod executor;
mod feeder;
mod isolate;
mod outcome;
mod recorder;
mod remote_requests;
mod report;
mod resolve;
mod run_inputs;
mod run_mask;

use executor::Executor;
use recorder::Recorder;

/// The limits of the workers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerConfig {
    /// Concurrent runs in this process over all queues, at least 1.
    pub limit: usize,
    /// The named queues of this process.
    pub queues: Vec<QueueConfig>,
    /// Bytes of output kept per attempt.
    pub output_limit: usize,
    /// How long a shutdown waits for running executions; then they are stopped and recorded as interrupted.
    pub shutdown_timeout: Duration,
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

/// The dependencies of the workers.
pub struct WorkerDeps {
    pub database: Database,
    pub registry: Arc<Registry>,
    pub clock: SharedClock,
    pub events: EventBus,
    pub signals: Signals,
    pub cancels: CancelRegistry,
    pub node: NodeIdentity,
    pub vault: Arc<Vault>,
    /// The time zone of templates in tasks whose trigger names none.
    pub zone: Tz,
    /// The environment variables that templates in parameters may read.
    pub environment: Arc<BTreeMap<String, String>>,
    pub config: WorkerConfig,
}

/// The background service that runs jobs.
pub struct Workers(WorkerDeps);

/// How long stopped runs, the recorder and the release of executions may each take at a shutdown.
const FINAL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the recorder may take when it has already had that time: the database probably takes no writes.
const LAST_WRITE_TIMEOUT: Duration = Duration::from_secs(1);

impl Workers {
    pub fn new(deps: WorkerDeps) -> Self {
        Self(deps)
    }

    /// Runs jobs until `shutdown`. Then waits for running jobs up to [`WorkerConfig::shutdown_timeout`], stops the rest, and
    /// releases executions that had not begun.
    pub async fn run(self, shutdown: CancellationToken) {
        let deps = Arc::new(self.0);
        let queues = deps.config.queues.iter().map(|queue| (queue.name.clone(), queue.limit));
        let slots = Arc::new(WorkerSlots::new(deps.node.clone(), deps.config.limit, queues));
        feeder::apply_settings(&deps, &slots, &shutdown).await;
        let (recorder, recording) = Recorder::start(&deps, &slots);
        let executor = Arc::new(Executor::new(&deps, recorder.clone(), slots.clone(), shutdown.clone()));
        deps.signals.jobs.open(&slots);

        let mut services = JoinSet::new();
        for queue in slots.queues() {
            services.spawn(serve(executor.clone(), queue.clone(), deps.clock.clone(), shutdown.clone()));
        }
        services.spawn(feeder::run(deps.clone(), slots.clone(), recorder.clone(), shutdown.clone()));
        services.spawn(remote_requests::run(deps.clone(), shutdown.clone()));
        while services.join_next().await.is_some() {}

        // Executions that have not begun can begin on other nodes at once.
        slots.close();
        slots.queues().for_each(|queue| queue.clear());
        let _ = release(&deps, &slots).await; // retried below
        let drained = drain(&executor.runs, &executor.force_stop, deps.config.shutdown_timeout).await;
        recorder.close();
        let limit = if drained { FINAL_TIMEOUT } else { LAST_WRITE_TIMEOUT };
        if tokio::time::timeout(limit, recording).await.is_err() {
            tracing::error!("timed out writing the last results; their executions will be recorded as interrupted");
        }
        slots.queues().for_each(|queue| queue.clear()); // what the recorder handed over meanwhile
        if let Err(error) = release(&deps, &slots).await {
            tracing::warn!(error, "failed to release executions that have not begun; another process will recover them");
        }
    }
}

/// Lets the held executions that have not begun wait again.
async fn release(deps: &WorkerDeps, slots: &WorkerSlots) -> Result<(), String> {
    let release = async {
        let mut tx = deps.database.write().await?;
        let count = execution::release(&mut tx, &deps.node.id, &slots.held()).await?;
        tx.commit().await?;
        Ok::<u64, storage::Error>(count)
    };
    match tokio::time::timeout(FINAL_TIMEOUT, release).await {
        Ok(Ok(0)) => Ok(()),
        Ok(Ok(count)) => {
            tracing::info!(count, "released executions that have not begun");
            Ok(())
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the database did not answer in time".to_owned()),
    }
}

/// Waits for the runs to end and their results to be recorded; stops them after `timeout`. Returns whether all ended.
async fn drain(runs: &TaskTracker, force_stop: &CancellationToken, timeout: Duration) -> bool {
    runs.close();
    if tokio::time::timeout(timeout, runs.wait()).await.is_ok() {
        return true;
    }
    tracing::warn!(runs = runs.len(), "shutdown timeout reached; stopping running executions");
    force_stop.cancel();
    let ended = tokio::time::timeout(FINAL_TIMEOUT, runs.wait()).await.is_ok();
    if !ended {
        tracing::error!(runs = runs.len(), "executions did not stop, or their results cannot be recorded; abandoning them");
    }
    ended
}
