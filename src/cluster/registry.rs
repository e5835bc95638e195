//! The node registry: this process's record with its heartbeat, and the nodes whose process is dead.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::process_lock::ProcessLock;
use crate::clock::{SharedClock, tick};
use crate::domain::node::{Node, NodeIdentity, is_silent, may_judge};
use crate::signals::WriteStatus;
use crate::storage::{Database, Result, execution, node};

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
                () = tick(HEARTBEAT_INTERVAL) => {}
            }
            let recorded = self.run_once(self.clock.now()).await;
            let was_failing = writes.set_failure(recorded.as_ref().err().map(ToString::to_string));
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

    /// Records one heartbeat, by the database's clock, so that the nodes' own clocks do not matter.
    pub async fn run_once(&self, now: DateTime<Utc>) -> Result<()> {
        let mut tx = self.database.write().await?;
        let database_time = node::database_time(&mut tx).await?;
        let offset = database_time.map(|time| now - time);
        let seen = database_time.unwrap_or(now);
        node::heartbeat(&mut tx, &self.node, self.workers, self.started_at, seen, offset).await?;
        tx.commit().await
    }

    /// The other nodes whose process is dead.
    pub async fn dead_nodes(&self, now: DateTime<Utc>) -> Result<Vec<Node>> {
        let mut reader = self.database.read_engine().await?;
        let time = node::database_time(&mut reader).await?.unwrap_or(now);
        let mut nodes = node::all(&mut reader).await?;
        let judges = may_judge(now - time);
        let silent = nodes.iter().any(|node| node.identity.id != self.node.id && is_silent(node.last_seen_at, time));
        if !judges && silent {
            tracing::warn!(
                seconds = (now - time).num_seconds(),
                "this node's clock differs too much from the database's to take over the runs of silent nodes"
            );
        }
        nodes.retain(|node| self.process_lock.is_dead(node, judges.then_some(time)));
        Ok(nodes)
    }

    /// Deletes this node's record after an orderly stop. If the database fails, another node does it. A node with runs that
    /// have no recorded end keeps its record, so that the next process recovers them; what has not begun waits again.
    pub async fn deregister(&self) -> Result<()> {
        let mut tx = self.database.write().await?;
        execution::release(&mut tx, &self.node.id, &[]).await?;
        if !node::running_on(&mut tx, &self.node.id, 1).await?.is_empty() {
            tracing::warn!("some executions of this node have no recorded end; another process will recover them");
            return tx.commit().await;
        }
        node::delete(&mut tx, &self.node.id).await?;
        tx.commit().await
    }
}
