//! The feeder: has waiting executions handed out when some were queued, and looks for those that other processes queued.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::WorkerDeps;
use super::recorder::Recorder;
use crate::signals::slots::WorkerSlots;
use crate::storage::{self, execution};

/// How often a queue that seems empty is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Feeds the workers until `shutdown`. Database errors are logged by those who write.
pub(super) async fn run(deps: Arc<WorkerDeps>, slots: Arc<WorkerSlots>, recorder: Recorder, shutdown: CancellationToken) {
    recorder.fetch();
    loop {
        tokio::select! {
            _ = deps.signals.jobs.wait() => recorder.fetch(),
            () = tokio::time::sleep(POLL_INTERVAL) => {
                if slots.has_unknown() || look(&deps, &slots).await.unwrap_or(false) {
                    recorder.fetch();
                }
            }
            () = shutdown.cancelled() => return,
        }
    }
}

/// Returns whether executions wait in a queue that seemed empty.
async fn look(deps: &WorkerDeps, slots: &WorkerSlots) -> storage::Result<bool> {
    let mut reader = deps.database.read_engine().await?;
    let mut found = false;
    for queue in slots.queues() {
        if !queue.has_backlog() && execution::has_waiting(&mut reader, &queue.name).await? {
            queue.add_backlog();
            found = true;
        }
    }
    Ok(found)
}
