//! Response models of nodes and queues.

use chrono_tz::Tz;
use poem_openapi::Object;

use super::named::Timestamp;
use super::timestamp;
use crate::domain::node::Running;
use crate::service::Nodes;

/// The running processes and the queues.
#[derive(Default, Object)]
#[oai(rename = "Nodes", read_only_all)]
pub struct NodesView {
    nodes: Vec<NodeView>,
    queues: Vec<QueueView>,
}

/// A running Belfry process.
#[derive(Default, Object)]
#[oai(rename = "Node", read_only_all)]
pub struct NodeView {
    /// A ULID, new at each start.
    id: String,
    /// The machine's name, or the name in the settings.
    name: String,
    version: String,
    started_at: Timestamp,
    /// Its latest heartbeat.
    last_seen_at: Timestamp,
    /// The number of runs that it executes concurrently.
    workers: i64,
    /// How far its clock was ahead of the database's at its latest heartbeat, in milliseconds; null on SQLite.
    clock_offset_ms: Option<i64>,
    /// Its current runs, oldest first.
    running: Vec<RunningView>,
}

/// A current run.
#[derive(Default, Object)]
#[oai(rename = "RunningExecution", read_only_all)]
pub struct RunningView {
    execution_id: String,
    task_id: String,
    started_at: Timestamp,
}

/// A named queue.
#[derive(Default, Object)]
#[oai(rename = "Queue", read_only_all)]
pub struct QueueView {
    name: String,
    /// Runs that wait for a worker.
    waiting: i64,
}

impl From<Nodes> for NodesView {
    fn from(found: Nodes) -> Self {
        let at = |when| timestamp(when, Tz::UTC);
        let running_on = |id: &str| {
            let runs = found.running.iter().filter(|run| run.node_id == id);
            runs.map(|run: &Running| RunningView {
                execution_id: run.execution_id.clone(),
                task_id: run.task_id.clone(),
                started_at: at(run.started_at),
            })
            .collect()
        };
        let nodes = found.nodes.iter().map(|node| NodeView {
            id: node.identity.id.clone(),
            name: node.identity.name.clone(),
            version: node.version.clone(),
            started_at: at(node.started_at),
            last_seen_at: at(node.last_seen_at),
            workers: node.workers,
            clock_offset_ms: node.clock_offset_ms,
            running: running_on(&node.identity.id),
        });
        let queues = found.queues.iter().map(|queue| QueueView { name: queue.name.clone(), waiting: queue.waiting });
        Self { nodes: nodes.collect(), queues: queues.collect() }
    }
}
