//! The executor takes one job through its steps: permit → resolve → claim → run → settle → record. A task type that fails, panics,
//! hangs or is cancelled is an outcome like any other; nothing of it reaches apalis, which only learns that the job is done.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::gate::Stored;
use super::lane::Lane;
use super::outcome::{Ending, Stop, settle};
use super::recorder::Recorder;
use super::resolve::{Resolved, Resolver};
use super::{Parts, cancel::Cancels};
use crate::clock::SharedClock;
use crate::domain::execution::Status;
use crate::domain::job::Job;
use crate::storage::execution::{Claim, Finish};
use crate::tasks::output::OutputSink;
use crate::tasks::registry::Registry;
use crate::tasks::{RunContext, RunError};

/// How long a run may take to end by itself once it was asked to; then its future is dropped.
const GRACE: Duration = Duration::from_secs(2);

/// Runs jobs.
pub(super) struct Executor {
    registry: Arc<Registry>,
    clock: SharedClock,
    cancels: Cancels,
    recorder: Recorder,
    resolver: Resolver,
    permits: Semaphore,
    output_limit: usize,
    /// The server stops: nothing new begins.
    stopping: CancellationToken,
    /// The server's patience is at its end: what runs is cut off.
    pub cut: CancellationToken,
    /// The jobs being taken through their steps.
    pub runs: TaskTracker,
}

/// A fetched job's place in its lane, given up when it is dropped.
pub(super) struct Held(pub Arc<Lane>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.let_go();
    }
}

/// Whether a job may be acknowledged.
#[derive(Debug, PartialEq, Eq)]
enum Carried {
    /// It ran, or must not run.
    Done,
    /// The server stops, or the database did not answer; it goes back to the queue.
    NotBegun,
}

impl Executor {
    pub fn new(parts: &Parts, recorder: Recorder, stopping: CancellationToken) -> Self {
        Self {
            registry: parts.registry.clone(),
            clock: parts.clock.clone(),
            cancels: parts.cancels.clone(),
            recorder,
            resolver: resolver(parts),
            permits: Semaphore::new(parts.config.limit.clamp(1, Semaphore::MAX_PERMITS)),
            output_limit: parts.config.output_limit,
            stopping,
            cut: CancellationToken::new(),
            runs: TaskTracker::new(),
        }
    }

    /// Takes a job through its steps, as a task of its own: the end of the apalis worker that brought it does not touch it.
    /// Returns when the job may be acknowledged; never for a job that did not begin.
    pub async fn carry(self: Arc<Self>, held: Held, stored: Stored) {
        let executor = self.clone();
        let run = self.runs.spawn(async move { executor.execute(&held.0, &stored).await });
        match run.await {
            Ok(Carried::Done) => {}
            Ok(Carried::NotBegun) => std::future::pending().await,
            Err(error) => tracing::error!(%error, "the executor failed at a job"),
        }
    }

    async fn execute(&self, lane: &Lane, stored: &[u8]) -> Carried {
        let mut job: Job = match serde_json::from_slice(stored) {
            Ok(job) => job,
            Err(error) => {
                tracing::error!(%error, "a job in the queue does not read; it is dropped");
                return Carried::Done;
            }
        };
        let Some(permits) = self.permit(lane).await else { return Carried::NotBegun };
        let given = std::mem::take(&mut job.params);
        let (params, shown) = match self.resolver.resolve(&job, given).await {
            Ok(Resolved { params, shown }) => (Ok(params), shown),
            Err(error) => (Err(error), None),
        };
        match self.claim(&job, shown).await {
            Some(true) => {}
            Some(false) => {
                tracing::debug!(execution.id = job.execution_id, attempt = job.attempt, "not run: cancelled, or run elsewhere");
                return Carried::Done;
            }
            None => return Carried::NotBegun,
        }
        let (ending, took) = match params {
            Ok(params) => self.run(&job, params).await,
            Err(error) => (Ending::Returned(Err(error)), Duration::ZERO),
        };
        drop(permits);
        let finish = settle(&job, ending, took, self.clock.now(), &self.resolver.vault.mask());
        self.record(&job, finish).await;
        Carried::Done
    }

    /// Writes the result, and then the log, which so holds up nobody else's result.
    async fn record(&self, job: &Job, finish: Finish) {
        let facts = Facts::of(&finish);
        match self.recorder.finish(finish, &job.task_id, job.chained).await {
            Some(true) => facts.log(job),
            Some(false) => {
                let id = &job.execution_id;
                tracing::warn!(
                    execution.id = id,
                    attempt = job.attempt,
                    "a result does not count: the execution is held elsewhere"
                );
            }
            None => {} // the recorder has said so
        }
    }

    /// Waits for a place in the lane, then for one in the process. `None` when the server stops first.
    async fn permit<'a>(&'a self, lane: &'a Lane) -> Option<(SemaphorePermit<'a>, SemaphorePermit<'a>)> {
        let both = async { Some((lane.permits.acquire().await.ok()?, self.permits.acquire().await.ok()?)) };
        tokio::select! {
            biased;
            () = self.stopping.cancelled() => None,
            permits = both => permits,
        }
    }

    async fn claim(&self, job: &Job, shown: Option<Value>) -> Option<bool> {
        let claim = Claim {
            execution_id: job.execution_id.clone(),
            attempt: job.attempt,
            started_at: self.clock.now(),
            filled_params: shown.map(|params| params.to_string()),
        };
        self.recorder.claim(claim, &job.task_id).await
    }

    /// Runs the task type and tells how it ended and how long it took.
    async fn run(&self, job: &Job, params: Value) -> (Ending, Duration) {
        let registered = self.cancels.register(&job.execution_id);
        let context = self.context(job);
        let started = Instant::now();
        let ending = self.supervise(job, params, &context, &registered.token).await;
        context.output.finish();
        (ending, started.elapsed())
    }

    /// The run's own token is cancelled by [`Executor::supervise`] alone, which so knows first why it ends.
    fn context(&self, job: &Job) -> RunContext {
        let pieces = self.recorder.output();
        let output = OutputSink::new(&job.execution_id, job.attempt, self.output_limit, self.clock.clone(), pieces);
        RunContext {
            execution_id: job.execution_id.clone(),
            task_id: job.task_id.clone(),
            attempt: job.attempt,
            scheduled_at: job.scheduled_at,
            cancel: CancellationToken::new(),
            output: output.masked(self.resolver.vault.mask()),
        }
    }

    /// Runs under the time limit, cancellation and the server's stop.
    async fn supervise(&self, job: &Job, params: Value, context: &RunContext, cancelled: &CancellationToken) -> Ending {
        let Some(entry) = self.registry.get(&job.task_type) else {
            let message = format!("this server has no task type '{}'", job.task_type);
            return Ending::Returned(Err(RunError::fail(message)));
        };
        let work = async { entry.task_type.run(params, context).await };
        let mut work = std::pin::pin!(AssertUnwindSafe(work).catch_unwind());
        let stop = tokio::select! {
            biased;
            returned = &mut work => return Ending::of(returned),
            () = cancelled.cancelled() => Stop::Cancelled,
            () = self.cut.cancelled() => Stop::CutOff,
            () = time_limit(job.timeout_ms) => Stop::TimedOut,
        };
        context.cancel.cancel();
        let returned = tokio::time::timeout(GRACE, work).await;
        Ending::Stopped(stop, returned.ok().and_then(what_is_left))
    }
}

fn resolver(parts: &Parts) -> Resolver {
    Resolver {
        database: parts.database.clone(),
        clock: parts.clock.clone(),
        registry: parts.registry.clone(),
        vault: parts.vault.clone(),
        zone: parts.zone,
        environment: parts.environment.clone(),
    }
}

/// What the log says of a result.
struct Facts {
    status: Status,
    duration_ms: i64,
    error: Option<String>,
    retry_at: Option<DateTime<Utc>>,
}

impl Facts {
    fn of(finish: &Finish) -> Facts {
        let Finish { status, duration_ms, error, retry_at, .. } = finish;
        Facts { status: *status, duration_ms: *duration_ms, error: error.clone(), retry_at: *retry_at }
    }

    fn log(self, job: &Job) {
        tracing::info!(
            execution.id = job.execution_id,
            task.id = job.task_id,
            task.r#type = job.task_type,
            attempt = job.attempt,
            status = self.status.as_str(),
            duration_ms = self.duration_ms,
            error = self.error,
            retry_at = self.retry_at.map(|at| at.to_rfc3339()),
            "execution finished"
        );
    }
}

/// Ends when an attempt's time is over; never without a limit.
async fn time_limit(timeout_ms: Option<u64>) {
    match timeout_ms {
        Some(limit) => tokio::time::sleep(Duration::from_millis(limit)).await,
        None => std::future::pending().await,
    }
}

/// The result that a stopped run still gave.
fn what_is_left(returned: std::thread::Result<Result<Value, RunError>>) -> Option<Value> {
    match returned {
        Ok(Ok(value)) => Some(value),
        Ok(Err(error)) => error.result,
        Err(_panic) => None,
    }
}
