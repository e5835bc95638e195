//! Nodes: running processes, and runs orphaned by processes that died.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, QueryBuilder};

use super::database::on_session;
use super::task::read_policy;
use super::{Error, Result, Session, millis, tag_scope, time_from_millis};
use crate::domain::node::{Node, NodeIdentity, Running};
use crate::domain::permission::TagScope;
use crate::domain::policy::Policy;

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
    on_session!(s, |conn, dialect| {
        sqlx::query(dialect.sql(text))
            .bind(&node.id)
            .bind(&node.name)
            .bind(env!("CARGO_PKG_VERSION"))
            .bind(millis(started_at))
            .bind(millis(now))
            .bind(workers)
            .execute(&mut *conn)
            .await
            .map(drop)
    })
    .map_err(Error::on("record the heartbeat"))
}

/// Returns all nodes ordered by id, that is by start.
pub async fn all(s: &mut dyn Session) -> Result<Vec<Node>> {
    let text = "select id, name, version, started_at, last_seen_at, workers from nodes order by id";
    type Row = (String, String, String, i64, i64, i64);
    let found: Vec<Row> = on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(text)).fetch_all(&mut *conn).await)
        .map_err(Error::on("read the nodes"))?;
    let node = |(id, name, version, started_at, last_seen_at, workers): Row| {
        let (started_at, last_seen_at) = (time_from_millis(started_at)?, time_from_millis(last_seen_at)?);
        Ok(Node { identity: NodeIdentity { id, name }, version, started_at, last_seen_at, workers })
    };
    found.into_iter().map(node).collect()
}

/// Returns the runs of all nodes for the tasks in scope, oldest first, at most `limit`.
pub async fn running(s: &mut dyn Session, scope: &TagScope, limit: i64) -> Result<Vec<Running>> {
    let text = "select node_id, id, task_id, started_at from executions
        where status in ('queued', 'running') and status = 'running' and node_id is not null and started_at is not null";
    let found: Vec<(String, String, String, i64)> = on_session!(s, |conn, _dialect| {
        let mut query = QueryBuilder::new(text);
        tag_scope::push(&mut query, "task_id", scope);
        query.push(" order by id limit ").push_bind(limit);
        query.build_query_as().fetch_all(&mut *conn).await
    })
    .map_err(Error::on("read running executions"))?;
    let running = |(node_id, execution_id, task_id, started_at)| {
        Ok(Running { node_id, execution_id, task_id, started_at: time_from_millis(started_at)? })
    };
    found.into_iter().map(running).collect()
}

/// Deletes a node.
pub async fn delete(s: &mut dyn Session, node_id: &str) -> Result<()> {
    on_session!(s, |conn, dialect| {
        sqlx::query(dialect.sql("delete from nodes where id = $1")).bind(node_id).execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("delete a node"))
}

/// A run whose node died while executing it.
#[derive(Debug, Clone, PartialEq)]
pub struct OrphanedRun {
    pub execution_id: String,
    pub task_id: String,
    pub attempt: i64,
    pub started_at: DateTime<Utc>,
    /// The task's current policy; `None` if the task was deleted.
    pub policy: Option<Policy>,
    pub cancel_requested: bool,
}

/// Returns at most `limit` runs claimed by a node.
pub async fn running_on(s: &mut dyn Session, node_id: &str, limit: i64) -> Result<Vec<OrphanedRun>> {
    let text = "select e.id, e.task_id, e.attempt, e.started_at, e.cancel_requested, t.policy
        from executions e left join tasks t on t.id = e.task_id
        where e.status = 'running' and e.node_id = $1 order by e.id limit $2";
    let found: Vec<OrphanedRunRow> = on_session!(s, |conn, dialect| {
        sqlx::query_as(dialect.sql(text)).bind(node_id).bind(limit).fetch_all(&mut *conn).await
    })
    .map_err(Error::on("read the runs of a node"))?;
    let orphaned_run = |row: OrphanedRunRow| {
        Ok(OrphanedRun {
            execution_id: row.id,
            task_id: row.task_id,
            attempt: row.attempt,
            started_at: time_from_millis(row.started_at.unwrap_or_default())?,
            policy: row.policy.as_deref().map(read_policy).transpose()?,
            cancel_requested: row.cancel_requested,
        })
    };
    found.into_iter().map(orphaned_run).collect()
}

#[derive(Debug, FromRow)]
struct OrphanedRunRow {
    id: String,
    task_id: String,
    attempt: i64,
    started_at: Option<i64>,
    cancel_requested: bool,
    policy: Option<String>,
}
