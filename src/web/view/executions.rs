//! Executions list.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::context::ViewContext;
use super::display::DisplayMenu;
use super::saved_views::ViewMenu;
use super::tasks::{SortHead, task_href};
use super::{Choice, Moment, Pager, View, pretty, status_code, summarized, type_title};
use crate::domain::execution::{Execution, Status};
use crate::domain::input::truncate;
use crate::web::urls::encode;

mod samples;

/// The longest line of an error in a list, in characters.
const ERROR_LINE: usize = 500;

#[derive(Debug, Clone, Serialize)]
pub struct ExecutionList {
    pub filter: Filter,
    pub types: Vec<Choice>,
    pub statuses: Vec<Choice>,
    pub causes: Vec<Choice>,
    /// Predefined time ranges.
    pub ranges: Vec<Range>,
    /// The tabs and the histogram, drawn.
    pub workbench: String,
    /// Sort links of the columns started and duration.
    pub heads: Vec<SortHead>,
    /// URL of the list in its own order; empty if it is not sorted otherwise.
    pub unsorted: String,
    /// The rows, drawn.
    pub rows: String,
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
    pub display: DisplayMenu,
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
    pub sort: String,
    pub active: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExecutionRow {
    pub id: String,
    pub href: String,
    pub task_id: String,
    /// Empty if the task was deleted.
    pub task_href: String,
    pub r#type: String,
    pub type_title: String,
    pub expression: String,
    pub params: String,
    /// The parameters for the tooltip; empty if `params` has all of them.
    pub params_title: String,
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
    /// The first line of the error, for lists.
    pub error_line: String,
    pub is_final: bool,
}

/// What of an execution its row shows: with another state the row is drawn again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionState {
    status: Status,
    attempt: i64,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    node: Option<String>,
    task_exists: bool,
}

impl ExecutionState {
    pub fn new(execution: &Execution, task_exists: bool) -> ExecutionState {
        ExecutionState {
            status: execution.status,
            attempt: execution.attempt,
            started_at: execution.started_at,
            finished_at: execution.finished_at,
            node: execution.node.clone(),
            task_exists,
        }
    }
}

/// A row to be drawn.
#[derive(Debug, Clone, Serialize)]
pub struct DrawnExecutionRow {
    pub run: ExecutionRow,
    /// Whether the reader may select it.
    pub can_run: bool,
}

impl View for DrawnExecutionRow {
    const TEMPLATE: &'static str = "fragments/execution_row.html";

    fn samples() -> Vec<Self> {
        let sample =
            |status: Status| DrawnExecutionRow { run: ExecutionRow::sample(status.as_str()), can_run: status.is_final() };
        Status::ALL.map(sample).into()
    }
}

impl ExecutionRow {
    pub fn new(ctx: &ViewContext, execution: &Execution, task_exists: bool) -> ExecutionRow {
        let zone = ctx.zone;
        let (params, params_title) = summarized(&execution.params);
        let error = execution.error_text(ctx.language);
        ExecutionRow {
            id: execution.id.clone(),
            href: format!("/executions/{}", encode(&execution.id)),
            task_id: execution.task_id.clone(),
            task_href: if task_exists { task_href(&execution.task_id) } else { String::new() },
            r#type: execution.task_type.clone(),
            type_title: type_title(&execution.task_type, ctx),
            expression: execution.schedule_text.clone(),
            params,
            params_title,
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
            error_line: truncate(error.lines().next().unwrap_or_default(), ERROR_LINE),
            error,
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
