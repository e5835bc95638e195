//! Nodes, queues and current runs.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::deps::ServiceDeps;
use super::{Result, allow};
use crate::clock::SharedClock;
use crate::domain::node::{Node, QueueDepth, Running};
use crate::domain::user::{Action, Actor};
use crate::storage::{Database, execution, node};

/// The maximum number of current runs returned.
const MAX_RUNNING: i64 = 1_000;

/// A snapshot of all nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nodes {
    pub nodes: Vec<Node>,
    /// The time by the clock of the heartbeats: the database's, or this machine's on SQLite.
    pub now: DateTime<Utc>,
    /// Current runs, oldest first, at most a thousand.
    pub running: Vec<Running>,
    /// The queues of this node and all queues with waiting jobs, by name.
    pub queues: Vec<QueueDepth>,
}

/// Reads nodes, queues and current runs.
#[derive(Clone)]
pub struct NodeService {
    database: Database,
    clock: SharedClock,
    queues: Arc<[String]>,
}

impl NodeService {
    pub(super) fn new(deps: &ServiceDeps) -> Self {
        Self { database: deps.database.clone(), clock: deps.clock.clone(), queues: deps.queue_names() }
    }

    /// The nodes, the queues and the current runs in the actor's scope. Queue depths count the jobs of all tasks, since the
    /// queues are shared.
    pub async fn snapshot(&self, actor: &Actor) -> Result<Nodes> {
        allow(actor, Action::See)?;
        let mut reader = self.database.read().await?;
        let mut queues = execution::depths(&mut reader).await?;
        for name in self.queues.iter() {
            if !queues.iter().any(|queue| queue.name == *name) {
                queues.push(QueueDepth { name: name.clone(), waiting: 0 });
            }
        }
        queues.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Nodes {
            nodes: node::all(&mut reader).await?,
            now: node::database_time(&mut reader).await?.unwrap_or_else(|| self.clock.now()),
            running: node::running(&mut reader, &actor.scope, MAX_RUNNING).await?,
            queues,
        })
    }
}
