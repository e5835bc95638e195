//! A node: one running Belfry process.

use chrono::{DateTime, Duration, Utc};

/// A process of another machine is held for dead after this long without a heartbeat.
pub const SILENCE: Duration = Duration::seconds(30);

/// Who a process is, for as long as it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeIdentity {
    /// A ULID, new at each start: results count only from the process that holds a run.
    pub id: String,
    /// The machine's name, or what the settings say; shown to people.
    pub name: String,
}

/// A node as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub identity: NodeIdentity,
    pub version: String,
    pub started_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    /// Runs that it takes at once.
    pub workers: i64,
}

/// A run that is going on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    pub node_id: String,
    pub execution_id: String,
    pub task_id: String,
    pub started_at: DateTime<Utc>,
}

/// A named queue, and how many jobs wait in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueDepth {
    pub name: String,
    pub waiting: i64,
}
