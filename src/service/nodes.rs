//! The running processes, the queues, and what each process runs now.

use super::{Result, Service, allow};
use crate::domain::node::{Node, QueueDepth, Running};
use crate::domain::user::{Action, Actor};
use crate::storage::{node, queue};

/// Runs answered at most.
const MAX_RUNNING: i64 = 1_000;

/// A look at all nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nodes {
    pub nodes: Vec<Node>,
    /// What runs now, oldest first, at most a thousand.
    pub running: Vec<Running>,
    /// The queues of this node and those in which jobs wait, by name.
    pub queues: Vec<QueueDepth>,
}

impl Service {
    /// Nodes, queues, and what runs of the tasks within reach. How many jobs wait in a queue is told whoever they belong to:
    /// they all share it.
    ///
    /// # Errors
    /// [`super::Error::Forbidden`], [`super::Error::Internal`].
    pub async fn nodes(&self, actor: &Actor) -> Result<Nodes> {
        allow(actor, Action::See)?;
        let mut reader = self.database().read().await?;
        let mut queues = queue::depths(&mut reader).await?;
        for name in self.queues() {
            if !queues.iter().any(|queue| queue.name == *name) {
                queues.push(QueueDepth { name: name.clone(), waiting: 0 });
            }
        }
        queues.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Nodes {
            nodes: node::all(&mut reader).await?,
            running: node::running(&mut reader, &actor.reach, MAX_RUNNING).await?,
            queues,
        })
    }
}
