//! The node registry: this process's record with its heartbeat, and the nodes whose process is dead.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::process_lock::ProcessLock;
use crate::clock::SharedClock;
use crate::domain::node::{Node, NodeIdentity};
use crate::queue::jobs;
use crate::storage::{Database, Result, Tx, node};

const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(5);

/// The registry as one process sees it; clones share the same lock.
#[derive(Clone)]
pub struct NodeRegistry {
    pub database: Database,
    pub clock: SharedClock,
    pub node: NodeIdentity,
    pub process_lock: Arc<ProcessLock>,
    pub started_at: DateTime<Utc>,
    /// How many runs this node executes at the same time.
    pub workers: i64,
}

impl NodeRegistry {
    /// Records heartbeats until all work of this node has ended, then deregisters the node.
    pub async fn run(&self, drained: CancellationToken) {
        loop {
            tokio::select! {
                () = drained.cancelled() => break,
                () = tokio::time::sleep(HEARTBEAT_INTERVAL) => {}
            }
            if let Err(error) = self.run_once(self.clock.now()).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "failed to record heartbeat; retrying");
            }
        }
        if let Err(error) = self.deregister().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "failed to deregister this node; another node will remove it"
            );
        }
    }

    /// Records one heartbeat.
    pub async fn run_once(&self, now: DateTime<Utc>) -> Result<()> {
        let mut tx = self.database.write().await?;
        node::heartbeat(&mut tx, &self.node, self.workers, self.started_at, now).await?;
        tx.commit().await
    }

    /// The other nodes whose process is dead.
    pub async fn dead_nodes(&self, now: DateTime<Utc>) -> Result<Vec<Node>> {
        let mut nodes = node::all(&mut self.database.read().await?).await?;
        nodes.retain(|node| self.process_lock.is_dead(node, now));
        Ok(nodes)
    }

    /// Deletes this node's record after an orderly stop. If the database fails, another node does it.
    pub async fn deregister(&self) -> Result<()> {
        let mut tx = self.database.write().await?;
        remove(&mut tx, &self.node.id).await?;
        tx.commit().await
    }
}

/// Deletes a node and its workers that hold no job.
pub async fn remove(tx: &mut Tx, node_id: &str) -> Result<()> {
    let workers = jobs::workers_of_node(tx, node_id).await?;
    jobs::delete_workers(tx, &workers).await?;
    node::delete(tx, node_id).await
}
