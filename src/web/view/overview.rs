//! View of the overview page.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use super::chart::{Chart, Column};
use super::context::ViewContext;
use super::executions::ExecutionRow;
use super::incidents::{IncidentRow, PageLink};
use super::outcome_column::{column, window};
use super::queues::QueueLine;
use super::tasks::task_href;
use super::trend::TrendView;
use super::{Moment, View};
use crate::domain::stats::{DueTask, SlowTask};
use crate::i18n::{Language, Message};
use crate::service::QueueState;
use crate::stats::likely_cause::{FailureGroup, LikelyCause};
use crate::stats::overview as domain;
use crate::stats::timeline::PlannedSlot;
use crate::stats::trend::Trend;
use crate::web::urls::{encode, with_query};

mod samples;

#[derive(Debug, Clone, Serialize)]
pub struct Overview {
    /// Overall state: `empty`, `overdue`, `failing` or `healthy`.
    pub summary: &'static str,
    /// There are example tasks.
    pub has_demo: bool,
    /// The newest open incidents.
    pub incidents: Vec<IncidentRow>,
    /// Why the server plans or writes nothing at the moment; `None` if it does.
    pub not_ready: Option<String>,
    pub failing: i64,
    pub tasks: i64,
    pub enabled: i64,
    pub running: i64,
    pub queued: i64,
    pub active_is_exact: bool,
    pub ran: i64,
    pub failed: i64,
    pub today: String,
    pub success_percent: Option<i64>,
    pub lateness: Option<i64>,
    pub next: Option<Due>,
    pub due: Vec<Due>,
    pub cause: Option<Cause>,
    pub failures: Vec<FailureGroupView>,
    pub current: Vec<Current>,
    pub overdue: Vec<Due>,
    pub missed: Vec<ExecutionRow>,
    pub trend: TrendView,
    pub slowest: Vec<Slow>,
    pub queues: Vec<QueueLine>,
    pub timeline: Chart,
    /// Labels of the timeline: its start, now and its end.
    pub timeline_marks: Vec<Moment>,
    pub planned_more: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct Due {
    pub task_id: String,
    pub name: String,
    pub href: String,
    pub at: Moment,
}

/// Most frequent error among the latest failures.
#[derive(Debug, Clone, Serialize)]
pub struct Cause {
    pub text: String,
    pub failures: usize,
    pub of: usize,
}

impl Cause {
    fn new(cause: &LikelyCause, language: Language) -> Cause {
        let text = cause.execution.error_text(language);
        Cause { text: text.lines().next().unwrap_or_default().to_owned(), failures: cause.failures, of: cause.of }
    }
}

/// The most tasks named in a group.
const NAMED_TASKS: usize = 6;

/// Failures with the same error.
#[derive(Debug, Clone, Serialize)]
pub struct FailureGroupView {
    /// The first line of the error of the newest of them.
    pub text: String,
    pub status: &'static str,
    /// The newest execution.
    pub href: String,
    pub count: usize,
    pub first: Moment,
    pub last: Moment,
    pub tasks: Vec<PageLink>,
    /// The number of tasks not named.
    pub more: usize,
    /// The ids of all tasks, for the actions.
    pub task_ids: Vec<String>,
    /// The URL that asks whether to run them all again.
    pub rerun: String,
}

impl FailureGroupView {
    fn new(ctx: &ViewContext, group: &FailureGroup) -> FailureGroupView {
        let text = group.newest.error_text(ctx.language);
        let ids: Vec<(&str, &str)> = group.tasks.iter().map(|id| ("id", id.as_str())).collect();
        let link = |id: &String| PageLink { href: task_href(id), name: id.clone() };
        FailureGroupView {
            text: text.lines().next().unwrap_or_default().to_owned(),
            status: group.newest.status.as_str(),
            href: format!("/executions/{}", encode(&group.newest.id)),
            count: group.failures,
            first: Moment::new(group.first_at, ctx.zone),
            last: Moment::new(group.last_at, ctx.zone),
            tasks: group.tasks.iter().take(NAMED_TASKS).map(link).collect(),
            more: group.tasks.len().saturating_sub(NAMED_TASKS),
            rerun: with_query("/tasks/-/bulk", &[&[("action", "run")], ids.as_slice()].concat()),
            task_ids: group.tasks.clone(),
        }
    }
}

/// A running execution, with the usual duration of its task and the elapsed time in milliseconds.
#[derive(Debug, Clone, Serialize)]
pub struct Current {
    pub run: ExecutionRow,
    pub usual: Option<i64>,
    pub elapsed: i64,
}

/// A task by the duration of its last run.
#[derive(Debug, Clone, Serialize)]
pub struct Slow {
    pub name: String,
    pub href: String,
    pub status: &'static str,
    pub duration: i64,
    pub at: Moment,
}

impl Slow {
    fn new(ctx: &ViewContext, task: &SlowTask) -> Slow {
        Slow {
            name: task.name.clone(),
            href: task_href(&task.task_id),
            status: task.last_status.as_str(),
            duration: task.last_duration_ms,
            at: Moment::brief(task.last_run_at, ctx.zone, ctx.now),
        }
    }
}

/// What the page shows beside the statistics.
#[derive(Debug, Clone)]
pub struct MoreOfOverview {
    pub trend: Arc<Trend>,
    pub queues: Vec<QueueState>,
    /// Why the server plans or writes nothing at the moment.
    pub not_ready: Option<Message>,
    /// The newest open incidents.
    pub incidents: Vec<IncidentRow>,
    pub has_demo: bool,
}

impl Overview {
    pub fn new(ctx: &ViewContext, found: &domain::Overview, more: &MoreOfOverview) -> Overview {
        let zone = ctx.zone;
        let due = |list: &[DueTask]| list.iter().map(|task| Due::new(task, zone)).collect::<Vec<_>>();
        let rows =
            |list: &[crate::domain::execution::Execution]| list.iter().map(|run| ExecutionRow::new(ctx, run, true)).collect();
        let due_next = due(&found.due_next);
        Overview {
            summary: summary(found),
            has_demo: more.has_demo,
            incidents: more.incidents.clone(),
            not_ready: more.not_ready.as_ref().map(|message| message.text(ctx.language)),
            failing: found.tasks.failing,
            tasks: found.tasks.total,
            enabled: found.tasks.enabled,
            running: found.running,
            queued: found.queued,
            active_is_exact: found.active_is_exact,
            ran: found.ran_today,
            failed: found.failed_today,
            today: window(found.today, None, zone),
            success_percent: found.success_rate.map(|rate| (rate * 100.0).floor() as i64),
            lateness: found.median_lateness_ms,
            next: due_next.first().cloned(),
            due: due_next,
            cause: found.cause.as_ref().map(|cause| Cause::new(cause, ctx.language)),
            failures: found.failures.iter().map(|group| FailureGroupView::new(ctx, group)).collect(),
            current: found.current.iter().map(|current| Current::new(ctx, current, found.now)).collect(),
            overdue: due(&found.overdue),
            missed: rows(&found.missed),
            trend: TrendView::new(ctx, &more.trend),
            slowest: found.slowest.iter().map(|task| Slow::new(ctx, task)).collect(),
            queues: more.queues.iter().map(QueueLine::new).collect(),
            timeline: timeline(ctx, found, zone),
            timeline_marks: timeline_marks(found, zone),
            planned_more: found.planned_more,
        }
    }
}

fn summary(found: &domain::Overview) -> &'static str {
    match (found.tasks.total, found.overdue.len(), found.tasks.failing) {
        (0, ..) => "empty",
        (_, 1.., _) => "overdue",
        (_, 0, 0) => "healthy",
        _ => "failing",
    }
}

fn span(from: DateTime<Utc>, to: DateTime<Utc>, zone: Tz) -> String {
    let clock = |at: DateTime<Utc>| at.with_timezone(&zone).format("%H:%M").to_string();
    format!("{}–{}", clock(from), clock(to))
}

fn timeline(ctx: &ViewContext, found: &domain::Overview, zone: Tz) -> Chart {
    let past = found.past.iter().map(|slot| column(ctx, slot, &span(slot.from, slot.to, zone)));
    Chart::new(past.chain(found.planned.iter().map(|step| firings(ctx, step, zone))).collect())
}

fn firings(ctx: &ViewContext, step: &PlannedSlot, zone: Tz) -> Column {
    let more = if step.firings > step.tasks.len() as i64 { " …" } else { "" };
    let text = ctx.texts.fill("overview.planned_n", &[("n", &step.firings.to_string())]);
    Column {
        href: if step.firings > 0 { "/tasks?sort=next_run_at".to_owned() } else { String::new() },
        label: format!("{} · {text} {}{more}", span(step.from, step.to, zone), step.tasks.join(", ")),
        amounts: vec![("planned", step.firings)],
    }
}

fn timeline_marks(found: &domain::Overview, zone: Tz) -> Vec<Moment> {
    let first = found.past.first().map(|slot| slot.from);
    let last = found.planned.last().map(|step| step.to);
    [first, Some(found.now), last].into_iter().flatten().map(|at| Moment::clock(at, zone)).collect()
}

impl Due {
    fn new(task: &DueTask, zone: Tz) -> Due {
        Due {
            task_id: task.task_id.clone(),
            name: task.name.clone(),
            href: task_href(&task.task_id),
            at: Moment::new(task.next_run_at, zone),
        }
    }
}

impl Current {
    fn new(ctx: &ViewContext, current: &domain::RunningExecution, now: DateTime<Utc>) -> Current {
        let elapsed = current.execution.started_at.map_or(0, |at| (now - at).num_milliseconds().max(0));
        Current { run: ExecutionRow::new(ctx, &current.execution, true), usual: current.median_ms, elapsed }
    }
}

impl View for Overview {
    const TEMPLATE: &'static str = "pages/overview.html";

    fn samples() -> Vec<Self> {
        samples::overviews()
    }
}
