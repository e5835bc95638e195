//! Isolation: finds the waiting executions that the database refuses to hand out, so that the others of their queues begin.

use super::WorkerDeps;
use crate::signals::slots::{MOST_PENDING, WorkerSlots};
use crate::storage::refusal::{self, Refusal};
use crate::storage::{self, execution};

/// So many waiting executions of a queue are tried: as many as one transaction hands out at most.
const MOST_TRIED: i64 = MOST_PENDING as i64;

/// Looks in each queue for the first waiting execution that cannot be handed out, and leaves it out from now on. Returns whether
/// there is one. Nothing is handed out.
pub(super) async fn isolate(deps: &WorkerDeps, slots: &WorkerSlots) -> storage::Result<bool> {
    let mut found = false;
    for queue in slots.queues().filter(|queue| queue.has_backlog()) {
        if let Some(id) = first_refused(deps, slots, &queue.name).await? {
            slots.refuse(id);
            found = true;
        }
    }
    Ok(found)
}

async fn first_refused(deps: &WorkerDeps, slots: &WorkerSlots, queue: &str) -> storage::Result<Option<String>> {
    let refused = refusal::smallest(MOST_TRIED, |count| trial(deps, slots, queue, count)).await?;
    let Some(Refusal { last: Some(id), error }) = refused else { return Ok(None) };
    tracing::error!(%error, execution.id = id, queue, "database refuses to hand out an execution; leaving it out for a minute");
    Ok(Some(id))
}

/// Tries to hand out the first `count` waiting executions of a queue, without a commit. `None`: the database accepts them.
///
/// # Errors
/// The database is unavailable.
async fn trial(deps: &WorkerDeps, slots: &WorkerSlots, queue: &str, count: i64) -> storage::Result<Option<Refusal>> {
    let except = slots.refused();
    let mut tx = deps.database.write().await?;
    let waiting = execution::waiting(&mut tx, queue, &except, count).await?;
    let refusal = match execution::hand_out(&mut tx, &deps.node, queue, &except, count, deps.clock.now()).await {
        Ok(_) => None,
        Err(error) if error.is_transient() => return Err(error),
        Err(error) => Some(Refusal { last: waiting.into_iter().last(), error }),
    };
    tx.roll_back().await?;
    Ok(refusal)
}
