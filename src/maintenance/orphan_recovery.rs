//! Orphan recovery: cleans up after dead processes. Executions that were running there become interrupted and are retried as
//! their policy allows; jobs fetched there go back into the queue.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::chain::{self, Ended};
use crate::cluster::registry::{self, NodeRegistry};
use crate::domain::execution::Status;
use crate::i18n::message;
use crate::queue::jobs;
use crate::signals::Signals;
use crate::storage::execution::Finish;
use crate::storage::node::OrphanedRun;
use crate::storage::{Result, execution, node};

/// How often dead processes are looked for.
const INTERVAL: Duration = Duration::from_secs(5);
/// An execution during which the process died this often is not tried again.
const CRASHES_MAX: i64 = 2;
/// Runs recovered in one transaction.
const BATCH: i64 = 500;

/// The background task that recovers the runs of dead nodes.
pub struct OrphanRecovery {
    pub registry: NodeRegistry,
    pub signals: Signals,
}

impl OrphanRecovery {
    /// Recovers runs until the shutdown.
    pub async fn run(&self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(INTERVAL) => {}
            }
            if let Err(error) = self.run_once(self.registry.clock.now()).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "failed to recover orphaned runs; retrying");
            }
        }
    }

    /// Recovers the runs of dead nodes. Returns how many runs were interrupted.
    pub async fn run_once(&self, now: DateTime<Utc>) -> Result<usize> {
        let mut interrupted = 0;
        for dead in self.registry.dead_nodes(now).await? {
            let runs = self.recover_orphans(&dead.identity.id, now).await?;
            tracing::warn!(node = dead.identity.name, node.id = dead.identity.id, runs, "recovered runs of a dead process");
            interrupted += runs;
        }
        Ok(interrupted)
    }

    async fn recover_orphans(&self, node_id: &str, now: DateTime<Utc>) -> Result<usize> {
        let mut interrupted = 0;
        loop {
            let mut tx = self.registry.database.write().await?;
            let orphans = node::running_on(&mut tx, node_id, BATCH).await?;
            let ids: Vec<String> = orphans.iter().map(|run| run.execution_id.clone()).collect();
            execution::count_crashes(&mut tx, &ids).await?;
            let runs: Vec<_> = orphans.into_iter().map(|run| (run.task_id.clone(), interrupt(run, now))).collect();
            let ended: Vec<Ended> = runs.iter().filter_map(ended).collect();
            let finishes: Vec<Finish> = runs.into_iter().map(|(_, finish)| finish).collect();
            execution::finish(&mut tx, node_id, &finishes).await?;
            let started = chain::start(&mut tx, &ended, now).await?;
            self.signals.jobs.queued(started.queues.iter().map(String::as_str));
            interrupted += finishes.len();
            if (finishes.len() as i64) < BATCH {
                let workers = jobs::workers_of_node(&mut tx, node_id).await?;
                jobs::release_jobs(&mut tx, &workers).await?;
                registry::remove(&mut tx, node_id).await?;
                tx.commit().await?;
                break;
            }
            tx.commit().await?;
        }
        self.registry.process_lock.remove(node_id);
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
    // A run that takes its process down again and again must not keep the server from working.
    let fatal = run.crashes + 1 >= CRASHES_MAX;
    let wait = run.policy.filter(|_| !run.cancel_requested && !fatal).and_then(|policy| policy.retry.wait_after(attempt, 0.0));
    let retry_at = wait.and_then(|wait| chrono::Duration::from_std(wait).ok()).and_then(|wait| now.checked_add_signed(wait));
    Finish {
        execution_id: run.execution_id,
        attempt: run.attempt,
        status: match (run.cancel_requested, fatal) {
            (true, _) => Status::Cancelled,
            (false, true) => Status::Failed,
            (false, false) => Status::Interrupted,
        },
        retry_at,
        finished_at: now,
        duration_ms: (now - run.started_at).num_milliseconds().max(0),
        error: Some(match fatal {
            true => message!("run.server_died_repeatedly", times = CRASHES_MAX),
            false => message!("run.server_died"),
        }),
        result: None,
    }
}
