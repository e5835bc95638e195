//! View of a task's occurrences and backfills.

use chrono_tz::Tz;
use serde::Serialize;

use super::context::ViewContext;
use super::task_form::Fields;
use super::tasks::task_href;
use super::{Moment, View};
use crate::domain::backfill::{BackfillProgress, Selection};
use crate::domain::occurrence::TaskOccurrence;
use crate::domain::trigger::format_datetime;
use crate::web::urls::{Pairs, encode};

#[derive(Debug, Clone, Serialize)]
pub struct OccurrencePage {
    pub task_id: String,
    pub title: String,
    pub task_href: String,
    pub zone: String,
    /// The span of the list, as the fields of the form show it.
    pub from: String,
    pub to: String,
    pub rows: Vec<OccurrenceRow>,
    /// The address of the rest of the span; empty: there is none.
    pub more: String,
    pub backfills: Vec<BackfillRow>,
    pub message: String,
    pub form: Fields,
}

/// An occurrence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OccurrenceRow {
    pub at: Moment,
    /// The status of an execution, `planned` or `unrecorded`.
    pub status: &'static str,
    /// Empty without a record.
    pub cause: &'static str,
    pub reason: String,
    /// The page of the record; empty: there is none.
    pub href: String,
    /// The value of its check box; empty: it cannot be chosen.
    pub time: String,
    /// Whether it was chosen in a refused form.
    pub chosen: bool,
}

/// A backfill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackfillRow {
    pub id: String,
    /// `running`, `finished` or `cancelled`.
    pub status: &'static str,
    pub only: &'static str,
    pub from: Moment,
    pub to: Moment,
    /// How many occurrences have had their turn.
    pub started: i64,
    pub planned: i64,
    /// The runs on record, by status.
    pub runs: Vec<(&'static str, i64)>,
    pub by: String,
    /// The address that cancels it; empty if it has ended.
    pub cancel: String,
}

impl OccurrenceRow {
    pub fn new(ctx: &ViewContext, one: &TaskOccurrence, zone: Tz, form: &Pairs) -> OccurrenceRow {
        let time = if Selection::Chosen.includes(one) { format_datetime(one.scheduled_at, zone) } else { String::new() };
        OccurrenceRow {
            chosen: form.all("/times").any(|chosen| chosen == time),
            time,
            at: Moment::zoned(one.scheduled_at, zone),
            status: one.outcome.as_str(),
            cause: one.cause.map_or("", |cause| cause.as_str()),
            reason: one.error_text(ctx.language),
            href: one.execution_id.as_ref().map(|id| format!("/executions/{}", encode(id))).unwrap_or_default(),
        }
    }
}

impl BackfillRow {
    pub fn new(progress: &BackfillProgress, zone: Tz) -> BackfillRow {
        let backfill = &progress.backfill;
        let cancel = format!("{}/backfills/{}/cancel", task_href(&backfill.task_id), encode(&backfill.id));
        BackfillRow {
            id: backfill.id.clone(),
            status: backfill.status(),
            only: backfill.selection.as_str(),
            from: Moment::zoned(backfill.from, zone),
            to: Moment::zoned(backfill.to, zone),
            started: backfill.planned - progress.waiting,
            planned: backfill.planned,
            runs: progress.runs.iter().map(|(status, count)| (*status, *count)).collect(),
            by: backfill.actor.clone(),
            cancel: if backfill.finished_at.is_none() { cancel } else { String::new() },
        }
    }
}

impl View for OccurrencePage {
    const TEMPLATE: &'static str = "pages/occurrences.html";

    fn samples() -> Vec<Self> {
        let row = |status, cause, href: &str| OccurrenceRow {
            at: Moment::sample(),
            status,
            cause,
            reason: "<b>".into(),
            href: href.into(),
            time: if status == "planned" { String::new() } else { "2026-11-02T08:00:00.000+08:00".into() },
            chosen: status == "succeeded",
        };
        let backfill = |status, cancel: &str| BackfillRow {
            id: "x".into(),
            status,
            only: "missing",
            from: Moment::sample(),
            to: Moment::sample(),
            started: 2,
            planned: 3,
            runs: vec![("succeeded", 2)],
            by: "<b>".into(),
            cancel: cancel.into(),
        };
        let page = |rows, backfills, message: &str| OccurrencePage {
            task_id: "<b>".into(),
            title: "<b>".into(),
            task_href: "/tasks/x".into(),
            zone: "Asia/Shanghai".into(),
            from: "2026-11-01T00:00".into(),
            to: "2026-11-08T00:00".into(),
            rows,
            more: if message.is_empty() { String::new() } else { "/tasks/x/occurrences?from=x".into() },
            backfills,
            message: message.into(),
            form: Fields::default(),
        };
        let rows = vec![row("unrecorded", "", ""), row("succeeded", "backfill", "/executions/x"), row("planned", "", "")];
        let backfills = vec![backfill("running", "/x"), backfill("finished", ""), backfill("cancelled", "")];
        vec![page(rows, backfills, "…"), page(vec![], vec![], "")]
    }
}
