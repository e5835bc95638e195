//! View of one task.

use serde::Serialize;
use serde_json::Value;

use super::chart::{Chart, Column};
use super::context::ViewContext;
use super::executions::ExecutionRow;
use super::tasks::{TaskRow, task_href};
use super::versions::VersionRow;
use super::{Moment, View, shortened};
use crate::domain::chain::Link;
use crate::domain::stats::RunPoint;
use crate::web::urls::encode;

mod samples;

#[derive(Debug, Clone, Serialize)]
pub struct TaskPage {
    pub row: TaskRow,
    pub title: String,
    pub description: String,
    pub zone: String,
    /// Trigger as JSON.
    pub trigger: String,
    pub policy: String,
    pub created: Moment,
    pub updated: Moment,
    /// Tasks that run after it.
    pub chain: Vec<ChainLink>,
    pub upcoming: Vec<Moment>,
    pub notes: Vec<String>,
    /// Successful runs in percent of ended runs; `None` without runs.
    pub success_percent: Option<i64>,
    /// Durations and start delays of its latest started runs.
    pub durations: Chart,
    pub start_delays: Chart,
    pub executions: Vec<ExecutionRow>,
    pub executions_href: String,
    /// Id of the newest execution shown.
    pub newest: String,
    /// The latest versions.
    pub versions: Vec<VersionRow>,
}

/// A task started by a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChainLink {
    /// `success`, `failure` or `always`.
    pub on: &'static str,
    pub task_id: String,
    pub href: String,
    /// Parameter overrides, shortened; empty without any.
    pub params: String,
}

impl ChainLink {
    pub fn new(link: &Link) -> ChainLink {
        let params = if link.params.is_empty() { String::new() } else { shortened(&Value::Object(link.params.clone())) };
        ChainLink { on: link.on.as_str(), href: task_href(&link.task), task_id: link.task.clone(), params }
    }
}

/// Builds a chart with one bar per run that has a value, colored by status.
pub fn chart(ctx: &ViewContext, runs: &[RunPoint], value: impl Fn(&RunPoint) -> Option<i64>) -> Chart {
    let zone = ctx.zone;
    let column = |run: &RunPoint| {
        let (value, status) = (value(run)?, run.status.as_str());
        let began = run.started_at?.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S");
        Some(Column {
            href: format!("/executions/{}", encode(&run.id)),
            label: format!("{began} · {} · {}", ctx.language.duration(value), ctx.t(&format!("status.{status}"))),
            amounts: vec![(status, value.max(1))],
        })
    };
    Chart::new(runs.iter().filter_map(column).collect())
}

impl View for TaskPage {
    const TEMPLATE: &'static str = "pages/task.html";

    fn samples() -> Vec<Self> {
        samples::task_pages()
    }
}
