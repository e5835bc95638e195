//! Nodes: running processes, and runs orphaned by processes that died.

use chrono::{DateTime, Duration, Utc};

use super::column::{ExecutionId, stored};
use super::statement::{QueryBuilder, execute, fetch, fetch_built};
use super::{Conn, Error, Result, Session, millis, tag_scope, time_from_millis};
use crate::domain::node::{Node, NodeIdentity, Running};
use crate::domain::policy::Policy;
use crate::domain::tag_scope::TagScope;

/// Inserts a node or updates its heartbeat. `workers`: the number of runs it executes at once; `now`: by the database's clock;
/// `clock_offset`: how far the node's clock is ahead of it.
pub async fn heartbeat(
    s: &mut dyn Session,
    node: &NodeIdentity,
    workers: i64,
    started_at: DateTime<Utc>,
    now: DateTime<Utc>,
    clock_offset: Option<Duration>,
) -> Result<()> {
    let text = "insert into nodes (id, name, version, started_at, last_seen_at, workers, clock_offset_ms)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (id) do update set last_seen_at = excluded.last_seen_at, clock_offset_ms = excluded.clock_offset_ms";
    execute!(
        s,
        "record the heartbeat",
        text,
        &node.id,
        &node.name,
        env!("CARGO_PKG_VERSION"),
        millis(started_at),
        millis(now),
        workers,
        clock_offset.map(|offset| offset.num_milliseconds())
    )
    .map(drop)
}

/// Returns the time of the database server. `None` for SQLite, which has no clock of its own.
pub async fn database_time(s: &mut dyn Session) -> Result<Option<DateTime<Utc>>> {
    let Conn::Postgres(conn) = s.conn() else { return Ok(None) };
    let text = "select cast(floor(extract(epoch from clock_timestamp()) * 1000) as bigint)";
    let now: i64 = sqlx::query_scalar(text).fetch_one(&mut *conn).await.map_err(Error::on("read the database's clock"))?;
    time_from_millis(now).map(Some)
}

/// Returns all nodes ordered by id, that is by start.
pub async fn all(s: &mut dyn Session) -> Result<Vec<Node>> {
    let text = format!("select {COLUMNS} from nodes order by id");
    fetch!(all, s, "read the nodes", &text)
}

stored! {
    COLUMNS: Node { version, started_at, last_seen_at, workers, clock_offset_ms; nested identity: NodeIdentity { id, name } }
}

/// Returns the runs of all nodes for the tasks in scope, oldest first, at most `limit`.
pub async fn running(s: &mut dyn Session, scope: &TagScope, limit: i64) -> Result<Vec<Running>> {
    let text = "select node_id, id as execution_id, task_id, started_at from executions
        where status in ('queued', 'running') and status = 'running' and node_id is not null and started_at is not null";
    let mut query = QueryBuilder::new(text);
    tag_scope::push(&mut query, "task_id", scope);
    query.push(" order by +id limit ").push_bind(limit);
    fetch_built!(all, s, "read running executions", query)
}

stored! {
    Running { node_id, execution_id via ExecutionId, task_id, started_at }
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

/// Returns at most `limit` runs held by a node. One without a start began as soon as it was queued.
pub async fn running_on(s: &mut dyn Session, node_id: &str, limit: i64) -> Result<Vec<OrphanedRun>> {
    fetch!(all, s, "read the runs of a node", HELD_BY, node_id, limit)
}

/// Not sorted: the active executions are read until there are enough.
pub(super) const HELD_BY: &str = "
    select e.id as execution_id, e.task_id, e.attempt, coalesce(e.started_at, e.queued_at) as started_at, e.crashes,
        e.cancel_requested, t.policy
    from executions e left join tasks t on t.id = e.task_id
    where e.status in ('queued', 'running') and e.node_id = $1 limit $2";

stored! {
    OrphanedRun { execution_id via ExecutionId, task_id, attempt, started_at, crashes, policy, cancel_requested }
}
