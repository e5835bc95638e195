//! What the workers do on the side: clearing acknowledged jobs away, so that the queue's table stays small, and looking for
//! cancellations and secrets that another process was given.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Parts;
use crate::storage::{self, Database};
use crate::vault::VaultError;

/// How often somebody looks for cancellations and secrets.
const LOOK: Duration = Duration::from_secs(1);
/// Acknowledged jobs are cleared every so many looks.
const LOOKS_PER_PRUNE: u64 = 5;
/// Jobs cleared in one transaction: few, so that nothing waits long for it.
const PRUNE_GROUP: i64 = 500;

/// Does the upkeep until `shutdown`.
pub(super) async fn run(parts: Arc<Parts>, shutdown: CancellationToken) {
    let mut failing = false;
    let mut closed = false;
    for look in 1_u64.. {
        closed = !hide_secrets(&parts, closed).await;
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = parts.signals.outside.notified() => {}
            () = shutdown.cancelled() => return,
        }
        let done = run_once(&parts, look.is_multiple_of(LOOKS_PER_PRUNE)).await;
        if let Err(error) = &done
            && !failing
        {
            tracing::warn!(%error, "the workers' upkeep fails; tried again every second");
        }
        failing = done.is_err();
    }
}

/// Keeps what runs must not show up to date. False where the secrets do not open, which is said once.
async fn hide_secrets(parts: &Parts, said: bool) -> bool {
    match parts.vault.values().await {
        Ok(_) => true,
        // The database's own faults are told by the rest of the upkeep.
        Err(VaultError::Database(_)) => !said,
        Err(error) => {
            if !said {
                tracing::warn!(%error, "secrets cannot be read, so runs that name one fail and none is hidden");
            }
            false
        }
    }
}

/// Looks once.
async fn run_once(parts: &Parts, with_prune: bool) -> storage::Result<()> {
    cancel_requested(parts).await?;
    if with_prune { prune(&parts.database).await } else { Ok(()) }
}

/// Ends the runs going on here whose cancellation was asked for elsewhere.
async fn cancel_requested(parts: &Parts) -> storage::Result<()> {
    if parts.cancels.running().is_empty() {
        return Ok(());
    }
    let mut session = parts.database.read().await?;
    for id in storage::execution::cancel_requested(&mut session, &parts.node.id).await? {
        parts.cancels.cancel(&id);
    }
    Ok(())
}

/// Clears acknowledged jobs in small groups until none is left, giving way to others in between.
async fn prune(database: &Database) -> storage::Result<()> {
    loop {
        let mut tx = database.write().await?;
        let gone = storage::queue::prune_done(&mut tx, PRUNE_GROUP).await?;
        tx.commit().await?;
        if gone < PRUNE_GROUP.unsigned_abs() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
