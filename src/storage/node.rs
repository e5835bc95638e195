//! Nodes: the running processes, and what a process that is gone left behind.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, QueryBuilder};

use super::database::on_session;
use super::task::read_policy;
use super::{Error, Result, Session, instant, millis, reach};
use crate::domain::node::{Node, NodeIdentity, Running};
use crate::domain::permission::Reach;
use crate::domain::policy::Policy;

/// Records that a node is alive, and how many runs it takes at once.
///
/// # Errors
/// Where the database fails.
pub async fn seen(
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

/// All nodes on record, by id (the order in which they started).
///
/// # Errors
/// Where the database fails.
pub async fn all(s: &mut dyn Session) -> Result<Vec<Node>> {
    let text = "select id, name, version, started_at, last_seen_at, workers from nodes order by id";
    type Row = (String, String, String, i64, i64, i64);
    let found: Vec<Row> = on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(text)).fetch_all(&mut *conn).await)
        .map_err(Error::on("read the nodes"))?;
    let node = |(id, name, version, started_at, last_seen_at, workers): Row| {
        let (started_at, last_seen_at) = (instant(started_at)?, instant(last_seen_at)?);
        Ok(Node { identity: NodeIdentity { id, name }, version, started_at, last_seen_at, workers })
    };
    found.into_iter().map(node).collect()
}

/// What runs now on all nodes, of the tasks within reach, oldest first, at most `limit`.
///
/// # Errors
/// Where the database fails.
pub async fn running(s: &mut dyn Session, within: &Reach, limit: i64) -> Result<Vec<Running>> {
    let text = "select node_id, id, task_id, started_at from executions
        where status in ('queued', 'running') and status = 'running' and node_id is not null and started_at is not null";
    let found: Vec<(String, String, String, i64)> = on_session!(s, |conn, _dialect| {
        let mut query = QueryBuilder::new(text);
        reach::push(&mut query, "task_id", within);
        query.push(" order by id limit ").push_bind(limit);
        query.build_query_as().fetch_all(&mut *conn).await
    })
    .map_err(Error::on("read what runs"))?;
    let running = |(node_id, execution_id, task_id, started_at)| {
        Ok(Running { node_id, execution_id, task_id, started_at: instant(started_at)? })
    };
    found.into_iter().map(running).collect()
}

/// Forgets a node.
///
/// # Errors
/// Where the database fails.
pub async fn forget(s: &mut dyn Session, node_id: &str) -> Result<()> {
    on_session!(s, |conn, dialect| {
        sqlx::query(dialect.sql("delete from nodes where id = $1")).bind(node_id).execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("forget a node"))
}

/// A run that was going on when its node was lost.
#[derive(Debug, Clone, PartialEq)]
pub struct Stranded {
    pub execution_id: String,
    pub task_id: String,
    pub attempt: i64,
    pub started_at: DateTime<Utc>,
    /// The task's present policy; `None` where the task is gone.
    pub policy: Option<Policy>,
    pub cancel_requested: bool,
}

/// The runs that a node holds, at most `limit`.
///
/// # Errors
/// Where the database fails.
pub async fn running_on(s: &mut dyn Session, node_id: &str, limit: i64) -> Result<Vec<Stranded>> {
    let text = "select e.id, e.task_id, e.attempt, e.started_at, e.cancel_requested, t.policy
        from executions e left join tasks t on t.id = e.task_id
        where e.status = 'running' and e.node_id = $1 order by e.id limit $2";
    let found: Vec<StrandedRow> = on_session!(s, |conn, dialect| {
        sqlx::query_as(dialect.sql(text)).bind(node_id).bind(limit).fetch_all(&mut *conn).await
    })
    .map_err(Error::on("read the runs of a node"))?;
    let stranded = |row: StrandedRow| {
        Ok(Stranded {
            execution_id: row.id,
            task_id: row.task_id,
            attempt: row.attempt,
            started_at: instant(row.started_at.unwrap_or_default())?,
            policy: row.policy.as_deref().map(read_policy).transpose()?,
            cancel_requested: row.cancel_requested,
        })
    };
    found.into_iter().map(stranded).collect()
}

#[derive(Debug, FromRow)]
struct StrandedRow {
    id: String,
    task_id: String,
    attempt: i64,
    started_at: Option<i64>,
    cancel_requested: bool,
    policy: Option<String>,
}
