//! Executions list.

use serde::Serialize;

use super::context::ViewContext;
use super::saved_views::ViewMenu;
use super::tasks::task_href;
use super::{Choice, Moment, Pager, View, pretty, shortened, status_code, type_title};
use crate::domain::execution::Execution;
use crate::web::urls::encode;

mod samples;

#[derive(Debug, Clone, Serialize)]
pub struct ExecutionList {
    pub filter: Filter,
    pub types: Vec<Choice>,
    pub statuses: Vec<Choice>,
    pub causes: Vec<Choice>,
    /// Predefined time ranges.
    pub ranges: Vec<Range>,
    pub rows: Vec<ExecutionRow>,
    pub pager: Pager,
    /// The newest execution on the page; the script offers to load newer ones.
    pub newest: String,
    /// This is the first page, where newer executions appear at the top.
    pub first: bool,
    /// Error message about the filter; empty if it is valid.
    pub fault: String,
    /// Time zone of the times in the filter; empty without times.
    pub zone: String,
    /// Download URLs.
    pub csv: String,
    pub json: String,
    pub menu: ViewMenu,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Range {
    pub key: &'static str,
    pub href: String,
    pub active: bool,
}

/// The filter as submitted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Filter {
    pub search: String,
    pub task_id: String,
    pub r#type: String,
    pub statuses: Vec<String>,
    pub cause: String,
    pub from: String,
    pub to: String,
    pub range: String,
    pub active: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExecutionRow {
    pub id: String,
    pub href: String,
    pub task_id: String,
    pub task_href: String,
    pub r#type: String,
    pub type_title: String,
    pub expression: String,
    pub params: String,
    pub params_json: String,
    pub status: &'static str,
    pub cause: &'static str,
    pub due: Moment,
    pub started: Option<Moment>,
    pub duration: Option<i64>,
    pub lateness: Option<i64>,
    pub attempt: i64,
    pub node: String,
    pub requested_by: String,
    pub error: String,
    pub is_final: bool,
}

impl ExecutionRow {
    pub fn new(ctx: &ViewContext, execution: &Execution) -> ExecutionRow {
        let zone = ctx.zone;
        ExecutionRow {
            id: execution.id.clone(),
            href: format!("/executions/{}", encode(&execution.id)),
            task_id: execution.task_id.clone(),
            task_href: task_href(&execution.task_id),
            r#type: execution.task_type.clone(),
            type_title: type_title(&execution.task_type, ctx),
            expression: execution.schedule_text.clone(),
            params: shortened(&execution.params),
            params_json: pretty(&execution.params),
            status: status_code(execution.status),
            cause: execution.cause.as_str(),
            due: Moment::precise(execution.scheduled_at, zone),
            started: execution.started_at.map(|at| Moment::precise(at, zone)),
            duration: execution.duration_ms,
            lateness: execution.lateness_ms,
            attempt: execution.attempt,
            node: execution.node.clone().unwrap_or_default(),
            requested_by: execution.requested_by.clone().unwrap_or_default(),
            error: execution.error_text(ctx.language),
            is_final: execution.status.is_final(),
        }
    }

    pub fn sample(status: &'static str) -> ExecutionRow {
        samples::execution_row(status)
    }
}

impl View for ExecutionList {
    const TEMPLATE: &'static str = "pages/executions.html";

    fn samples() -> Vec<Self> {
        samples::execution_lists()
    }
}

/// Updated rows.
#[derive(Debug, Clone, Serialize)]
pub struct ExecutionRows {
    pub rows: Vec<ExecutionRow>,
}

impl View for ExecutionRows {
    const TEMPLATE: &'static str = "fragments/execution_rows.html";

    fn samples() -> Vec<Self> {
        vec![ExecutionRows { rows: vec![ExecutionRow::sample("running")] }]
    }
}
