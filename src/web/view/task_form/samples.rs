//! Samples that cover every branch of the template.

use std::collections::BTreeMap;

use super::{Difference, Fields, PreviewMoment, PreviewView, Stale, TaskForm, TypeCard};
use crate::web::view::fault_text::FaultText;
use crate::web::view::params::ParamsView;
use crate::web::view::task_types::TypeView;
use crate::web::view::{Choice, Moment};

pub(super) fn task_forms() -> Vec<TaskForm> {
    let values = BTreeMap::from([("/id".into(), "x".into()), ("/trigger/type".into(), "interval".into())]);
    let mut faulty = Fields { values, ..Fields::default() };
    faulty.assign(
        &[FaultText::new("/id", "…"), FaultText::new("/trigger/minutes", "…"), FaultText::new("/params/a", "…")],
        &["/params/a".to_owned()],
    );
    let [json, fields] = ParamsView::samples();
    let form = |mode, form: Fields, stale| TaskForm {
        mode,
        post_to: "/tasks/new".into(),
        back: "/tasks".into(),
        version: 3,
        fault_count: form.faults.len(),
        test_seconds: 20,
        is_unsaved: mode != "new",
        other_faults: form.faults.keys().map(|_| "…".to_owned()).take(1).collect(),
        form,
        message: if mode == "edit" { "…".into() } else { String::new() },
        types: ["echo", "send_sql"].map(|name| TypeCard::new(Choice::new(name, "…"))).into(),
        params: if mode == "new" { json.clone() } else { fields.clone() },
        chosen: (mode == "edit").then(TypeView::sample),
        zones: vec!["UTC".into()],
        server_zone: "UTC".into(),
        queues: vec!["default".into()],
        stale,
        policy_open: mode == "edit",
        chain_open: mode == "copy",
        chain_rows: vec![0, 1],
        inputs_open: true,
        input_rows: vec![0, 1],
        cron_open: mode == "copy",
        calendars: vec![Choice::new("cn", "cn")],
        rules_open: mode == "edit",
        rule_rows: vec![1, 2],
    };
    let difference = Difference { field: "/name".into(), theirs: "a".into(), mine: "b".into() };
    vec![
        form("new", Fields::default(), None),
        form("copy", faulty.clone(), None),
        form("edit", faulty, Some(Stale { current: 4, differences: vec![difference] })),
    ]
}

pub(super) fn previews() -> Vec<PreviewView> {
    let faulty = PreviewView::from_faults(&[FaultText::new("/trigger/hour", "…")]);
    let moments = vec![PreviewMoment {
        at: Moment::sample(),
        local: "1970-01-01 08:00:00 +08:00".into(),
        weekday: "thu",
        note: "moved",
        original: "1970-01-01 07:00:00 +08:00".into(),
    }];
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
