//! Nodes, queues and current runs.

use std::sync::Arc;

use super::deps::ServiceDeps;
use super::{Result, allow};
use crate::domain::node::{Node, QueueDepth, Running};
use crate::domain::user::{Action, Actor};
use crate::queue::jobs;
use crate::storage::{Database, node};

/// The maximum number of current runs returned.
const MAX_RUNNING: i64 = 1_000;

/// A snapshot of all nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nodes {
    pub nodes: Vec<Node>,
    /// Current runs, oldest first, at most a thousand.
    pub running: Vec<Running>,
    /// The queues of this node and all queues with waiting jobs, by name.
    pub queues: Vec<QueueDepth>,
}

/// Reads nodes, queues and current runs.
#[derive(Clone)]
pub struct NodeService {
    database: Database,
    queues: Arc<[String]>,
}

impl NodeService {
    pub(super) fn new(deps: &ServiceDeps) -> Self {
        Self { database: deps.database.clone(), queues: deps.queues.clone() }
    }

    /// The nodes, the queues and the current runs in the actor's scope. Queue depths count the jobs of all tasks, since the
    /// queues are shared.
    pub async fn snapshot(&self, actor: &Actor) -> Result<Nodes> {
        allow(actor, Action::See)?;
        let mut reader = self.database.read().await?;
        let mut queues = jobs::depths(&mut reader).await?;
        for name in self.queues.iter() {
            if !queues.iter().any(|queue| queue.name == *name) {
                queues.push(QueueDepth { name: name.clone(), waiting: 0 });
            }
        }
        queues.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Nodes {
            nodes: node::all(&mut reader).await?,
            running: node::running(&mut reader, &actor.scope, MAX_RUNNING).await?,
            queues,
        })
    }
}
