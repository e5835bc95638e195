//! Isolation: finds the waiting executions that the database refuses to hand out, so that the others of their queues begin.

use super::WorkerDeps;
use crate::signals::slots::{MOST_PENDING, WorkerSlots};
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

/// Finds by bisection the smallest number of executions that cannot be handed out; the last of them is the one.
async fn first_refused(deps: &WorkerDeps, slots: &WorkerSlots, queue: &str) -> storage::Result<Option<String>> {
    let Some(mut refused) = trial(deps, slots, queue, MOST_TRIED).await? else { return Ok(None) };
    let (mut accepted, mut count) = (0, MOST_TRIED);
    while count - accepted > 1 {
        let middle = accepted + (count - accepted) / 2;
        match trial(deps, slots, queue, middle).await? {
            Some(earlier) => (count, refused) = (middle, earlier),
            None => accepted = middle,
        }
    }
    let Refusal { id, error } = refused;
    if let Some(id) = &id {
        tracing::error!(%error, execution.id = id, queue, "database refuses to hand out an execution; leaving it out for a minute");
    }
    Ok(id)
}

/// A transaction that hands out executions and was refused.
struct Refusal {
    /// The last of the executions.
    id: Option<String>,
    error: storage::Error,
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
        Err(error) => Some(Refusal { id: waiting.into_iter().last(), error }),
    };
    tx.roll_back().await?;
    Ok(refusal)
}
