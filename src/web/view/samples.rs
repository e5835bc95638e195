//! Sample contexts of the larger templates; together they cover every branch.

use std::collections::BTreeMap;

use chrono::DateTime;
use chrono_tz::Tz;

use super::chart::Chart;
use super::execution::{AttemptView, ChunkView, ExecutionPage, OutputView, StartedView};
use super::executions::{self, ExecutionList, ExecutionRow, Range};
use super::overview::{Cause, Current, Due, Overview};
use super::result::{FailedTest, ResultView, Table};
use super::saved_views::ViewMenu;
use super::task::{ChainLink, TaskPage};
use super::task_form::{Difference, Fields, PreviewMoment, PreviewView, Stale, TaskForm};
use super::task_types::TypeView;
use super::tasks::{self, TaskList, TaskRow};
use super::versions::VersionRow;
use super::{Choice, Moment, Pager};
use crate::domain::execution::Status;
use crate::domain::fault::Fault;
use crate::web::ansi::Span;

fn moment() -> Moment {
    Moment::precise(DateTime::UNIX_EPOCH, Tz::Asia__Shanghai)
}

fn choices() -> Vec<Choice> {
    vec![Choice::new("echo", "…")]
}

fn pager() -> Pager {
    Pager { previous: "/tasks?cursor=1".into(), next: "/tasks?cursor=2".into(), total: 1234, total_is_exact: false }
}

pub fn task_row() -> TaskRow {
    TaskRow {
        id: "日报<1>".into(),
        href: "/tasks/x".into(),
        anchor: tasks::anchor("日报"),
        name: "\"quoted\" & <b>".into(),
        tags: vec!["report".into()],
        r#type: "echo".into(),
        type_title: "…".into(),
        trigger_kind: "cron",
        rule: "…".into(),
        expression: "0 8 * * mon-fri".into(),
        params: "a=1".into(),
        params_json: "{}".into(),
        enabled: true,
        executed: true,
        run_count: 12,
        success_count: 11,
        failure_count: 1,
        last_status: "failed",
        last: Some(moment()),
        last_duration: Some(120),
        next: Some(moment()),
        no_next: "finished",
        version: 3,
        managed_by: "<b>".into(),
        spark: Chart::sample(),
        spark_text: "…".into(),
    }
}

fn paused_row() -> TaskRow {
    TaskRow {
        name: String::new(),
        managed_by: String::new(),
        tags: Vec::new(),
        enabled: false,
        executed: false,
        last_status: "",
        last: None,
        last_duration: None,
        next: None,
        no_next: "paused",
        params: String::new(),
        spark: Chart::default(),
        ..task_row()
    }
}

pub fn task_lists() -> Vec<TaskList> {
    let filter = tasks::Filter { search: "x".into(), r#type: "echo".into(), active: true, ..tasks::Filter::default() };
    let list = |rows, filter, pager| TaskList {
        filter,
        types: choices(),
        statuses: choices(),
        tags: vec!["report".into()],
        sorts: choices(),
        heads: ["none", "ascending", "descending", "none"]
            .map(|direction| tasks::SortHead { href: "/tasks".into(), direction })
            .into(),
        rows,
        menu: ViewMenu::sample(),
        pager,
    };
    vec![
        list(vec![task_row(), paused_row()], filter.clone(), pager()),
        list(Vec::new(), filter, Pager::default()),
        list(Vec::new(), tasks::Filter::default(), Pager::default()),
    ]
}

pub fn execution_row(status: &'static str) -> ExecutionRow {
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
        params_json: "{}".into(),
        status,
        cause: "schedule",
        due: moment(),
        started: (status != "queued").then(moment),
        duration: ended.then_some(1234),
        lateness: ended.then_some(3),
        attempt: 2,
        node: if ended { "host".into() } else { String::new() },
        requested_by: "alice".into(),
        error: if ended { "<b>".into() } else { String::new() },
        is_final: ended,
    }
}

fn all_rows() -> Vec<ExecutionRow> {
    Status::ALL.map(|status| execution_row(status.as_str())).into()
}

pub fn execution_lists() -> Vec<ExecutionList> {
    let filter = executions::Filter {
        statuses: vec!["failed".into()],
        from: "2026-01-01T00:00".into(),
        active: true,
        ..Default::default()
    };
    let list = |rows, filter, first, fault: &str| ExecutionList {
        filter,
        types: choices(),
        statuses: vec![Choice::new("failed", "…")],
        causes: choices(),
        ranges: vec![Range { key: "hour", href: "/executions?range=hour".into(), active: true }],
        rows,
        pager: pager(),
        newest: "01J".into(),
        first,
        fault: fault.into(),
        zone: "UTC".into(),
        csv: "/executions/-/download?format=csv".into(),
        json: "/executions/-/download?format=json".into(),
        menu: if first { ViewMenu::default() } else { ViewMenu::sample() },
    };
    vec![
        list(all_rows(), filter.clone(), true, ""),
        list(Vec::new(), filter, false, "…"),
        list(Vec::new(), executions::Filter::default(), true, ""),
    ]
}

pub fn task_pages() -> Vec<TaskPage> {
    let page = |row, executions, upcoming| TaskPage {
        row,
        title: "…".into(),
        description: "a\nb".into(),
        zone: "Asia/Shanghai".into(),
        trigger: "{}".into(),
        policy: "{}".into(),
        created: moment(),
        updated: moment(),
        chain: vec![ChainLink { on: "failure", task_id: "<b>".into(), href: "/tasks/x".into(), params: "a=1".into() }],
        upcoming,
        notes: vec!["…".into()],
        success_percent: Some(92),
        durations: Chart::sample(),
        start_delays: Chart::sample(),
        executions,
        executions_href: "/executions?task_id=x".into(),
        newest: String::new(),
        versions: VersionRow::samples(),
    };
    let fresh = TaskPage {
        durations: Chart::default(),
        start_delays: Chart::default(),
        success_percent: None,
        description: String::new(),
        notes: vec![],
        chain: vec![],
        ..page(paused_row(), vec![], vec![])
    };
    vec![page(task_row(), all_rows(), vec![moment()]), fresh]
}

pub fn execution_pages() -> Vec<ExecutionPage> {
    let attempt = |number, ended: bool| AttemptView {
        number,
        status: if ended { "failed" } else { "running" },
        started: Some(moment()),
        finished: ended.then(moment),
        duration: ended.then_some(5),
        error: if ended { "…".into() } else { String::new() },
        node: "host".into(),
    };
    let chunk = |stream, attempt| ChunkView {
        stream,
        spans: vec![Span { text: "<out>\n".into(), class: "ansi-1".into() }, Span { text: "<b>".into(), class: String::new() }],
        attempt,
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
        let row = execution_row(status);
        ExecutionPage {
            task_exists: row.is_final,
            version: i64::from(row.is_final),
            version_href: "/tasks/x/versions?before=2".into(),
            queued: moment(),
            finished: row.is_final.then(moment),
            retry: (status == "queued").then(moment),
            waited: row.started.is_some().then_some(2),
            attempts: vec![attempt(1, true), attempt(2, row.is_final)],
            filled_params: if row.is_final { "{}".into() } else { String::new() },
            started_by: if row.is_final { "01J".into() } else { String::new() },
            started: if row.is_final {
                vec![StartedView { id: "01K".into(), task_id: "after".into(), status: "queued" }]
            } else {
                Vec::new()
            },
            result: if row.is_final { result.clone() } else { ResultView::default() },
            output: if row.started.is_some() {
                OutputView {
                    omitted: 3,
                    chunks: vec![chunk("stdout", 0), chunk("stderr", 2)],
                    last: "2.0".into(),
                    style: "[]".into(),
                }
            } else {
                OutputView::default()
            },
            row,
        }
    };
    Status::ALL.map(|status| page(status.as_str())).into()
}

pub fn overviews() -> Vec<Overview> {
    let due = || Due { task_id: "x".into(), name: "…".into(), href: "/tasks/x".into(), at: moment() };
    let full = Overview {
        summary: "failing",
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
        failures: vec![execution_row("failed")],
        current: vec![Current { run: execution_row("running"), usual: Some(5), elapsed: 3 }],
        overdue: vec![due()],
        missed: vec![execution_row("missed")],
        hours: Chart::sample(),
        hour_marks: vec![moment()],
        timeline: Chart::sample(),
        timeline_marks: vec![moment(), moment(), moment()],
        planned_more: true,
        legend: vec!["succeeded"],
    };
    let bare = |summary| Overview {
        summary,
        active_is_exact: true,
        success_percent: None,
        lateness: None,
        next: None,
        due: vec![],
        cause: None,
        failures: vec![],
        current: vec![Current { run: execution_row("running"), usual: None, elapsed: 3 }],
        overdue: vec![],
        missed: vec![],
        hours: Chart::default(),
        planned_more: false,
        ..full.clone()
    };
    let late = Overview { summary: "overdue", current: vec![], ..full.clone() };
    vec![full.clone(), bare("healthy"), bare("empty"), late]
}

pub fn task_forms() -> Vec<TaskForm> {
    let values = BTreeMap::from([("/id".into(), "x".into()), ("/trigger/type".into(), "interval".into())]);
    let mut faulty = Fields { values, ..Fields::default() };
    faulty.assign(&[Fault::new("/id", "…"), Fault::new("/trigger/minutes", "…"), Fault::new("/params/a", "…")]);
    let form = |mode, form: Fields, stale| TaskForm {
        mode,
        post_to: "/tasks/new".into(),
        back: "/tasks".into(),
        version: 3,
        fault_count: form.faults.len(),
        other_faults: form.faults.keys().map(|_| "…".to_owned()).take(1).collect(),
        form,
        message: if mode == "edit" { "…".into() } else { String::new() },
        types: choices(),
        chosen: (mode == "edit").then(TypeView::sample),
        zones: vec!["UTC".into()],
        server_zone: "UTC".into(),
        queues: vec!["default".into()],
        stale,
        policy_open: mode == "edit",
        chain_open: mode == "copy",
        chain_rows: vec![0, 1],
        cron_open: mode == "copy",
    };
    let difference = Difference { field: "/name".into(), theirs: "a".into(), mine: "b".into() };
    vec![
        form("new", Fields::default(), None),
        form("copy", faulty.clone(), None),
        form("edit", faulty, Some(Stale { current: 4, differences: vec![difference] })),
    ]
}

pub fn previews() -> Vec<PreviewView> {
    let faulty = PreviewView::from_faults(&[Fault::new("/trigger/hour", "…")]);
    let moments = vec![PreviewMoment { at: moment(), local: "1970-01-01 08:00:00 +08:00".into(), weekday: "thu" }];
    let fine = PreviewView {
        text: "0 8 * * *".into(),
        description: "…".into(),
        moments,
        notes: vec!["…".into()],
        ..PreviewView::from_faults(&[])
    };
    let idle = PreviewView { moments: vec![], notes: vec![], idle: true, ..fine.clone() };
    let never = PreviewView { idle: false, ..idle.clone() };
    vec![faulty, fine, idle, never]
}
