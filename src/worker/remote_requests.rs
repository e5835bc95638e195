//! Requests of other processes: polls for cancellations of this node's runs, and for secrets and profiles that were
//! changed elsewhere.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::WorkerDeps;
use crate::clock::tick;
use crate::storage;
use crate::vault::VaultError;

/// How often cancellations, secrets and profiles are polled.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Polls until `shutdown`.
pub(super) async fn run(deps: Arc<WorkerDeps>, shutdown: CancellationToken) {
    let mut failing = false;
    let mut secrets_failing = false;
    loop {
        secrets_failing = !refresh_mask(&deps, secrets_failing).await;
        tokio::select! {
            () = tick(POLL_INTERVAL) => {}
            () = deps.signals.external_change.notified() => {}
            () = shutdown.cancelled() => return,
        }
        let result = cancel_requested(&deps).await;
        if let Err(error) = &result
            && !failing
        {
            tracing::warn!(%error, "failed to poll for cancellations; retrying every second");
        }
        failing = result.is_err();
    }
}

/// Reloads the profiles, and the secrets that are masked in output. Returns false if they cannot be decrypted, which is logged once.
async fn refresh_mask(deps: &WorkerDeps, logged: bool) -> bool {
    let profiles = deps.registry.refresh_profiles().await;
    match deps.vault.values().await {
        Ok(_) => profiles.is_ok() || !logged,
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

/// Cancels the executions of this process whose cancellation another process requested.
async fn cancel_requested(deps: &WorkerDeps) -> storage::Result<()> {
    if deps.cancels.running().is_empty() {
        return Ok(());
    }
    let mut session = deps.database.read_engine().await?;
    for id in storage::execution::cancel_requested(&mut session, &deps.node.id).await? {
        deps.cancels.cancel(&id);
    }
    Ok(())
}
