//! The list of tasks.

use chrono_tz::Tz;
use serde::Serialize;

use super::chart::{Chart, Column};
use super::saved_views::ViewMenu;
use super::{Choice, Moment, Pager, View, pretty, shortened, status_code, type_title};
use crate::domain::execution::Status;
use crate::domain::stats::RunPoint;
use crate::domain::task::Task;
use crate::domain::trigger::Kind;
use crate::web::urls::encode;
use crate::web::visit::Visit;

#[derive(Debug, Clone, Serialize)]
pub struct TaskList {
    pub filter: Filter,
    pub types: Vec<Choice>,
    pub statuses: Vec<Choice>,
    pub tags: Vec<String>,
    pub sorts: Vec<Choice>,
    /// The heads of the columns id, runs, last run and next run.
    pub heads: Vec<SortHead>,
    pub rows: Vec<TaskRow>,
    pub menu: ViewMenu,
    pub pager: Pager,
}

/// A column's head: where it leads, and the order as `aria-sort` says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SortHead {
    pub href: String,
    pub direction: &'static str,
}

/// The filter as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Filter {
    pub search: String,
    pub r#type: String,
    pub status: String,
    pub enabled: String,
    pub tag: String,
    pub sort: String,
    /// Anything is filtered at all.
    pub active: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskRow {
    pub id: String,
    /// The address of its page.
    pub href: String,
    /// What its row is called in the page.
    pub anchor: String,
    pub name: String,
    pub tags: Vec<String>,
    pub r#type: String,
    pub type_title: String,
    pub trigger_kind: &'static str,
    /// The rule in words, and as an expression.
    pub rule: String,
    pub expression: String,
    pub params: String,
    pub params_whole: String,
    pub enabled: bool,
    pub executed: bool,
    pub run_count: i64,
    pub success_count: i64,
    pub failure_count: i64,
    /// Empty: never run.
    pub last_status: &'static str,
    pub last: Option<Moment>,
    pub last_duration: Option<i64>,
    pub next: Option<Moment>,
    /// Why there is no next run: key below `tasks.none`.
    pub no_next: &'static str,
    pub version: i64,
    /// The file that keeps the task; empty: none does.
    pub managed_by: String,
    /// Its newest runs, and the same in words.
    pub spark: Chart,
    pub spark_text: String,
}

impl TaskRow {
    /// `runs`: the newest, oldest first.
    pub fn new(visit: &Visit, task: &Task, runs: &[RunPoint]) -> TaskRow {
        let zone = visit.service().zone();
        let rule = task.rule(zone).ok();
        let task_zone = rule.as_ref().map_or(zone, |rule| rule.zone());
        let kind = rule.as_ref().map(|rule| rule.kind());
        TaskRow {
            id: task.id.clone(),
            href: task_href(&task.id),
            anchor: anchor(&task.id),
            name: if task.name == task.id { String::new() } else { task.name.clone() },
            tags: task.tags.clone(),
            r#type: task.task_type.clone(),
            type_title: type_title(&task.task_type, visit),
            trigger_kind: kind.map_or("cron", Kind::as_str),
            rule: rule.map_or_else(|| task.schedule_text.clone(), |rule| rule.describe(visit.language.of_rules())),
            expression: task.schedule_text.clone(),
            params: shortened(&task.params),
            params_whole: pretty(&task.params),
            enabled: task.enabled,
            executed: task.stats.run_count > 0,
            run_count: task.stats.run_count,
            success_count: task.stats.success_count,
            failure_count: task.stats.failure_count,
            last_status: task.stats.last_status.map(status_code).unwrap_or_default(),
            last: moment(task.stats.last_run_at, task_zone),
            last_duration: task.stats.last_duration_ms,
            next: moment(task.next_run_at.filter(|_| task.enabled), task_zone),
            no_next: no_next(task, kind),
            version: task.version,
            managed_by: task.managed.as_ref().map(|managed| managed.by.clone()).unwrap_or_default(),
            spark: spark(runs),
            spark_text: spark_text(visit, runs),
        }
    }

    pub fn sample() -> TaskRow {
        super::samples::task_row()
    }
}

/// Height says how long a run took, colour how it ended.
fn spark(runs: &[RunPoint]) -> Chart {
    let column = |run: &RunPoint| Column {
        href: String::new(),
        label: String::new(),
        amounts: vec![(run.status.as_str(), run.duration_ms.unwrap_or_default().max(1))],
    };
    Chart::new(runs.iter().map(column).collect())
}

fn spark_text(visit: &Visit, runs: &[RunPoint]) -> String {
    let count = |wanted: fn(Status) -> bool| runs.iter().filter(|run| wanted(run.status)).count().to_string();
    let (good, bad) = (count(|status| status == Status::Succeeded), count(Status::is_failure));
    visit.texts().fill("tasks.spark", &[("n", &runs.len().to_string()), ("good", &good), ("bad", &bad)])
}

fn moment(at: Option<chrono::DateTime<chrono::Utc>>, zone: Tz) -> Option<Moment> {
    at.map(|at| Moment::new(at, zone))
}

fn no_next(task: &Task, kind: Option<Kind>) -> &'static str {
    match kind {
        _ if !task.enabled => "paused",
        Some(Kind::Idle) => "idle",
        _ => "over",
    }
}

/// The address of a task's page. A task called `new` is told apart from the form of new tasks.
pub fn task_href(id: &str) -> String {
    if id == "new" { "/tasks/%6Eew".to_owned() } else { format!("/tasks/{}", encode(id)) }
}

/// The id of a row within its page: any id of a task becomes one that selectors can name.
pub fn anchor(id: &str) -> String {
    let hex: String = id.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("task-{hex}")
}

impl View for TaskList {
    const TEMPLATE: &'static str = "pages/tasks.html";

    fn samples() -> Vec<Self> {
        super::samples::task_lists()
    }
}

/// Rows drawn anew.
#[derive(Debug, Clone, Serialize)]
pub struct TaskRows {
    pub rows: Vec<TaskRow>,
    /// Rows whose tasks are gone.
    pub gone: Vec<String>,
}

impl View for TaskRows {
    const TEMPLATE: &'static str = "fragments/task_rows.html";

    fn samples() -> Vec<Self> {
        vec![TaskRows { rows: vec![TaskRow::sample()], gone: vec![anchor("x")] }]
    }
}

/// A question before a run or a deletion.
#[derive(Debug, Clone, Serialize)]
pub struct Ask {
    /// What is asked; its texts stand below `ask.`.
    pub action: &'static str,
    pub about: String,
    /// The address the answer is posted to.
    pub post_to: String,
    pub back: String,
    /// Parameters to change for this run; empty where nothing is to be changed.
    pub params: String,
    pub with_params: bool,
    pub fault: String,
    pub dangerous: bool,
}

impl Ask {
    /// A question without parameters before something that cannot be undone.
    pub fn plain(action: &'static str, about: &str, post_to: String, back: String) -> Ask {
        let (params, fault) = (String::new(), String::new());
        Ask { action, about: about.to_owned(), post_to, back, params, with_params: false, fault, dangerous: true }
    }
}

impl View for Ask {
    const TEMPLATE: &'static str = "pages/ask.html";

    fn samples() -> Vec<Self> {
        let ask = |action, fault: &str, with_params| Ask {
            action,
            about: "daily-report".into(),
            post_to: "/tasks/daily-report/run".into(),
            back: "/tasks".into(),
            params: "{}".into(),
            with_params,
            fault: fault.into(),
            dangerous: action == "delete",
        };
        vec![
            ask("run", "", false),
            ask("run", "…", true),
            ask("rerun", "", true),
            ask("delete", "", false),
            ask("delete_user", "", false),
        ]
    }
}
