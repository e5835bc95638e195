//! Nodes: running Belfry processes.

use chrono::{DateTime, Duration, Utc};

/// A node is silent after this long without a heartbeat.
const NODE_TIMEOUT: Duration = Duration::seconds(30);
/// A node whose clock differs more than this from the database's does not decide which nodes are dead.
const MAX_CLOCK_OFFSET: Duration = Duration::seconds(30);

/// Whether a node with this clock offset may decide which nodes are dead.
#[must_use]
pub fn may_judge(clock_offset: Duration) -> bool {
    clock_offset.abs() <= MAX_CLOCK_OFFSET
}

/// Whether a node whose last heartbeat was at `last_seen_at` is silent: it counts as dead unless its process lock says otherwise.
pub fn is_silent(last_seen_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - last_seen_at > NODE_TIMEOUT
}

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
    /// How far its clock was ahead of the database's at the last heartbeat, in milliseconds. `None`: they are the same clock.
    pub clock_offset_ms: Option<i64>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_with_a_wrong_clock_judges_nobody() {
        for (seconds, expected) in [(0, true), (30, true), (-30, true), (31, false), (-3600, false)] {
            assert_eq!(may_judge(Duration::seconds(seconds)), expected, "{seconds}");
        }
    }

    #[test]
    fn node_is_silent_after_30_seconds() {
        let seen: DateTime<Utc> = "2026-11-21T08:00:00Z".parse().unwrap();
        assert!(!is_silent(seen, seen + Duration::seconds(30)));
        assert!(is_silent(seen, seen + Duration::milliseconds(30_001)));
        assert!(!is_silent(seen, seen - Duration::hours(1)), "the clock was set back");
    }
}
