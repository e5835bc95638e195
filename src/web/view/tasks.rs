//! Tasks list.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use super::context::ViewContext;
use super::display::DisplayMenu;
use super::params::ParamsView;
use super::run_inputs::InputControl;
use super::saved_views::ViewMenu;
use super::spark::Spark;
use super::{Choice, Moment, Pager, View, pretty, status_code, summarized, type_title};
use crate::domain::execution::Status;
use crate::domain::recent_outcomes::RecentOutcome;
use crate::domain::task::{Managed, Task, TaskStats};
use crate::domain::trigger::Kind;
use crate::web::urls::encode;

mod samples;

#[derive(Debug, Clone, Serialize)]
pub struct TaskList {
    pub filter: Filter,
    pub types: Vec<Choice>,
    pub statuses: Vec<Choice>,
    pub tags: Vec<String>,
    pub sorts: Vec<Choice>,
    /// Sort links of the columns id, runs, last run and next run.
    pub heads: Vec<SortHead>,
    /// The rows, drawn.
    pub rows: String,
    pub menu: ViewMenu,
    pub display: DisplayMenu,
    pub pager: Pager,
}

/// Sort link of a column, with its current `aria-sort` value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SortHead {
    pub href: String,
    pub direction: &'static str,
}

/// The filter as submitted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Filter {
    pub search: String,
    pub r#type: String,
    pub status: String,
    pub enabled: String,
    pub tag: String,
    pub sort: String,
    /// Whether any filter is set.
    pub active: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskRow {
    pub id: String,
    /// URL of its page.
    pub href: String,
    pub name: String,
    pub tags: Vec<String>,
    pub r#type: String,
    pub type_title: String,
    pub trigger_kind: &'static str,
    /// Description of the rule.
    pub rule: String,
    pub expression: String,
    pub params: String,
    /// The parameters for the tooltip; empty if `params` has all of them.
    pub params_title: String,
    pub params_json: String,
    pub enabled: bool,
    pub executed: bool,
    pub run_count: i64,
    pub success_count: i64,
    pub failure_count: i64,
    /// Empty if it has never run.
    pub last_status: &'static str,
    pub last: Option<Moment>,
    /// The last and the next run, briefly: for one line.
    pub last_brief: Option<Moment>,
    pub next_brief: Option<Moment>,
    pub last_duration: Option<i64>,
    pub next: Option<Moment>,
    /// The time zone of its rule.
    pub zone: &'static str,
    /// Why there is no next run: key after `tasks.none.`.
    pub no_next: &'static str,
    pub version: i64,
    /// The file that manages the task; empty if none does.
    pub managed_by: String,
    /// Chart of its latest runs, with a text alternative.
    pub spark: Spark,
    pub spark_text: String,
}

/// What of a task its row shows: with another state the row is drawn again.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskState {
    version: i64,
    updated_at: DateTime<Utc>,
    enabled: bool,
    next_run_at: Option<DateTime<Utc>>,
    stats: TaskStats,
    managed: Option<Managed>,
}

impl From<&Task> for TaskState {
    fn from(task: &Task) -> TaskState {
        TaskState {
            version: task.version,
            updated_at: task.updated_at,
            enabled: task.enabled,
            next_run_at: task.next_run_at,
            stats: task.stats.clone(),
            managed: task.managed.clone(),
        }
    }
}

/// A row with what its reader may do.
#[derive(Debug, Clone, Serialize)]
pub struct DrawnTaskRow {
    pub row: TaskRow,
    pub can_run: bool,
}

impl View for DrawnTaskRow {
    const TEMPLATE: &'static str = "fragments/task_row.html";

    fn samples() -> Vec<Self> {
        let rows = [(TaskRow::sample(), true), (TaskRow::paused_sample(), false)];
        rows.map(|(row, can_run)| DrawnTaskRow { row, can_run }).into()
    }
}

impl TaskRow {
    pub fn new(ctx: &ViewContext, task: &Task) -> TaskRow {
        let zone = ctx.zone;
        let rule = task.rules(zone).ok();
        let task_zone = rule.as_ref().map_or(zone, |rule| rule.zone());
        let kind = rule.as_ref().map(|rule| rule.kind());
        let (params, params_title) = summarized(&task.params);
        let next = task.next_run_at.filter(|_| task.enabled);
        TaskRow {
            id: task.id.clone(),
            href: task_href(&task.id),
            name: if task.name == task.id { String::new() } else { task.name.clone() },
            tags: task.tags.clone(),
            r#type: task.task_type.clone(),
            type_title: type_title(&task.task_type, ctx),
            trigger_kind: kind.map_or("cron", Kind::as_str),
            rule: rule.map_or_else(|| task.schedule_text.clone(), |rule| rule.describe(ctx.language)),
            expression: task.schedule_text.clone(),
            params,
            params_title,
            params_json: pretty(&task.params),
            enabled: task.enabled,
            executed: task.stats.run_count > 0,
            run_count: task.stats.run_count,
            success_count: task.stats.success_count,
            failure_count: task.stats.failure_count,
            last_status: task.stats.last_status.map(status_code).unwrap_or_default(),
            last: moment(task.stats.last_run_at, task_zone),
            last_brief: task.stats.last_run_at.map(|at| Moment::brief(at, zone, ctx.now)),
            next_brief: next.map(|at| Moment::zoned_brief(at, task_zone, ctx.now)),
            last_duration: task.stats.last_duration_ms,
            next: next.map(|at| Moment::zoned(at, task_zone)),
            zone: task_zone.name(),
            no_next: no_next(task, kind),
            version: task.version,
            managed_by: task.managed.as_ref().map(|managed| managed.by.clone()).unwrap_or_default(),
            spark: Spark::new(&task.stats.recent),
            spark_text: spark_text(ctx, &task.stats.recent),
        }
    }

    pub fn sample() -> TaskRow {
        samples::task_row()
    }

    pub fn paused_sample() -> TaskRow {
        samples::paused_row()
    }
}

fn spark_text(ctx: &ViewContext, runs: &[RecentOutcome]) -> String {
    let count = |wanted: fn(Status) -> bool| runs.iter().filter(|run| wanted(run.status)).count().to_string();
    let (good, bad) = (count(|status| status == Status::Succeeded), count(Status::is_failure));
    ctx.texts.fill("tasks.spark", &[("n", &runs.len().to_string()), ("good", &good), ("bad", &bad)])
}

fn moment(at: Option<DateTime<Utc>>, zone: Tz) -> Option<Moment> {
    at.map(|at| Moment::new(at, zone))
}

fn no_next(task: &Task, kind: Option<Kind>) -> &'static str {
    match kind {
        _ if !task.enabled => "paused",
        Some(Kind::Idle) => "idle",
        _ => "finished",
    }
}

/// Returns the URL of a task's page. The id `new` is encoded, since `/tasks/new` is the form of a new task.
pub fn task_href(id: &str) -> String {
    if id == "new" { "/tasks/%6Eew".to_owned() } else { format!("/tasks/{}", encode(id)) }
}

impl View for TaskList {
    const TEMPLATE: &'static str = "pages/tasks.html";

    fn samples() -> Vec<Self> {
        samples::task_lists()
    }
}

/// Stands for rows whose tasks no longer exist.
#[derive(Debug, Clone, Serialize)]
pub struct GoneRows {
    pub ids: Vec<String>,
}

impl View for GoneRows {
    const TEMPLATE: &'static str = "fragments/gone_rows.html";

    fn samples() -> Vec<Self> {
        vec![GoneRows { ids: vec!["<b>".into()] }]
    }
}

/// Confirmation before an action.
#[derive(Debug, Clone, Serialize)]
pub struct ConfirmDialog {
    /// The action; its texts are under the keys `confirm.<action>`.
    pub action: &'static str,
    /// The name of what it applies to.
    pub about: String,
    /// The version that is restored; 0 for every other action.
    pub version: i64,
    /// The URL the form posts to.
    pub post_to: String,
    /// Key of the form; empty if repeating the action does no harm.
    pub key: String,
    pub back: String,
    /// The parameters to edit for this run; `None` if they stay.
    pub params: Option<ParamsView>,
    /// The inputs of the task that is run.
    pub inputs: Vec<InputControl>,
    pub fault: String,
    pub dangerous: bool,
}

impl ConfirmDialog {
    /// A confirmation of a destructive action, without parameters.
    pub fn plain(action: &'static str, about: &str, post_to: String, back: String) -> ConfirmDialog {
        ConfirmDialog {
            action,
            about: about.to_owned(),
            version: 0,
            post_to,
            key: String::new(),
            back,
            params: None,
            inputs: Vec::new(),
            fault: String::new(),
            dangerous: true,
        }
    }
}

impl View for ConfirmDialog {
    const TEMPLATE: &'static str = "pages/confirm.html";

    fn samples() -> Vec<Self> {
        let [json, fields] = ParamsView::samples();
        let sample = |action, fault: &str, params| ConfirmDialog {
            action,
            about: "daily-report".into(),
            version: 3,
            post_to: "/tasks/daily-report/run".into(),
            key: if action == "run" { "01J".into() } else { String::new() },
            back: "/tasks".into(),
            params,
            inputs: if action == "run" { InputControl::samples() } else { Vec::new() },
            fault: fault.into(),
            dangerous: action == "delete",
        };
        vec![
            sample("run", "", None),
            sample("run", "…", Some(json)),
            sample("rerun", "", Some(fields)),
            sample("delete", "", None),
            sample("delete_user", "", None),
            sample("restore", "", None),
        ]
    }
}
