//! Worker maintenance: deletes acknowledged jobs, so that the queue's table stays small, and polls for cancellations and secrets
//! set by other processes.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::WorkerDeps;
use crate::storage::{self, Database};
use crate::vault::VaultError;

/// How often cancellations and secrets are polled.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Acknowledged jobs are deleted at every n-th poll.
const POLLS_PER_PRUNE: u64 = 5;
/// Jobs deleted in one transaction: few, so that other writers do not wait long.
const PRUNE_BATCH: i64 = 500;

/// Runs maintenance until `shutdown`.
pub(super) async fn run(deps: Arc<WorkerDeps>, shutdown: CancellationToken) {
    let mut failing = false;
    let mut secrets_failing = false;
    for poll in 1_u64.. {
        secrets_failing = !refresh_mask(&deps, secrets_failing).await;
        tokio::select! {
            () = tokio::time::sleep(POLL_INTERVAL) => {}
            () = deps.signals.external_change.notified() => {}
            () = shutdown.cancelled() => return,
        }
        let result = run_once(&deps, poll.is_multiple_of(POLLS_PER_PRUNE)).await;
        if let Err(error) = &result
            && !failing
        {
            tracing::warn!(%error, "worker maintenance failed; retrying every second");
        }
        failing = result.is_err();
    }
}

/// Reloads the secrets that are masked in output. Returns false if they cannot be decrypted, which is logged once.
async fn refresh_mask(deps: &WorkerDeps, logged: bool) -> bool {
    match deps.vault.values().await {
        Ok(_) => true,
        // The caller logs database errors.
        Err(VaultError::Database(_)) => !logged,
        Err(error) => {
            if !logged {
                tracing::warn!(%error, "failed to decrypt secrets; runs that use one fail and none is masked in output");
            }
            false
        }
    }
}

/// Polls once.
async fn run_once(deps: &WorkerDeps, with_prune: bool) -> storage::Result<()> {
    cancel_requested(deps).await?;
    if with_prune { prune(&deps.database).await } else { Ok(()) }
}

/// Cancels the executions of this process whose cancellation another process requested.
async fn cancel_requested(deps: &WorkerDeps) -> storage::Result<()> {
    if deps.cancels.running().is_empty() {
        return Ok(());
    }
    let mut session = deps.database.read().await?;
    for id in storage::execution::cancel_requested(&mut session, &deps.node.id).await? {
        deps.cancels.cancel(&id);
    }
    Ok(())
}

/// Deletes acknowledged jobs in small batches until none is left, with a pause for other writers in between.
async fn prune(database: &Database) -> storage::Result<()> {
    loop {
        let mut tx = database.write().await?;
        let deleted = storage::queue::delete_done(&mut tx, PRUNE_BATCH).await?;
        tx.commit().await?;
        if deleted < PRUNE_BATCH.unsigned_abs() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
