//! Nodes: running Belfry processes.

use chrono::{DateTime, Duration, Utc};

/// A process on another machine counts as dead after this long without a heartbeat.
pub const NODE_TIMEOUT: Duration = Duration::seconds(30);

/// The identity of a process, fixed while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeIdentity {
    /// A ULID, new at each start: results are accepted only from the process that owns the run.
    pub id: String,
    /// The display name: the machine's name unless the settings give one.
    pub name: String,
}

/// A node as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub identity: NodeIdentity,
    pub version: String,
    pub started_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    /// The number of runs it executes concurrently.
    pub workers: i64,
}

/// A run in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    pub node_id: String,
    pub execution_id: String,
    pub task_id: String,
    pub started_at: DateTime<Utc>,
}

/// A named queue and the number of jobs waiting in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueDepth {
    pub name: String,
    pub waiting: i64,
}
