//! View of one task.

use chrono::DateTime;
use chrono_tz::Tz;
use serde::Serialize;
use serde_json::Value;

use super::chart::{Chart, Column};
use super::context::ViewContext;
use super::hooks::HookRow;
use super::incidents::{IncidentRow, MuteView, PageLink};
use super::pause::PauseNote;
use super::run_inputs::InputControl;
use super::tasks::{TaskRow, task_href};
use super::versions::VersionRow;
use super::{Moment, View, shortened};
use crate::domain::chain::Link;
use crate::domain::schedule::PreviewOccurrence;
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
    /// The inputs, with their defaults.
    pub inputs: Vec<InputControl>,
    pub upcoming: Vec<Firing>,
    pub notes: Vec<String>,
    /// Successful runs in percent of ended runs; `None` without runs.
    pub success_percent: Option<i64>,
    /// Durations and start delays of its latest started runs.
    pub durations: Chart,
    pub start_delays: Chart,
    /// The rows of its latest executions, drawn.
    pub executions: String,
    pub executions_href: String,
    /// Id of the newest execution shown.
    pub newest: String,
    /// What its type keeps from one run to the next.
    pub state: Option<KeptState>,
    /// The notification rules that hold for it: their names, with the pages that edit them.
    pub rules: Vec<PageLink>,
    /// Its open incidents.
    pub incidents: Vec<IncidentRow>,
    pub muted: Option<MuteView>,
    pub paused: Option<PauseNote>,
    /// The hooks, and the page that manages them.
    pub hooks: Vec<HookRow>,
    pub hooks_href: String,
    /// The latest versions.
    pub versions: Vec<VersionRow>,
}

/// The kept state of a task.
#[derive(Debug, Clone, Serialize)]
pub struct KeptState {
    pub json: String,
    pub updated: Moment,
}

/// A task started by a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChainLink {
    /// `success`, `failure` or `always`.
    pub on: &'static str,
    pub task_id: String,
    /// Empty if the task was deleted.
    pub href: String,
    /// Parameter overrides, shortened; empty without any.
    pub params: String,
}

impl ChainLink {
    pub fn new(link: &Link, exists: bool) -> ChainLink {
        let href = if exists { task_href(&link.task) } else { String::new() };
        let params = if link.params.is_empty() { String::new() } else { shortened(&Value::Object(link.params.clone())) };
        ChainLink { on: link.on.as_str(), href, task_id: link.task.clone(), params }
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

/// A run to come.
#[derive(Debug, Clone, Serialize)]
pub struct Firing {
    pub at: Moment,
    /// The time by the rule, if the calendar moved it.
    pub original: Option<Moment>,
    /// `moved`, `held` or `provisional`; empty: as the rule says.
    pub note: &'static str,
}

impl Firing {
    pub fn new(one: &PreviewOccurrence) -> Firing {
        let moment = |at: &DateTime<Tz>| Moment::zoned(at.to_utc(), at.timezone());
        let original = (one.at != one.scheduled_at).then(|| moment(&one.scheduled_at));
        Firing { at: moment(&one.at), original, note: one.note.unwrap_or_default() }
    }
}

impl View for TaskPage {
    const TEMPLATE: &'static str = "pages/task.html";

    fn samples() -> Vec<Self> {
        samples::task_pages()
    }
}
