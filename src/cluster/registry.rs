//! The node registry: this process's record with its heartbeat, and the nodes whose process is dead.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::process_lock::ProcessLock;
use crate::clock::SharedClock;
use crate::domain::node::{Node, NodeIdentity};
use crate::queue::jobs;
use crate::signals::WriteStatus;
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
    /// Records heartbeats until all work of this node has ended, then deregisters the node. Each heartbeat also tells whether
    /// the database takes writes.
    pub async fn run(&self, drained: CancellationToken, writes: WriteStatus) {
        loop {
            tokio::select! {
                () = drained.cancelled() => break,
                () = tokio::time::sleep(HEARTBEAT_INTERVAL) => {}
            }
            let recorded = self.run_once(self.clock.now()).await;
            let was_failing = writes.set_failing(recorded.is_err());
            match recorded {
                Err(error) if !was_failing => {
                    tracing::error!(error = &error as &dyn std::error::Error, "failed to record heartbeat; retrying");
                }
                Ok(()) if was_failing => tracing::info!("database takes writes again"),
                _ => {}
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

    /// Deletes this node's record after an orderly stop. If the database fails, another node does it. A node with runs that
    /// have no recorded end keeps its record, so that the next process recovers them.
    pub async fn deregister(&self) -> Result<()> {
        let mut tx = self.database.write().await?;
        if !node::running_on(&mut tx, &self.node.id, 1).await?.is_empty() {
            tracing::warn!("some executions of this node have no recorded end; another process will recover them");
            return Ok(());
        }
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
