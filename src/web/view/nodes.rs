//! View of the nodes page: running processes, their runs and the queues.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::context::ViewContext;
use super::tasks::task_href;
use super::{Moment, View};
use crate::domain::node::{Node, Running, is_silent};
use crate::service;
use crate::web::urls::{encode, with_query};

/// Maximum number of runs shown per node.
const SHOWN: usize = 50;

#[derive(Debug, Clone, Serialize)]
pub struct NodesPage {
    pub nodes: Vec<NodeCard>,
    pub queues: Vec<QueueRow>,
    pub running: usize,
    pub workers: i64,
    pub waiting: i64,
    /// URL of the list of waiting executions.
    pub waiting_href: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeCard {
    pub id: String,
    pub name: String,
    pub version: String,
    pub started: Moment,
    pub seen: Moment,
    /// Whether its last heartbeat is recent.
    pub alive: bool,
    /// Seconds by which its clock is ahead of the database's; empty if they agree.
    pub clock_offset: String,
    pub workers: i64,
    pub busy: usize,
    pub runs: Vec<NodeRun>,
    /// Number of runs not shown.
    pub more: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeRun {
    pub task_id: String,
    pub task_href: String,
    pub href: String,
    pub started: Moment,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueueRow {
    pub name: String,
    pub waiting: i64,
}

impl NodesPage {
    pub fn new(ctx: &ViewContext, found: &service::Nodes) -> NodesPage {
        let nodes: Vec<_> = found.nodes.iter().map(|node| NodeCard::new(ctx, node, &found.running, found.now)).collect();
        let alive = nodes.iter().filter(|node| node.alive);
        NodesPage {
            running: found.running.len(),
            workers: alive.map(|node| node.workers).sum(),
            waiting: found.queues.iter().map(|queue| queue.waiting).sum(),
            waiting_href: with_query("/executions", &[("status", "queued")]),
            queues: found.queues.iter().map(|queue| QueueRow { name: queue.name.clone(), waiting: queue.waiting }).collect(),
            nodes,
        }
    }
}

impl NodeCard {
    fn new(ctx: &ViewContext, node: &Node, running: &[Running], now: DateTime<Utc>) -> NodeCard {
        let zone = ctx.zone;
        let here: Vec<_> = running.iter().filter(|run| run.node_id == node.identity.id).collect();
        let runs = here.iter().take(SHOWN).map(|run| NodeRun {
            task_href: task_href(&run.task_id),
            task_id: run.task_id.clone(),
            href: format!("/executions/{}", encode(&run.execution_id)),
            started: Moment::new(run.started_at, zone),
        });
        NodeCard {
            id: node.identity.id.clone(),
            name: node.identity.name.clone(),
            version: node.version.clone(),
            started: Moment::new(node.started_at, zone),
            seen: Moment::new(node.last_seen_at, zone),
            alive: !is_silent(node.last_seen_at, now),
            clock_offset: node.clock_offset_ms.map(clock_offset).unwrap_or_default(),
            workers: node.workers,
            runs: runs.collect(),
            busy: here.len(),
            more: here.len().saturating_sub(SHOWN),
        }
    }
}

/// A clock offset in seconds, such as `-33`; empty below one second.
fn clock_offset(millis: i64) -> String {
    match millis / 1000 {
        0 => String::new(),
        seconds => format!("{seconds:+}"),
    }
}

impl View for NodesPage {
    const TEMPLATE: &'static str = "pages/nodes.html";

    fn samples() -> Vec<Self> {
        let moment = || Moment::new(DateTime::UNIX_EPOCH, chrono_tz::Tz::UTC);
        let run =
            NodeRun { task_id: "<b>".into(), task_href: "/tasks/x".into(), href: "/executions/x".into(), started: moment() };
        let node = |alive: bool, workers| NodeCard {
            id: "01J".into(),
            name: "<b>".into(),
            version: "1.0.0".into(),
            started: moment(),
            seen: moment(),
            alive,
            clock_offset: if alive { "+33".into() } else { String::new() },
            workers,
            busy: usize::from(alive),
            runs: if alive { vec![run.clone()] } else { vec![] },
            more: usize::from(alive),
        };
        let queues = vec![QueueRow { name: "<b>".into(), waiting: 1234 }, QueueRow { name: "idle".into(), waiting: 0 }];
        let full = NodesPage {
            nodes: vec![node(true, 8), node(false, 0)],
            queues,
            running: 2,
            workers: 8,
            waiting: 1234,
            waiting_href: "/executions?status=queued".into(),
        };
        vec![full.clone(), NodesPage { nodes: vec![], waiting: 0, ..full }]
    }
}
