//! Samples that cover every branch of the template.

use super::{ExecutionList, ExecutionRow, Range};
use crate::domain::execution::Status;
use crate::web::view::display::DisplayMenu;
use crate::web::view::saved_views::ViewMenu;
use crate::web::view::tasks::SortHead;
use crate::web::view::{Choice, Moment, Pager};

pub(super) fn execution_row(status: &'static str) -> ExecutionRow {
    let ended = Status::parse(status).is_some_and(Status::is_final);
    ExecutionRow {
        id: "01J00000000000000000000000".into(),
        href: "/executions/01J".into(),
        task_id: "日报".into(),
        task_href: "/tasks/x".into(),
        r#type: "echo".into(),
        type_title: "…".into(),
        expression: "0 8 * * *".into(),
        params: "a=1".into(),
        params_title: "{}".into(),
        params_json: "{}".into(),
        status,
        cause: "schedule",
        due: Moment::sample(),
        started: (status != "queued").then(Moment::sample),
        duration: ended.then_some(1234),
        lateness: ended.then_some(3),
        attempt: 2,
        node: if ended { "host".into() } else { String::new() },
        requested_by: "alice".into(),
        error_line: if ended { "<b>".into() } else { String::new() },
        error: if ended { "<b>".into() } else { String::new() },
        is_final: ended,
    }
}

pub(super) fn execution_lists() -> Vec<ExecutionList> {
    let filter =
        super::Filter { statuses: vec!["failed".into()], from: "2026-01-01T00:00".into(), active: true, ..Default::default() };
    let list = |rows: &str, filter, first, fault: &str| ExecutionList {
        filter,
        types: vec![Choice::new("echo", "…")],
        statuses: vec![Choice::new("failed", "…")],
        causes: vec![Choice::new("echo", "…")],
        workbench: "<nav></nav>".into(),
        heads: ["none", "descending"].map(|direction| SortHead { href: "/executions".into(), direction }).into(),
        unsorted: if first { String::new() } else { "/executions".into() },
        ranges: vec![Range { key: "hour", href: "/executions?range=hour".into(), active: true }],
        rows: rows.into(),
        pager: Pager::sample(),
        newest: "01J".into(),
        first,
        fault: fault.into(),
        zone: "UTC".into(),
        csv: "/executions/-/download?format=csv".into(),
        json: "/executions/-/download?format=json".into(),
        display: DisplayMenu::sample(),
        menu: if first { ViewMenu::default() } else { ViewMenu::sample() },
    };
    vec![list("<tr></tr>", filter.clone(), true, ""), list("", filter, false, "…"), list("", super::Filter::default(), true, "")]
}
