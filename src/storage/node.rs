//! Nodes: running processes, and runs orphaned by processes that died.

use chrono::{DateTime, Utc};

use super::column::stored;
use super::statement::{QueryBuilder, execute, fetch, fetch_built};
use super::{Result, Session, millis, tag_scope};
use crate::domain::node::{Node, NodeIdentity, Running};
use crate::domain::policy::Policy;
use crate::domain::tag_scope::TagScope;

/// Inserts a node or updates its `last_seen_at`; `workers` is the number of runs it executes at once.
pub async fn heartbeat(
    s: &mut dyn Session,
    node: &NodeIdentity,
    workers: i64,
    started_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<()> {
    let text = "insert into nodes (id, name, version, started_at, last_seen_at, workers) values ($1, $2, $3, $4, $5, $6)
        on conflict (id) do update set last_seen_at = excluded.last_seen_at";
    execute!(
        s,
        "record the heartbeat",
        text,
        &node.id,
        &node.name,
        env!("CARGO_PKG_VERSION"),
        millis(started_at),
        millis(now),
        workers
    )
    .map(drop)
}

/// Returns all nodes ordered by id, that is by start.
pub async fn all(s: &mut dyn Session) -> Result<Vec<Node>> {
    let text = format!("select {COLUMNS} from nodes order by id");
    fetch!(all, s, "read the nodes", &text)
}

stored! {
    COLUMNS: Node { version, started_at, last_seen_at, workers; nested identity: NodeIdentity { id, name } }
}

/// Returns the runs of all nodes for the tasks in scope, oldest first, at most `limit`.
pub async fn running(s: &mut dyn Session, scope: &TagScope, limit: i64) -> Result<Vec<Running>> {
    let text = "select node_id, id as execution_id, task_id, started_at from executions
        where status in ('queued', 'running') and status = 'running' and node_id is not null and started_at is not null";
    let mut query = QueryBuilder::new(text);
    tag_scope::push(&mut query, "task_id", scope);
    query.push(" order by id limit ").push_bind(limit);
    fetch_built!(all, s, "read running executions", query)
}

stored! {
    Running { node_id, execution_id, task_id, started_at }
}

/// Deletes a node.
pub async fn delete(s: &mut dyn Session, node_id: &str) -> Result<()> {
    execute!(s, "delete a node", "delete from nodes where id = $1", node_id).map(drop)
}

/// A run whose node died while executing it.
#[derive(Debug, Clone, PartialEq)]
pub struct OrphanedRun {
    pub execution_id: String,
    pub task_id: String,
    pub attempt: i64,
    pub started_at: DateTime<Utc>,
    /// How often a process died during this execution before.
    pub crashes: i64,
    /// The task's current policy; `None` if the task was deleted.
    pub policy: Option<Policy>,
    pub cancel_requested: bool,
}

/// Returns at most `limit` runs claimed by a node.
pub async fn running_on(s: &mut dyn Session, node_id: &str, limit: i64) -> Result<Vec<OrphanedRun>> {
    let text = "select e.id as execution_id, e.task_id, e.attempt, coalesce(e.started_at, 0) as started_at, e.crashes, e.cancel_requested, t.policy
        from executions e left join tasks t on t.id = e.task_id
        where e.status = 'running' and e.node_id = $1 order by e.id limit $2";
    fetch!(all, s, "read the runs of a node", text, node_id, limit)
}

stored! {
    OrphanedRun { execution_id, task_id, attempt, started_at, crashes, policy, cancel_requested }
}
