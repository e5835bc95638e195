//! Orphan recovery: cleans up after dead processes. Executions that were handed out there become interrupted and are retried as
//! their policy allows.

use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tokio_util::sync::CancellationToken;

use crate::chain::{self, Ended};
use crate::cluster::registry::NodeRegistry;
use crate::domain::execution::Status;
use crate::i18n::message;
use crate::notify::incidents::{self, DecisionTime, TaskOutcome};
use crate::signals::Signals;
use crate::storage::execution::Finish;
use crate::storage::node::OrphanedRun;
use crate::storage::{Result, execution, node, notify_quota};

/// How often dead processes are looked for.
const INTERVAL: Duration = Duration::from_secs(5);
/// An execution during which the process died this often is not tried again.
const CRASHES_MAX: i64 = 2;
/// How often a recovery that met another node's transaction is repeated without a pause.
const MAX_CONFLICTS: u32 = 10;
/// Runs recovered in one transaction.
const BATCH: i64 = 500;

/// The background task that recovers the runs of dead nodes.
pub struct OrphanRecovery {
    pub registry: NodeRegistry,
    pub signals: Signals,
    /// The server's time zone.
    pub zone: Tz,
}

impl OrphanRecovery {
    /// Recovers runs until the shutdown.
    pub async fn run(&self, shutdown: CancellationToken) {
        let mut conflicts = 0;
        loop {
            let wait = if conflicts > 0 { Duration::ZERO } else { INTERVAL };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
            match self.run_once(self.registry.clock.now()).await {
                Err(error) if error.is_conflict() && conflicts < MAX_CONFLICTS => conflicts += 1,
                Err(error) => {
                    conflicts = 0;
                    tracing::warn!(error = &error as &dyn std::error::Error, "failed to recover orphaned runs; retrying");
                }
                Ok(_) => conflicts = 0,
            }
        }
    }

    /// Recovers the runs of dead nodes. Returns how many runs were interrupted.
    pub async fn run_once(&self, now: DateTime<Utc>) -> Result<usize> {
        let mut interrupted = 0;
        for dead in self.registry.dead_nodes(now).await? {
            let runs = self.recover_orphans(&dead.identity.id, now).await?;
            if runs > 0 {
                tracing::warn!(node = dead.identity.name, node.id = dead.identity.id, runs, "recovered runs of a dead process");
            }
            interrupted += runs;
        }
        Ok(interrupted)
    }

    async fn recover_orphans(&self, node_id: &str, now: DateTime<Utc>) -> Result<usize> {
        let mut interrupted = 0;
        loop {
            let mut tx = self.registry.database.write().await?;
            let orphans = node::running_on(&mut tx, node_id, BATCH).await?;
            let runs: Vec<_> = orphans.into_iter().map(|run| (run.task_id.clone(), interrupt(run, now))).collect();
            let finishes: Vec<Finish> = runs.iter().map(|(_, finish)| finish.clone()).collect();
            // Another node may recover the same runs: what it recorded does not count here.
            let recorded = execution::finish(&mut tx, node_id, &finishes).await?.executions;
            execution::count_crashes(&mut tx, &recorded.iter().cloned().collect::<Vec<_>>()).await?;
            let recovered = runs.iter().filter(|(_, finish)| recorded.contains(&finish.execution_id));
            let ended: Vec<Ended> = recovered.filter_map(ended).collect();
            let started = chain::start(&mut tx, &ended, now).await?;
            let ends = runs.iter().filter(|(_, finish)| finish.retry_at.is_none() && recorded.contains(&finish.execution_id));
            let ends = ends.map(|(task_id, finish)| TaskOutcome::of_run(finish, task_id, None));
            let not_run = started.executions.iter().filter_map(TaskOutcome::of_new);
            let at = DecisionTime { now, zone: self.zone };
            incidents::record(&mut tx, &ends.chain(not_run).collect::<Vec<_>>(), at).await?;
            interrupted += recorded.len();
            let last = (finishes.len() as i64) < BATCH;
            if last {
                notify_quota::release_all(&mut tx, node_id).await?;
                node::delete(&mut tx, node_id).await?;
            }
            tx.commit().await?;
            self.signals.jobs.queued(started.queues.iter().map(String::as_str));
            if started.cancels {
                self.signals.external_change.notify_one();
            }
            if last {
                break;
            }
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
    let wait = run
        .policy
        .filter(|_| !run.cancel_requested && !fatal)
        .and_then(|policy| policy.retry.wait_after_interruption(attempt, 0.0));
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
        started_at: run.started_at,
        finished_at: now,
        duration_ms: (now - run.started_at).num_milliseconds().max(0),
        error: Some(match fatal {
            true => message!("run.server_died_repeatedly", times = CRASHES_MAX),
            false => message!("run.server_died"),
        }),
        result: None,
    }
}
