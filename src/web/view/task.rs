//! One task.

use serde::Serialize;
use serde_json::Value;

use super::chart::{Chart, Column};
use super::executions::ExecutionRow;
use super::tasks::{TaskRow, task_href};
use super::versions::VersionRow;
use super::{Moment, View, shortened};
use crate::domain::chain::Link;
use crate::domain::stats::RunPoint;
use crate::web::urls::encode;
use crate::web::visit::Visit;

#[derive(Debug, Clone, Serialize)]
pub struct TaskPage {
    pub row: TaskRow,
    pub title: String,
    pub description: String,
    pub zone: String,
    /// The trigger and the policy as JSON.
    pub trigger: String,
    pub policy: String,
    pub created: Moment,
    pub updated: Moment,
    /// The tasks that its runs start when they end.
    pub chain: Vec<ChainLink>,
    pub upcoming: Vec<Moment>,
    pub notes: Vec<String>,
    /// Percent of runs that succeeded, of those that ended; `None` without runs.
    pub success_percent: Option<i64>,
    /// Its newest runs that have begun: how long each took, and how late it began.
    pub durations: Chart,
    pub latenesses: Chart,
    pub executions: Vec<ExecutionRow>,
    pub executions_href: String,
    /// The newest execution that is shown.
    pub newest: String,
    /// The newest few versions.
    pub versions: Vec<VersionRow>,
}

/// A task that is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChainLink {
    /// `success`, `failure` or `always`.
    pub on: &'static str,
    pub task_id: String,
    pub href: String,
    /// Parameters it is given, shortened; empty where none.
    pub params: String,
}

impl ChainLink {
    pub fn new(link: &Link) -> ChainLink {
        let params = if link.params.is_empty() { String::new() } else { shortened(&Value::Object(link.params.clone())) };
        ChainLink { on: link.on.as_str(), href: task_href(&link.task), task_id: link.task.clone(), params }
    }
}

/// One bar for each run that has a value, coloured by how it ended.
pub fn chart(visit: &Visit, runs: &[RunPoint], value: impl Fn(&RunPoint) -> Option<i64>) -> Chart {
    let zone = visit.service().zone();
    let column = |run: &RunPoint| {
        let (value, status) = (value(run)?, run.status.as_str());
        let began = run.started_at?.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S");
        Some(Column {
            href: format!("/executions/{}", encode(&run.id)),
            label: format!("{began} · {} · {}", visit.language.duration(value), visit.t(&format!("status.{status}"))),
            amounts: vec![(status, value.max(1))],
        })
    };
    Chart::new(runs.iter().filter_map(column).collect())
}

impl View for TaskPage {
    const TEMPLATE: &'static str = "pages/task.html";

    fn samples() -> Vec<Self> {
        super::samples::task_pages()
    }
}
