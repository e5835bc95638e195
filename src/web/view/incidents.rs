//! Views of the incidents.

use serde::Serialize;

use super::channels::provider_answer;
use super::context::ViewContext;
use super::tasks::task_href;
use super::{Choice, Moment, Pager, View};
use crate::domain::execution::Execution;
use crate::domain::notify::event::NotifyEvent;
use crate::domain::notify::incident::{Delivery, Incident};
use crate::service::{IncidentDetail, Mute};
use crate::web::urls::encode;

#[derive(Debug, Clone, Serialize)]
pub struct IncidentsPage {
    pub rows: Vec<IncidentRow>,
    pub pager: Pager,
    /// `open`, `closed` or empty.
    pub status: String,
    pub statuses: Vec<Choice>,
    pub task_id: String,
    /// Whether any filter is set.
    pub filtered: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IncidentRow {
    pub href: String,
    /// The name of the task, or of what else it is about.
    pub name: String,
    pub event: &'static str,
    /// The first line of the latest error.
    pub error: String,
    pub count: i64,
    pub opened: Moment,
    pub last: Moment,
    pub closed: Option<Moment>,
    pub acknowledged_by: String,
    /// How long it lasts or lasted, in milliseconds.
    pub lasted_ms: i64,
    /// URLs of the actions.
    pub acknowledge: String,
    pub close: String,
}

impl IncidentRow {
    pub fn new(ctx: &ViewContext, incident: &Incident) -> IncidentRow {
        let zone = ctx.zone;
        let href = incident_href(&incident.id);
        IncidentRow {
            name: incident.name().to_owned(),
            event: incident.event.as_str(),
            error: incident.error_text(ctx.language).lines().next().unwrap_or_default().to_owned(),
            count: incident.count,
            opened: Moment::new(incident.opened_at, zone),
            last: Moment::new(incident.last_at, zone),
            closed: incident.closed_at.map(|at| Moment::new(at, zone)),
            acknowledged_by: incident.acknowledged_by.clone().unwrap_or_default(),
            lasted_ms: (incident.closed_at.unwrap_or(ctx.now) - incident.opened_at).num_milliseconds().max(0),
            acknowledge: format!("{href}/acknowledge"),
            close: format!("{href}/close"),
            href,
        }
    }
}

/// The URL of an incident.
pub fn incident_href(id: &str) -> String {
    format!("/incidents/{}", encode(id))
}

/// The choices of the status filter.
pub fn status_choices(ctx: &ViewContext) -> Vec<Choice> {
    ["open", "closed"].map(|status| Choice::new(status, ctx.t(&format!("incidents.{status}")))).into()
}

#[derive(Debug, Clone, Serialize)]
pub struct IncidentPage {
    pub row: IncidentRow,
    pub error: String,
    /// URL of the task; empty if it is about none, or the task is gone.
    pub task_href: String,
    pub closed_by: String,
    pub acknowledged: Option<Moment>,
    pub rules: Vec<String>,
    pub muted: Option<MuteView>,
    /// Other tasks with an open incident of the same cause.
    pub others: Vec<PageLink>,
    pub runs: Vec<RunLink>,
    pub deliveries: Vec<DeliveryRow>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PageLink {
    pub href: String,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunLink {
    pub href: String,
    pub status: &'static str,
    pub at: Moment,
    pub error: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeliveryRow {
    pub title: String,
    pub rule: String,
    pub channel: String,
    pub state: String,
    pub created: Moment,
    pub sent: Option<Moment>,
    /// Code and text of the provider's last answer.
    pub answer: String,
}

/// The mute of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MuteView {
    pub until: Moment,
    pub by: String,
}

impl MuteView {
    pub fn new(ctx: &ViewContext, mute: &Mute) -> MuteView {
        MuteView { until: Moment::new(mute.until, ctx.zone), by: mute.muted_by.clone() }
    }
}

impl IncidentPage {
    pub fn new(ctx: &ViewContext, detail: &IncidentDetail, task_exists: bool) -> IncidentPage {
        let incident = &detail.incident;
        let task = incident.task_id.as_deref().filter(|_| task_exists);
        let others = detail.same_cause.iter().filter(|id| Some(*id) != incident.task_id.as_ref());
        let run = |run: &Execution| RunLink {
            href: format!("/executions/{}", encode(&run.id)),
            status: run.status.as_str(),
            at: Moment::precise(run.started_at.unwrap_or(run.scheduled_at), ctx.zone),
            error: run.error_text(ctx.language),
        };
        IncidentPage {
            row: IncidentRow::new(ctx, incident),
            error: incident.error_text(ctx.language),
            task_href: task.map(task_href).unwrap_or_default(),
            closed_by: incident.closed_by.clone().unwrap_or_default(),
            acknowledged: incident.acknowledged_at.map(|at| Moment::new(at, ctx.zone)),
            rules: incident.told.0.keys().cloned().collect(),
            muted: detail.mute.as_ref().map(|mute| MuteView::new(ctx, mute)),
            others: others.map(|id| PageLink { href: task_href(id), name: id.clone() }).collect(),
            runs: detail.runs.iter().map(run).collect(),
            deliveries: detail.deliveries.iter().map(|delivery| DeliveryRow::new(ctx, delivery)).collect(),
        }
    }
}

impl DeliveryRow {
    fn new(ctx: &ViewContext, delivery: &Delivery) -> DeliveryRow {
        DeliveryRow {
            title: delivery.title.clone(),
            rule: delivery.rule.clone(),
            channel: delivery.channel.clone(),
            state: delivery.state.clone(),
            created: Moment::new(delivery.created_at, ctx.zone),
            sent: delivery.sent_at.map(|at| Moment::new(at, ctx.zone)),
            answer: provider_answer(ctx, None, delivery.provider_code.as_deref(), delivery.provider_text.as_ref()),
        }
    }
}

/// The rows of samples: each event, open and closed.
pub fn sample_rows() -> Vec<IncidentRow> {
    let row = |event: NotifyEvent| IncidentRow {
        href: incident_href("01J"),
        name: "<b>".into(),
        event: event.as_str(),
        error: "<b> refused by 1".into(),
        count: 3,
        opened: Moment::sample(),
        last: Moment::sample(),
        closed: None,
        acknowledged_by: String::new(),
        lasted_ms: 61_000,
        acknowledge: "/incidents/01J/acknowledge".into(),
        close: "/incidents/01J/close".into(),
    };
    let mut rows: Vec<IncidentRow> = NotifyEvent::of_rules().map(row).collect();
    rows[0].acknowledged_by = "<b>".into();
    rows[1].closed = Some(Moment::sample());
    rows
}

impl View for IncidentsPage {
    const TEMPLATE: &'static str = "pages/incidents.html";

    fn samples() -> Vec<Self> {
        let page = |rows, pager, filtered: bool| IncidentsPage {
            rows,
            pager,
            status: if filtered { "open".into() } else { String::new() },
            statuses: vec![Choice::new("open", "…")],
            task_id: if filtered { "<b>".into() } else { String::new() },
            filtered,
        };
        vec![
            page(sample_rows(), Pager::sample(), true),
            page(Vec::new(), Pager::default(), true),
            page(Vec::new(), Pager::default(), false),
        ]
    }
}

impl View for IncidentPage {
    const TEMPLATE: &'static str = "pages/incident.html";

    fn samples() -> Vec<Self> {
        let mut rows = sample_rows();
        let (closed, open) = (rows.remove(1), rows.remove(1));
        let delivery = |state: &str| DeliveryRow {
            title: "<b> failed".into(),
            rule: "<b>".into(),
            channel: "<b>".into(),
            state: state.into(),
            created: Moment::sample(),
            sent: (state == "sent").then(Moment::sample),
            answer: if state == "queued" { String::new() } else { "310000 <b>".into() },
        };
        let full = IncidentPage {
            row: rows.remove(0),
            error: "<b> refused".into(),
            task_href: "/tasks/a".into(),
            closed_by: String::new(),
            acknowledged: Some(Moment::sample()),
            rules: vec!["<b>".into()],
            muted: Some(MuteView { until: Moment::sample(), by: "<b>".into() }),
            others: vec![PageLink { href: "/tasks/b".into(), name: "<b>".into() }],
            runs: vec![RunLink { href: "/executions/1".into(), status: "failed", at: Moment::sample(), error: "<b>".into() }],
            deliveries: ["queued", "sent", "grouped", "failed"].map(delivery).into(),
        };
        let empty = |row, closed_by: &str| IncidentPage {
            row,
            error: String::new(),
            task_href: String::new(),
            closed_by: closed_by.into(),
            acknowledged: None,
            rules: Vec::new(),
            muted: None,
            others: Vec::new(),
            runs: Vec::new(),
            deliveries: Vec::new(),
        };
        vec![full, empty(closed.clone(), "<b>"), empty(closed, ""), empty(open, "")]
    }
}
