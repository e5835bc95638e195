//! One task.

use serde::Serialize;

use super::chart::{Chart, Column};
use super::executions::ExecutionRow;
use super::tasks::TaskRow;
use super::versions::VersionRow;
use super::{Moment, View};
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
