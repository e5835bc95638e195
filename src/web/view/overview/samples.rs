//! Samples that cover every branch of the template.

use super::{Cause, Current, Due, FailureGroupView, Overview, Slow};
use crate::web::view::Moment;
use crate::web::view::chart::Chart;
use crate::web::view::executions::ExecutionRow;
use crate::web::view::incidents::{PageLink, sample_rows};
use crate::web::view::queues::QueueLine;
use crate::web::view::trend::TrendView;

pub(super) fn overviews() -> Vec<Overview> {
    let due = || Due { task_id: "x".into(), name: "…".into(), href: "/tasks/x".into(), at: Moment::sample() };
    let full = Overview {
        summary: "failing",
        has_demo: true,
        incidents: sample_rows(),
        not_ready: Some("<b>".into()),
        failing: 2,
        tasks: 10,
        enabled: 9,
        running: 1,
        queued: 2,
        active_is_exact: false,
        ran: 100,
        failed: 3,
        today: "/executions?from=2026-11-21".into(),
        success_percent: Some(97),
        lateness: Some(4),
        next: Some(due()),
        due: vec![due()],
        cause: Some(Cause { text: "<b>".into(), failures: 2, of: 3 }),
        failures: vec![FailureGroupView {
            text: "<b>".into(),
            status: "failed",
            href: "/executions/01J".into(),
            count: 3,
            first: Moment::sample(),
            last: Moment::sample(),
            tasks: ["x", "<b>"].map(|id| PageLink { href: "/tasks/x".into(), name: id.into() }).into(),
            more: 1,
            task_ids: vec!["<b>".into()],
            rerun: "/tasks/-/bulk?action=run&id=x".into(),
        }],
        current: vec![Current { run: ExecutionRow::sample("running"), usual: Some(5), elapsed: 3 }],
        overdue: vec![due()],
        missed: vec![ExecutionRow::sample("missed")],
        trend: TrendView::sample(),
        slowest: vec![Slow {
            name: "<b>".into(),
            href: "/tasks/x".into(),
            status: "failed",
            duration: 61_000,
            at: Moment::sample(),
        }],
        queues: vec![QueueLine::sample("<b>", false), QueueLine::sample("slow", true)],
        timeline: Chart::sample(),
        timeline_marks: vec![Moment::sample(), Moment::sample(), Moment::sample()],
        planned_more: true,
    };
    let bare = |summary| Overview {
        summary,
        has_demo: false,
        incidents: vec![],
        not_ready: None,
        active_is_exact: true,
        success_percent: None,
        lateness: None,
        next: None,
        due: vec![],
        cause: None,
        failures: vec![],
        current: vec![Current { run: ExecutionRow::sample("running"), usual: None, elapsed: 3 }],
        overdue: vec![],
        missed: vec![],
        trend: TrendView { success_percent: None, chart: Chart::default(), ..TrendView::sample() },
        slowest: vec![],
        planned_more: false,
        ..full.clone()
    };
    let late = Overview { summary: "overdue", current: vec![], ..full.clone() };
    vec![full.clone(), bare("healthy"), bare("empty"), late]
}
