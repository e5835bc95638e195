//! Samples that cover every branch of the template.

use super::{ChainLink, Firing, KeptState, QuickRule, TaskPage};
use crate::web::view::Moment;
use crate::web::view::hooks::HookRow;
use crate::web::view::incidents::{MuteView, PageLink, sample_rows};
use crate::web::view::pause::PauseNote;
use crate::web::view::run_chart::RunChart;
use crate::web::view::run_inputs::InputControl;
use crate::web::view::tasks::TaskRow;
use crate::web::view::versions::VersionRow;

pub(super) fn task_pages() -> Vec<TaskPage> {
    let page = |row, executions: &str, upcoming| TaskPage {
        row,
        title: "…".into(),
        description: "a\nb".into(),
        zone: "Asia/Shanghai".into(),
        trigger: "{}".into(),
        policy: "{}".into(),
        created: Moment::sample(),
        updated: Moment::sample(),
        chain: vec![ChainLink { on: "failure", task_id: "<b>".into(), href: "/tasks/x".into(), params: "a=1".into() }],
        inputs: InputControl::samples(),
        upcoming,
        quick: Some(QuickRule { per_hour: 720 }),
        notes: vec!["…".into()],
        success_percent: Some(92),
        durations: RunChart::sample(),
        start_delays: RunChart::sample(),
        executions: executions.into(),
        executions_href: "/executions?task_id=x".into(),
        newest: String::new(),
        state: Some(KeptState { json: "{}".into(), updated: Moment::sample() }),
        rules: vec![PageLink { href: "/settings/rules/edit?name=a".into(), name: "<b>".into() }],
        incidents: sample_rows(),
        muted: Some(MuteView { until: Moment::sample(), by: "<b>".into() }),
        paused: Some(PauseNote::sample()),
        hooks: vec![HookRow::sample()],
        hooks_href: "/tasks/x/hooks".into(),
        versions: VersionRow::samples(),
        pausing_versions: 3,
    };
    let fresh = TaskPage {
        durations: RunChart::default(),
        start_delays: RunChart::default(),
        quick: None,
        pausing_versions: 0,
        success_percent: None,
        description: String::new(),
        notes: vec![],
        rules: vec![],
        incidents: vec![],
        muted: None,
        hooks: vec![],
        state: None,
        chain: vec![],
        inputs: vec![],
        paused: None,
        ..page(TaskRow::paused_sample(), "", vec![])
    };
    vec![
        page(
            TaskRow::sample(),
            "<tr></tr>",
            vec![Firing {
                at: Moment::sample(),
                when: chrono::DateTime::UNIX_EPOCH,
                original: Some(Moment::sample()),
                note: "moved",
            }],
        ),
        fresh,
    ]
}
