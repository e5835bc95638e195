//! Test runs of tasks that are not saved: one attempt, outside the queue and the log of executions.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono_tz::Tz;
use futures_util::FutureExt;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::outcome::{AttemptOutcome, StopReason, to_finish};
use super::resolve::Resolver;
use super::run_mask::RunMask;
use crate::clock::SharedClock;
use crate::domain::execution::{OutputChunk, Status};
use crate::domain::job::Job;
use crate::domain::policy::Retry;
use crate::domain::task::Task;
use crate::i18n::{Message, message};
use crate::ids::new_id;
use crate::storage::Database;
use crate::tasks::output::OutputSink;
use crate::tasks::registry::Registry;
use crate::tasks::{RunContext, RunError};
use crate::vault::Vault;

/// The id of the task that a test run belongs to: no task has it, so that the run reaches no state and no files of a task.
const DRAFT_ID: &str = "-draft-";
/// The most output of a test run, in bytes.
const MAX_OUTPUT: usize = 64 * 1024;
/// How long a run may take to end after its time limit; then its future is dropped.
const GRACE_PERIOD: Duration = Duration::from_secs(2);

/// How a test run ended; secrets are masked.
#[derive(Debug, Clone)]
pub struct DraftRun {
    pub status: Status,
    pub error: Option<Message>,
    pub result: Option<Value>,
    pub duration_ms: i64,
    pub output: Vec<OutputChunk>,
}

/// Runs drafts.
pub struct DraftRunner {
    resolver: Resolver,
}

impl DraftRunner {
    /// `environment`: the variables that templates may read.
    pub fn new(
        database: Database,
        clock: SharedClock,
        registry: Arc<Registry>,
        vault: Arc<Vault>,
        zone: Tz,
        environment: Arc<BTreeMap<String, String>>,
    ) -> Self {
        Self { resolver: Resolver { database, clock, registry, vault, zone, environment } }
    }

    /// Runs the parameters of a task once, with the defaults of its inputs, within its time limit and `longest`. Dropping the future
    /// ends the run.
    pub async fn run(&self, task: &Task, longest: Duration) -> DraftRun {
        let now = self.resolver.clock.now();
        let limit = task.policy.timeout.map_or(longest, |timeout| timeout.min(longest));
        let job = Job {
            execution_id: new_id(now),
            attempt: 1,
            task_id: DRAFT_ID.to_owned(),
            task_type: task.task_type.clone(),
            params: Value::Null,
            started_by: None,
            chained: false,
            scheduled_at: now,
            timeout_ms: u64::try_from(limit.as_millis()).ok(),
            retry: Retry { max_attempts: 1, ..Retry::default() },
            late_after_ms: None,
        };
        let run_mask = RunMask::new(self.resolver.vault.clone());
        let (sender, mut chunks) = mpsc::unbounded_channel();
        let output = OutputSink::new(&job.execution_id, 1, MAX_OUTPUT, self.resolver.clock.clone(), sender);
        let (started, cancel) = (Instant::now(), CancellationToken::new());
        let outcome = {
            let work = AssertUnwindSafe(self.work(task, &job, &run_mask, &output, cancel.clone())).catch_unwind();
            let _cancelled_at_the_end = cancel.clone().drop_guard();
            let mut work = std::pin::pin!(work);
            match tokio::time::timeout(limit, &mut work).await {
                Ok(returned) => AttemptOutcome::from_result(returned),
                Err(_late) => {
                    cancel.cancel();
                    let left = tokio::time::timeout(GRACE_PERIOD, work).await;
                    AttemptOutcome::Stopped(StopReason::TimedOut, left.ok().and_then(Result::ok).and_then(partial_result))
                }
            }
        };
        output.finish();
        let finish = to_finish(&job, outcome, started.elapsed(), (now, self.resolver.clock.now()), &run_mask.mask());
        let output = std::iter::from_fn(|| chunks.try_recv().ok()).map(|one| one.chunk).collect();
        let (status, error, result, duration_ms) = (finish.status, finish.error, finish.result, finish.duration_ms);
        DraftRun { status, error, result, duration_ms, output }
    }

    async fn work(
        &self,
        task: &Task,
        job: &Job,
        run_mask: &RunMask,
        output: &OutputSink,
        cancel: CancellationToken,
    ) -> Result<Value, RunError> {
        let Some(entry) = self.resolver.registry.get(&task.task_type) else {
            return Err(RunError::fail(message!("run.unknown_type", task_type = task.task_type.as_str())));
        };
        self.resolver.registry.prepare(&entry).await.map_err(|error| RunError::database(&error))?;
        // The mask of runs is read with the secrets.
        let known = self.resolver.vault.values().await;
        known.map_err(|error| RunError::fail(Message::verbatim(error.to_string())))?;
        let resolved = self.resolver.resolve_draft(task, job, task.params.clone(), run_mask).await?;
        let context = RunContext {
            execution_id: job.execution_id.clone(),
            task_id: job.task_id.clone(),
            attempt: job.attempt,
            scheduled_at: job.scheduled_at,
            cancel,
            output: output.clone().with_mask(run_mask.mask()),
        };
        entry.task_type.run(resolved.params, &context).await
    }
}

/// The result that a run still returned after its time limit.
fn partial_result(returned: Result<Value, RunError>) -> Option<Value> {
    returned.map_or_else(|error| error.result, Some)
}
