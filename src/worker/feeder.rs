//! The feeder: has waiting executions handed out when some were queued, and looks for those that other processes queued and for
//! changed settings of the queues.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::WorkerDeps;
use super::recorder::Recorder;
use crate::clock::tick;
use crate::signals::slots::WorkerSlots;
use crate::storage::unchanged::Unchanged;
use crate::storage::{self, execution, queue_setting};

/// How often the settings of the queues, and a queue that seems empty, are looked at.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Feeds the workers until `shutdown`. Database errors are logged by those who write.
pub(super) async fn run(deps: Arc<WorkerDeps>, slots: Arc<WorkerSlots>, recorder: Recorder, shutdown: CancellationToken) {
    recorder.fetch();
    let looked = Unchanged::default();
    loop {
        tokio::select! {
            _ = deps.signals.jobs.wait() => recorder.fetch(),
            () = tick(POLL_INTERVAL) => {
                if slots.has_unknown() || looked.get(&deps.database, look(&deps, &slots)).await.unwrap_or(false) {
                    recorder.fetch();
                }
            }
            () = shutdown.cancelled() => return,
        }
    }
}

/// Applies the settings of the queues before the first execution begins. Waits for them: a paused queue must not start.
pub(super) async fn apply_settings(deps: &WorkerDeps, slots: &WorkerSlots, shutdown: &CancellationToken) {
    while let Err(error) = read_settings(deps, slots).await {
        tracing::warn!(%error, "failed to read the settings of the queues; trying again");
        if shutdown.run_until_cancelled(tokio::time::sleep(POLL_INTERVAL)).await.is_none() {
            return;
        }
    }
}

async fn read_settings(deps: &WorkerDeps, slots: &WorkerSlots) -> storage::Result<bool> {
    let settings = queue_setting::all(&mut deps.database.read_engine().await?).await?;
    Ok(slots.apply(&settings))
}

/// Applies the settings of the queues. Returns whether one may run more than before, or executions wait in one that seemed empty.
async fn look(deps: &WorkerDeps, slots: &WorkerSlots) -> storage::Result<bool> {
    let mut reader = deps.database.read_engine().await?;
    let mut found = slots.apply(&queue_setting::all(&mut reader).await?);
    for queue in slots.queues() {
        if !queue.has_backlog() && !execution::waiting(&mut reader, &queue.name, &slots.refused(), 1).await?.is_empty() {
            queue.add_backlog();
            found = true;
        }
    }
    Ok(found)
}
