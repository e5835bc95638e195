//! One task.

use serde::Serialize;

use super::executions::ExecutionRow;
use super::tasks::TaskRow;
use super::{Moment, View};

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
    pub executions: Vec<ExecutionRow>,
    pub executions_href: String,
    /// The newest execution that is shown.
    pub newest: String,
}

impl View for TaskPage {
    const TEMPLATE: &'static str = "pages/task.html";

    fn samples() -> Vec<Self> {
        super::samples::task_pages()
    }
}
