//! Says that this process is alive, and takes over from those that are not: their running executions become interrupted
//! and are tried again as their policy allows, the jobs they had fetched go back into the queue.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::presence::Presence;
use crate::chain::{self, Ended};
use crate::clock::SharedClock;
use crate::domain::execution::Status;
use crate::domain::node::NodeIdentity;
use crate::signals::Signals;
use crate::storage::execution::Finish;
use crate::storage::node::Stranded;
use crate::storage::{Database, Result, execution, node, queue};

const EVERY: Duration = Duration::from_secs(5);
/// Runs taken over in one transaction.
const BATCH: i64 = 500;

/// The loop that watches over the nodes.
pub struct Rescue {
    pub database: Database,
    pub clock: SharedClock,
    pub signals: Signals,
    pub node: NodeIdentity,
    pub presence: Arc<Presence>,
    pub started_at: DateTime<Utc>,
    /// Runs that this node takes at once.
    pub workers: i64,
}

impl Rescue {
    /// Watches until all work here has ended, then leaves.
    pub async fn run(&self, drained: CancellationToken) {
        loop {
            tokio::select! {
                () = drained.cancelled() => break,
                () = tokio::time::sleep(EVERY) => {}
            }
            if let Err(error) = self.run_once(self.clock.now()).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot watch over the nodes; trying again");
            }
        }
        if let Err(error) = self.leave().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "this node stays on record; another one will find it gone");
        }
    }

    /// One heartbeat, and one look for dead nodes. Answers how many runs were interrupted.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn run_once(&self, now: DateTime<Utc>) -> Result<usize> {
        let mut tx = self.database.write().await?;
        node::seen(&mut tx, &self.node, self.workers, self.started_at, now).await?;
        tx.commit().await?;
        let nodes = node::all(&mut self.database.read().await?).await?;
        let mut interrupted = 0;
        for dead in nodes.iter().filter(|node| self.presence.is_dead(node, now)) {
            let runs = self.take_over(&dead.identity.id, now).await?;
            tracing::warn!(node = dead.identity.name, node.id = dead.identity.id, runs, "took over from a process that is gone");
            interrupted += runs;
        }
        Ok(interrupted)
    }

    /// Takes this node off the record: it has stopped in order and leaves nothing behind.
    ///
    /// # Errors
    /// Where the database fails; then another node finds it gone.
    pub async fn leave(&self) -> Result<()> {
        let mut tx = self.database.write().await?;
        let workers = queue::workers_of(&mut tx, &self.node.id).await?;
        queue::forget_workers(&mut tx, &workers).await?;
        node::forget(&mut tx, &self.node.id).await?;
        tx.commit().await
    }

    async fn take_over(&self, node_id: &str, now: DateTime<Utc>) -> Result<usize> {
        let mut interrupted = 0;
        loop {
            let mut tx = self.database.write().await?;
            let stranded = node::running_on(&mut tx, node_id, BATCH).await?;
            let runs: Vec<_> = stranded.into_iter().map(|run| (run.task_id.clone(), interrupt(run, now))).collect();
            let ended: Vec<Ended> = runs.iter().filter_map(ended).collect();
            let finishes: Vec<Finish> = runs.into_iter().map(|(_, finish)| finish).collect();
            execution::finish(&mut tx, node_id, &finishes).await?;
            let started = chain::start(&mut tx, &ended, now).await?;
            self.signals.jobs.queued(started.queues.iter().map(String::as_str));
            interrupted += finishes.len();
            if (finishes.len() as i64) < BATCH {
                let workers = queue::workers_of(&mut tx, node_id).await?;
                queue::put_back(&mut tx, &workers).await?;
                queue::forget_workers(&mut tx, &workers).await?;
                node::forget(&mut tx, node_id).await?;
                tx.commit().await?;
                break;
            }
            tx.commit().await?;
        }
        self.presence.forget(node_id);
        self.signals.schedule.notify_one();
        Ok(interrupted)
    }
}

/// The run, where it is not tried again.
fn ended((task_id, finish): &(String, Finish)) -> Option<Ended> {
    let end = Ended { execution_id: finish.execution_id.clone(), task_id: task_id.clone(), status: finish.status };
    finish.retry_at.is_none().then_some(end)
}

/// What becomes of a run whose process is gone.
fn interrupt(run: Stranded, now: DateTime<Utc>) -> Finish {
    let attempt = u32::try_from(run.attempt).unwrap_or(u32::MAX);
    let wait = run.policy.filter(|_| !run.cancel_requested).and_then(|policy| policy.retry.wait_after(attempt, 0.0));
    let retry_at = wait.and_then(|wait| chrono::Duration::from_std(wait).ok()).and_then(|wait| now.checked_add_signed(wait));
    Finish {
        execution_id: run.execution_id,
        attempt: run.attempt,
        status: if run.cancel_requested { Status::Cancelled } else { Status::Interrupted },
        retry_at,
        finished_at: now,
        duration_ms: (now - run.started_at).num_milliseconds().max(0),
        error: Some("the process that ran it ended before it did".to_owned()),
        result: None,
    }
}
