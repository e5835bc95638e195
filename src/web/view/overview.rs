//! The overview: how things stand.

use serde::Serialize;

use super::executions::ExecutionRow;
use super::{Moment, View};

#[derive(Debug, Clone, Serialize)]
pub struct Overview {
    /// `empty`, `well` or `failing`: the key of the verdict.
    pub verdict: &'static str,
    pub failing: i64,
    pub tasks: i64,
    pub enabled: i64,
    pub running: i64,
    pub queued: i64,
    pub ran: i64,
    pub failed: i64,
    pub success_percent: Option<i64>,
    pub lateness: Option<i64>,
    pub duration: Option<i64>,
    pub due: Vec<Due>,
    pub failures: Vec<ExecutionRow>,
    pub current: Vec<ExecutionRow>,
    pub day_ago: String,
    pub newest: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct Due {
    pub task_id: String,
    pub name: String,
    pub href: String,
    pub at: Moment,
}

impl View for Overview {
    const TEMPLATE: &'static str = "pages/overview.html";

    fn samples() -> Vec<Self> {
        super::samples::overviews()
    }
}
