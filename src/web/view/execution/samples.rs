//! Samples that cover every branch of the template.

use super::{AttemptView, ExecutionPage, HookView, OriginView, StartedView, UsualDuration};
use crate::domain::execution::Status;
use crate::web::view::Moment;
use crate::web::view::executions::ExecutionRow;
use crate::web::view::output::OutputView;
use crate::web::view::output_search::OutputSearch;
use crate::web::view::result::{FailedTest, ResultView, Table};
use crate::web::view::run_timeline::RunTimeline;

pub(super) fn execution_pages() -> Vec<ExecutionPage> {
    let attempt = |number, ended: bool| AttemptView {
        number,
        status: if ended { "failed" } else { "running" },
        started: Some(Moment::sample()),
        finished: ended.then(Moment::sample),
        duration: ended.then_some(5),
        error: if ended { "…".into() } else { String::new() },
        node: "host".into(),
    };
    let table = Table { columns: vec!["a".into()], rows: vec![vec![Some("<b>".into())], vec![None]], more: 3 };
    let test = FailedTest { name: "a::b".into(), message: "…".into() };
    let result = ResultView {
        exists: true,
        http_status: Some(200),
        exit_code: Some(0),
        body: "b".into(),
        table: Some(table),
        counts: vec![("total", 3), ("passed", 2), ("failed", 1), ("errors", 0), ("skipped", 0)],
        failed_tests: vec![test, FailedTest { name: "c".into(), message: String::new() }],
        json: "{}".into(),
    };
    let page = |status: &'static str| {
        let row = ExecutionRow::sample(status);
        ExecutionPage {
            task_exists: row.is_final,
            version: i64::from(row.is_final),
            version_href: "/tasks/x/versions?before=2".into(),
            queued: Moment::sample(),
            finished: row.is_final.then(Moment::sample),
            retry: (status == "queued").then(Moment::sample),
            waited: row.started.is_some().then_some(2),
            attempts: vec![attempt(1, true), attempt(2, row.is_final)],
            filled_params: if row.is_final { "{}".into() } else { String::new() },
            inputs: if row.is_final { "{}".into() } else { String::new() },
            hook: row.is_final.then(|| HookView { name: "ci".into(), headers: "{}".into(), body: "<b>".into() }),
            origin: row.is_final.then(|| OriginView {
                rule: "night".into(),
                note: "moved",
                original: Some(Moment::sample()),
                calendars: "cn@2026".into(),
            }),
            started_by: if row.is_final { "01J".into() } else { String::new() },
            started: if row.is_final {
                vec![StartedView { id: "01K".into(), task_id: "after".into(), status: "queued" }]
            } else {
                Vec::new()
            },
            result: if row.is_final { result.clone() } else { ResultView::default() },
            timeline: RunTimeline::sample(),
            usual: row.is_final.then_some(UsualDuration { median: 5, p95: 9, runs: 60 }),
            is_command: status == "failed",
            found: if row.is_final { OutputSearch::sample() } else { OutputSearch::default() },
            output: if row.started.is_some() { OutputView::sample() } else { OutputView::default() },
            row,
        }
    };
    Status::ALL.map(|status| page(status.as_str())).into()
}
