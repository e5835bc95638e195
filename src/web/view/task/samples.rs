//! Samples that cover every branch of the template.

use super::{ChainLink, TaskPage};
use crate::domain::execution::Status;
use crate::web::view::Moment;
use crate::web::view::chart::Chart;
use crate::web::view::executions::ExecutionRow;
use crate::web::view::tasks::TaskRow;
use crate::web::view::versions::VersionRow;

pub(super) fn task_pages() -> Vec<TaskPage> {
    let page = |row, executions, upcoming| TaskPage {
        row,
        title: "…".into(),
        description: "a\nb".into(),
        zone: "Asia/Shanghai".into(),
        trigger: "{}".into(),
        policy: "{}".into(),
        created: Moment::sample(),
        updated: Moment::sample(),
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
        ..page(TaskRow::paused_sample(), vec![], vec![])
    };
    let runs = Status::ALL.map(|status| ExecutionRow::sample(status.as_str()));
    vec![page(TaskRow::sample(), runs.into(), vec![Moment::sample()]), fresh]
}
