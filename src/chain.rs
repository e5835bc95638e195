//! Chains: starts the tasks that a task names for the end of its runs, in the transaction that records that end, so that a
//! crash leaves both or neither.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::domain::chain::Link;
use crate::domain::decision::{FiringOutcome, decide_idle};
use crate::domain::execution::{Cause, Status};
use crate::domain::reference::named_by_link;
use crate::domain::task::Task;
use crate::i18n::message;
use crate::queue::jobs::{self, NewJob};
use crate::storage::execution::{self, NewExecution};
use crate::storage::{Result, Tx, plan, task};

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
    /// Queues with new jobs.
    pub queues: Vec<String>,
}

/// Starts the chained tasks of these runs. A paused task, or one at its limit of concurrent runs, gets a skipped execution with
/// the reason; a deleted task is ignored.
pub async fn start(tx: &mut Tx, ended: &[Ended], now: DateTime<Utc>) -> Result<Started> {
    if ended.is_empty() {
        return Ok(Started::default());
    }
    let parents = by_id(task::many(tx, &ended.iter().map(|end| end.task_id.clone()).collect::<Vec<_>>()).await?);
    let matching_links = |end: &Ended| -> Vec<Link> {
        let chain = parents.get(&end.task_id).map(|parent| parent.chain.as_slice()).unwrap_or_default();
        chain.iter().filter(|link| link.on.matches(end.status)).cloned().collect()
    };
    let links: Vec<(&Ended, Link)> =
        ended.iter().flat_map(|end| matching_links(end).into_iter().map(move |link| (end, link))).collect();
    if links.is_empty() {
        return Ok(Started::default());
    }
    let ids: Vec<String> = links.iter().map(|(_, link)| link.task.clone()).collect();
    let named: BTreeSet<String> = links.iter().flat_map(|(_, link)| named_by_link(link)).collect();
    let children = by_id(task::many(tx, &named.into_iter().collect::<Vec<_>>()).await?);
    let mut active = plan::active(tx, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    let mut started = Started::default();
    let mut jobs = Vec::new();
    for (end, link) in links {
        let Some(child) = children.get(&link.task) else {
            tracing::warn!(task.id = end.task_id, chained_task.id = link.task, "skipping chained task: it does not exist");
            continue;
        };
        if !parents.get(&end.task_id).is_some_and(|parent| reaches_all(parent, &link, &children)) {
            tracing::warn!(
                task.id = end.task_id,
                chained_task.id = link.task,
                "skipping chained task: a task that the link names was deleted, or left the scope of the account that set the link"
            );
            continue;
        }
        let active = active.entry(child.id.clone()).or_insert(0);
        let new = begin(child, end, &link, *active, now);
        if new.status == Status::Queued {
            *active += 1;
            jobs.push(NewJob::first(&new, child));
            started.queues.push(child.policy.queue.clone());
        }
        started.executions.push(new);
    }
    execution::insert(tx, &started.executions, now).await?;
    jobs::push(tx, &jobs, now).await?;
    Ok(started)
}

/// Whether the references of a link still reach what they meant: the task to start, and those named in its parameters.
fn reaches_all(parent: &Task, link: &Link, tasks: &HashMap<String, Task>) -> bool {
    named_by_link(link).iter().filter_map(|id| tasks.get(id)).all(|task| parent.references.allow(task.target()))
}

fn by_id(tasks: Vec<Task>) -> HashMap<String, Task> {
    tasks.into_iter().map(|task| (task.id.clone(), task)).collect()
}

fn begin(child: &Task, end: &Ended, link: &Link, active: i64, now: DateTime<Utc>) -> NewExecution {
    let outcome = match child.enabled {
        true => decide_idle(child, active),
        false => FiringOutcome::Skipped(message!("firing.paused")),
    };
    let (status, error) = outcome.into_status();
    let mut params = child.params.clone();
    if let Value::Object(map) = &mut params {
        map.extend(link.params.clone());
    }
    let started_by = Some(end.execution_id.clone());
    NewExecution { params, status, error, started_by, ..NewExecution::new(child, Cause::Chain, now, now) }
}
