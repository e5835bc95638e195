//! The executor: takes a job through resolve → run → record. A task type that fails, panics, hangs or is cancelled is an outcome
//! like any other. apalis never sees an error; it only learns that the job is done.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::outcome::{AttemptOutcome, StopReason, to_finish};
use super::recorder::Recorder;
use super::resolve::{Resolved, Resolver};
use super::run_mask::RunMask;
use super::{WorkerDeps, cancel::CancelRegistry};
use crate::clock::SharedClock;
use crate::domain::execution::Status;
use crate::domain::job::Job;
use crate::i18n::{Message, message};
use crate::queue::JobHandler;
use crate::signals::EndedRuns;
use crate::signals::slots::{HeldJob, WorkerSlots};
use crate::storage::execution::{Claim, Finish, Rendered};
use crate::tasks::output::OutputSink;
use crate::tasks::registry::Registry;
use crate::tasks::{RunContext, RunError};

/// A run that takes longer is marked as running on record.
const QUICK: Duration = Duration::from_millis(50);
/// An execution that was handed to this node so long ago does not begin: the commit was answered late, or the process or the machine
/// stood still, and its node may count as dead. It waits in its queue again, if it is still this node's.
const MOST_LATE: Duration = Duration::from_secs(5);
/// How long a run may take to end after it was cancelled; then its future is dropped.
const GRACE_PERIOD: Duration = Duration::from_secs(2);

/// Runs jobs.
pub(super) struct Executor {
    registry: Arc<Registry>,
    clock: SharedClock,
    cancels: CancelRegistry,
    recorder: Recorder,
    ended: EndedRuns,
    resolver: Resolver,
    slots: Arc<WorkerSlots>,
    output_limit: usize,
    /// Cancelled when the server stops: no further job starts.
    stopping: CancellationToken,
    /// Cancelled when the shutdown timeout is over: running jobs are stopped.
    pub force_stop: CancellationToken,
    /// The jobs in progress.
    pub runs: TaskTracker,
}

impl Executor {
    pub fn new(deps: &WorkerDeps, recorder: Recorder, slots: Arc<WorkerSlots>, stopping: CancellationToken) -> Self {
        Self {
            registry: deps.registry.clone(),
            clock: deps.clock.clone(),
            cancels: deps.cancels.clone(),
            recorder,
            ended: deps.signals.ended.clone(),
            resolver: resolver(deps),
            slots,
            output_limit: deps.config.output_limit,
            stopping,
            force_stop: CancellationToken::new(),
            runs: TaskTracker::new(),
        }
    }

    /// Runs the attempt and records its result.
    async fn execute(&self, held: HeldJob) {
        let HeldJob { mut job, slot, held } = held;
        if held.age() >= MOST_LATE {
            drop(held);
            self.slots.set_unknown(); // it waits in its queue again
            return;
        }
        let params = std::mem::take(&mut job.params);
        let run_mask = RunMask::new(self.resolver.vault.clone());
        let claim = Claim { execution_id: job.execution_id.clone(), attempt: job.attempt, started_at: self.clock.now() };
        let started_at = claim.started_at;
        let (outcome, duration) = {
            let mut run = std::pin::pin!(self.run(&job, params, &run_mask));
            tokio::select! {
                biased;
                ended = &mut run => ended,
                () = tokio::time::sleep(QUICK) => {
                    self.recorder.started(claim, &job.task_id);
                    run.await
                }
            }
        };
        drop(slot);
        let finish = to_finish(&job, outcome, duration, (started_at, self.clock.now()), &run_mask.mask());
        self.record(&job, finish).await;
        drop(held); // until now, what this node holds without having begun must not include it
    }

    /// Records the result, then writes the log line, which therefore does not delay other results.
    async fn record(&self, job: &Job, finish: Finish) {
        let log_fields = LogFields::from_finish(&finish);
        // An execution that will be retried stays active.
        let _ended = finish.retry_at.is_none().then(|| self.ended.add(&job.execution_id, &job.task_id));
        match self.recorder.finish(finish, job).await {
            Some(true) => log_fields.log(job),
            Some(false) => {
                let id = &job.execution_id;
                tracing::warn!(execution.id = id, attempt = job.attempt, "discarding result: the execution is claimed elsewhere");
            }
            None => {} // the recorder has logged it
        }
    }

    /// Runs the attempt within its limits. Returns its outcome and duration.
    async fn run(&self, job: &Job, params: Value, run_mask: &RunMask) -> (AttemptOutcome, Duration) {
        let registration = self.cancels.register(&job.execution_id);
        // Only `supervise` cancels this token, so that it knows the reason first.
        let cancel = CancellationToken::new();
        let started = Instant::now();
        let outcome = self.supervise(job, self.work(job, params, run_mask, cancel.clone()), &cancel, &registration.token).await;
        (outcome, started.elapsed())
    }

    /// Renders the templates in the parameters, then runs the task type. The execution is held before, so that a template or a
    /// task type that takes the process down is not started again and again.
    async fn work(&self, job: &Job, params: Value, run_mask: &RunMask, cancel: CancellationToken) -> Result<Value, RunError> {
        let Some(entry) = self.registry.get(&job.task_type) else {
            return Err(RunError::fail(message!("run.unknown_type", task_type = job.task_type.as_str())));
        };
        self.registry.prepare(&entry).await.map_err(|error| RunError::database(&error))?;
        let Resolved { params, masked } = self.resolver.resolve(job, params, run_mask).await?;
        if let Some(masked) = masked {
            let (execution_id, attempt) = (job.execution_id.clone(), job.attempt);
            self.recorder.rendered(Rendered { execution_id, attempt, params: masked.to_string() });
        }
        let context = self.context(job, run_mask, cancel);
        let _finish = FinishOutput(&context.output);
        entry.task_type.run(params, &context).await
    }

    fn context(&self, job: &Job, run_mask: &RunMask, cancel: CancellationToken) -> RunContext {
        let chunks = self.recorder.output();
        let output = OutputSink::new(&job.execution_id, job.attempt, self.output_limit, self.clock.clone(), chunks);
        RunContext {
            execution_id: job.execution_id.clone(),
            task_id: job.task_id.clone(),
            attempt: job.attempt,
            scheduled_at: job.scheduled_at,
            cancel,
            output: output.with_mask(run_mask.mask()),
        }
    }

    /// Waits until the work returns, is cancelled, times out or the server stops.
    async fn supervise(
        &self,
        job: &Job,
        work: impl Future<Output = Result<Value, RunError>>,
        cancel: &CancellationToken,
        cancelled: &CancellationToken,
    ) -> AttemptOutcome {
        let mut work = std::pin::pin!(AssertUnwindSafe(work).catch_unwind());
        let stop = tokio::select! {
            biased;
            returned = &mut work => return AttemptOutcome::from_result(returned),
            () = cancelled.cancelled() => StopReason::Cancelled,
            () = self.force_stop.cancelled() => StopReason::ForcedShutdown,
            () = time_limit(job.timeout_ms) => StopReason::TimedOut,
        };
        cancel.cancel();
        let returned = tokio::time::timeout(GRACE_PERIOD, work).await;
        AttemptOutcome::Stopped(stop, returned.ok().and_then(partial_result))
    }
}

/// Writes the rest of a run's output when the run ends in any way.
struct FinishOutput<'o>(&'o OutputSink);

impl Drop for FinishOutput<'_> {
    fn drop(&mut self) {
        self.0.finish();
    }
}

impl JobHandler for Executor {
    /// Processes a job in a tokio task of its own, so that the run survives the end of the apalis worker that took it. A job
    /// that comes after the stop does not begin.
    async fn process_job(self: Arc<Self>, job: HeldJob) {
        if self.stopping.is_cancelled() {
            return;
        }
        let executor = self.clone();
        if let Err(error) = self.runs.spawn(async move { executor.execute(job).await }).await {
            tracing::error!(%error, "executor panicked while processing a job");
        }
    }
}

fn resolver(deps: &WorkerDeps) -> Resolver {
    Resolver {
        database: deps.database.clone(),
        clock: deps.clock.clone(),
        registry: deps.registry.clone(),
        vault: deps.vault.clone(),
        zone: deps.zone,
        environment: deps.environment.clone(),
    }
}

/// The fields of the log line of a result.
struct LogFields {
    status: Status,
    duration_ms: i64,
    error: Option<String>,
    retry_at: Option<DateTime<Utc>>,
}

impl LogFields {
    fn from_finish(finish: &Finish) -> LogFields {
        let Finish { status, duration_ms, error, retry_at, .. } = finish;
        LogFields {
            status: *status,
            duration_ms: *duration_ms,
            error: error.as_ref().map(Message::to_string),
            retry_at: *retry_at,
        }
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

/// Returns when the time limit is over; never without a limit.
async fn time_limit(timeout_ms: Option<u64>) {
    match timeout_ms {
        Some(limit) => tokio::time::sleep(Duration::from_millis(limit)).await,
        None => std::future::pending().await,
    }
}

/// The result that a stopped run still returned.
fn partial_result(returned: std::thread::Result<Result<Value, RunError>>) -> Option<Value> {
    match returned {
        Ok(Ok(value)) => Some(value),
        Ok(Err(error)) => error.result,
        Err(_panic) => None,
    }
}
