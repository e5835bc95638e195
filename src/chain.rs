//! Chains: starts the tasks that a task names for the end of its runs, in the transaction that records that end, so that a
//! crash leaves both or neither.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use crate::domain::chain::Link;
use crate::domain::decision::{FiringOutcome, admitted};
use crate::domain::execution::{Cause, Status};
use crate::domain::overlap::ActiveRuns;
use crate::domain::reference::named_by_link;
use crate::domain::task::Task;
use crate::i18n::message;
use crate::storage::execution::{self, NewExecution};
use crate::storage::{Result, Tx, overlap, task, task_bulk};

/// A finished run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub execution_id: String,
    pub task_id: String,
    pub status: Status,
}

/// The started executions.
#[derive(Debug, Default)]
pub struct Started {
    pub executions: Vec<NewExecution>,
    /// Queues with new executions.
    pub queues: Vec<String>,
    /// Whether running executions were asked to stop.
    pub cancels: bool,
}

/// Starts the chained tasks of these runs. A paused task, or one at its limit of concurrent runs, gets a skipped execution with
/// the reason, unless its policy says otherwise; a deleted task is ignored.
pub async fn start(tx: &mut Tx, ended: &[Ended], now: DateTime<Utc>) -> Result<Started> {
    let mut started = Started::default();
    if ended.is_empty() {
        return Ok(started);
    }
    let parents = by_id(task::many(tx, &ended.iter().map(|end| end.task_id.clone()).collect::<Vec<_>>()).await?);
    let matching_links = |end: &Ended| -> Vec<Link> {
        let chain = parents.get(&end.task_id).map(|parent| parent.chain.as_slice()).unwrap_or_default();
        chain.iter().filter(|link| link.on.matches(end.status)).cloned().collect()
    };
    let links: Vec<(&Ended, Link)> =
        ended.iter().flat_map(|end| matching_links(end).into_iter().map(move |link| (end, link))).collect();
    if links.is_empty() {
        return Ok(started);
    }
    let children: BTreeSet<String> = links.iter().map(|(_, link)| link.task.clone()).collect();
    let children: Vec<String> = children.into_iter().collect();
    // The tasks to start are locked, in the order of their ids, so that their active runs do not change meanwhile.
    let locked = by_id(task_bulk::lock_many(tx, &children).await?);
    let named: BTreeSet<String> = links.iter().flat_map(|(_, link)| named_by_link(link)).collect();
    let named = by_id(task::many(tx, &named.into_iter().collect::<Vec<_>>()).await?);
    let mut by_child: BTreeMap<&str, Vec<(&Ended, &Link)>> = BTreeMap::new();
    for (end, link) in &links {
        if !locked.contains_key(&link.task) {
            tracing::warn!(task.id = end.task_id, chained_task.id = link.task, "skipping chained task: it does not exist");
        } else if parents.get(&end.task_id).is_some_and(|parent| reaches_all(parent, link, &named)) {
            by_child.entry(&link.task).or_default().push((*end, link));
        } else {
            tracing::warn!(
                task.id = end.task_id,
                chained_task.id = link.task,
                "skipping chained task: a task that the link names was deleted, or left the scope of the account that set the link"
            );
        }
    }
    let active = overlap::active(tx, &by_child.keys().copied().collect::<Vec<_>>()).await?;
    for (id, links) in by_child {
        if let Some(child) = locked.get(id) {
            let active = active.get(id).copied().unwrap_or_default();
            start_child(tx, child, &links, active, now, &mut started).await?;
        }
    }
    execution::insert(tx, &started.executions, now).await?;
    let queued = started.executions.iter().filter(|new| new.status == Status::Queued && !new.waits);
    started.queues = queued.map(|new| new.queue.clone()).collect();
    Ok(started)
}

/// Adds one execution of a task for each link that starts it.
async fn start_child(
    tx: &mut Tx,
    child: &Task,
    links: &[(&Ended, &Link)],
    active: ActiveRuns,
    now: DateTime<Utc>,
    started: &mut Started,
) -> Result<()> {
    if !child.enabled {
        let paused = || FiringOutcome::Skipped(message!("firing.paused"));
        started.executions.extend(links.iter().map(|(end, link)| begin(child, end, link, paused(), now)));
        return Ok(());
    }
    let admission = child.policy.admit(active, links.len());
    if admission.cancelled > 0 {
        let reason = message!("run.replaced");
        started.cancels |= !overlap::cancel_oldest(tx, &child.id, admission.cancelled, &reason, now).await?.is_empty();
    }
    let slots = links.iter().zip(admission.slots);
    started.executions.extend(slots.map(|((end, link), slot)| begin(child, end, link, admitted(slot, child, false), now)));
    Ok(())
}

/// Whether the references of a link still reach what they meant: the task to start, and those named in its parameters.
fn reaches_all(parent: &Task, link: &Link, tasks: &HashMap<String, Task>) -> bool {
    named_by_link(link).iter().filter_map(|id| tasks.get(id)).all(|task| parent.references.allow(task.target()))
}

fn by_id(tasks: Vec<Task>) -> HashMap<String, Task> {
    tasks.into_iter().map(|task| (task.id.clone(), task)).collect()
}

fn begin(child: &Task, end: &Ended, link: &Link, outcome: FiringOutcome, now: DateTime<Utc>) -> NewExecution {
    let waits = matches!(outcome, FiringOutcome::Run { waits: true, .. });
    let (status, error) = outcome.into_status();
    let params = child.params_with(&link.params);
    let started_by = Some(end.execution_id.clone());
    NewExecution { params, status, error, waits, started_by, ..NewExecution::new(child, Cause::Chain, now, now) }
}
