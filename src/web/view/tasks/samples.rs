//! Samples that cover every branch of the template.

use super::{TaskList, TaskRow};
use crate::domain::execution::Status;
use crate::domain::recent_outcomes::RecentOutcome;
use crate::web::view::display::DisplayMenu;
use crate::web::view::saved_views::ViewMenu;
use crate::web::view::spark::Spark;
use crate::web::view::{Choice, Moment, Pager};

fn outcome(status: Status, duration_ms: i64) -> RecentOutcome {
    RecentOutcome { status, duration_ms }
}

pub(super) fn task_row() -> TaskRow {
    TaskRow {
        id: "日报<1>".into(),
        href: "/tasks/x".into(),
        name: "\"quoted\" & <b>".into(),
        tags: vec!["report".into()],
        r#type: "echo".into(),
        type_title: "…".into(),
        trigger_kind: "cron",
        rule: "…".into(),
        expression: "0 8 * * mon-fri".into(),
        params: "a=1".into(),
        params_title: "{}".into(),
        params_json: "{}".into(),
        enabled: true,
        executed: true,
        run_count: 12,
        success_count: 11,
        failure_count: 1,
        last_status: "failed",
        last: Some(Moment::sample()),
        last_brief: Some(Moment::sample()),
        next_brief: Some(Moment::sample()),
        last_duration: Some(120),
        next: Some(Moment::sample()),
        zone: "Asia/Shanghai",
        no_next: "finished",
        version: 3,
        managed_by: "<b>".into(),
        spark: Spark::new(&[outcome(Status::Succeeded, 3), outcome(Status::Failed, 1)]),
        spark_text: "…".into(),
    }
}

pub(super) fn paused_row() -> TaskRow {
    TaskRow {
        name: String::new(),
        managed_by: String::new(),
        tags: Vec::new(),
        enabled: false,
        executed: false,
        last_status: "",
        last: None,
        last_brief: None,
        next_brief: None,
        last_duration: None,
        next: None,
        no_next: "paused",
        params: String::new(),
        spark: Spark::default(),
        ..task_row()
    }
}

pub(super) fn task_lists() -> Vec<TaskList> {
    let filter = super::Filter { search: "x".into(), r#type: "echo".into(), active: true, ..super::Filter::default() };
    let list = |rows: &str, filter, pager| TaskList {
        filter,
        types: vec![Choice::new("echo", "…")],
        statuses: vec![Choice::new("echo", "…")],
        tags: vec!["report".into()],
        sorts: vec![Choice::new("echo", "…")],
        heads: ["none", "ascending", "descending", "none"]
            .map(|direction| super::SortHead { href: "/tasks".into(), direction })
            .into(),
        rows: rows.into(),
        menu: ViewMenu::sample(),
        display: DisplayMenu::sample(),
        pager,
    };
    vec![
        list("<tr></tr>", filter.clone(), Pager::sample()),
        list("", filter, Pager::default()),
        list("", super::Filter::default(), Pager::default()),
    ]
}
