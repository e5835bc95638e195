//! Orphan recovery: records this node's heartbeat and cleans up after dead processes. Executions that were running there
//! become interrupted and are retried as their policy allows; jobs fetched there go back into the queue.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::process_lock::ProcessLock;
use crate::chain::{self, Ended};
use crate::clock::SharedClock;
use crate::domain::execution::Status;
use crate::domain::node::NodeIdentity;
use crate::signals::Signals;
use crate::storage::execution::Finish;
use crate::storage::node::OrphanedRun;
use crate::storage::{Database, Result, execution, node, queue};

const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(5);
/// Runs recovered in one transaction.
const BATCH: i64 = 500;

/// The background task that sends heartbeats and recovers the runs of dead nodes.
pub struct OrphanRecovery {
    pub database: Database,
    pub clock: SharedClock,
    pub signals: Signals,
    pub node: NodeIdentity,
    pub process_lock: Arc<ProcessLock>,
    pub started_at: DateTime<Utc>,
    /// How many runs this node executes at the same time.
    pub workers: i64,
}

impl OrphanRecovery {
    /// Runs until all work of this node has ended, then deregisters the node.
    pub async fn run(&self, drained: CancellationToken) {
        loop {
            tokio::select! {
                () = drained.cancelled() => break,
                () = tokio::time::sleep(HEARTBEAT_INTERVAL) => {}
            }
            if let Err(error) = self.run_once(self.clock.now()).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "failed to record heartbeat or to recover orphaned runs; retrying"
                );
            }
        }
        if let Err(error) = self.deregister().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "failed to deregister this node; another node will remove it"
            );
        }
    }

    /// Records one heartbeat and recovers the runs of dead nodes. Returns how many runs were interrupted.
    pub async fn run_once(&self, now: DateTime<Utc>) -> Result<usize> {
        let mut tx = self.database.write().await?;
        node::heartbeat(&mut tx, &self.node, self.workers, self.started_at, now).await?;
        tx.commit().await?;
        let nodes = node::all(&mut self.database.read().await?).await?;
        let mut interrupted = 0;
        for dead in nodes.iter().filter(|node| self.process_lock.is_dead(node, now)) {
            let runs = self.recover_orphans(&dead.identity.id, now).await?;
            tracing::warn!(node = dead.identity.name, node.id = dead.identity.id, runs, "recovered runs of a dead process");
            interrupted += runs;
        }
        Ok(interrupted)
    }

    /// Deletes this node's record after an orderly stop. If the database fails, another node does it.
    pub async fn deregister(&self) -> Result<()> {
        let mut tx = self.database.write().await?;
        let workers = queue::workers_of_node(&mut tx, &self.node.id).await?;
        queue::delete_workers(&mut tx, &workers).await?;
        node::delete(&mut tx, &self.node.id).await?;
        tx.commit().await
    }

    async fn recover_orphans(&self, node_id: &str, now: DateTime<Utc>) -> Result<usize> {
        let mut interrupted = 0;
        loop {
            let mut tx = self.database.write().await?;
            let orphans = node::running_on(&mut tx, node_id, BATCH).await?;
            let runs: Vec<_> = orphans.into_iter().map(|run| (run.task_id.clone(), interrupt(run, now))).collect();
            let ended: Vec<Ended> = runs.iter().filter_map(ended).collect();
            let finishes: Vec<Finish> = runs.into_iter().map(|(_, finish)| finish).collect();
            execution::finish(&mut tx, node_id, &finishes).await?;
            let started = chain::start(&mut tx, &ended, now).await?;
            self.signals.jobs.queued(started.queues.iter().map(String::as_str));
            interrupted += finishes.len();
            if (finishes.len() as i64) < BATCH {
                let workers = queue::workers_of_node(&mut tx, node_id).await?;
                queue::release_jobs(&mut tx, &workers).await?;
                queue::delete_workers(&mut tx, &workers).await?;
                node::delete(&mut tx, node_id).await?;
                tx.commit().await?;
                break;
            }
            tx.commit().await?;
        }
        self.process_lock.remove(node_id);
        self.signals.schedule.notify_one();
        Ok(interrupted)
    }
}

/// The run, if it is not retried.
fn ended((task_id, finish): &(String, Finish)) -> Option<Ended> {
    let end = Ended { execution_id: finish.execution_id.clone(), task_id: task_id.clone(), status: finish.status };
    finish.retry_at.is_none().then_some(end)
}

/// The end of a run whose process is dead.
fn interrupt(run: OrphanedRun, now: DateTime<Utc>) -> Finish {
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
        error: Some("the server process died during this execution".to_owned()),
        result: None,
    }
}
