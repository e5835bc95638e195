//! Jobs that other jobs start: links between the tasks of one import.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Found, ImportContext, Remark};
use crate::domain::chain::MAX_LINKS;
use crate::i18n::message;

/// Links tasks to their children. `children` has the id of each task, its children separated by commas, and the end on which they start;
/// `to_task_id` returns the task id of a child. Children that are not migrated are reported.
pub(super) fn link<'c>(
    found: &mut Found,
    children: impl Iterator<Item = (String, &'c str, &'c str)>,
    to_task_id: impl Fn(&str) -> String,
) {
    let known: HashSet<String> = found.entries.iter().flat_map(|entry| &entry.tasks).filter_map(task_id).collect();
    for (id, list, on) in children {
        let place = |entry: &super::Entry| entry.tasks.iter().filter_map(task_id).any(|task| task == id);
        let Some(entry) = found.entries.iter_mut().find(|entry| place(entry)) else { continue };
        let ids: Vec<&str> = list.split([',', '，']).map(str::trim).filter(|child| !child.is_empty()).collect();
        let (moved, missing): (Vec<&str>, Vec<&str>) =
            ids.into_iter().partition(|child| known.contains(&to_task_id(child)) && to_task_id(child) != id);
        let links: Vec<Value> = moved.iter().take(MAX_LINKS).map(|child| json!({"on": on, "task": to_task_id(child)})).collect();
        if !links.is_empty() {
            for task in &mut entry.tasks {
                task["chain"] = links.clone().into();
            }
        }
        for child in missing.into_iter().chain(moved.into_iter().skip(MAX_LINKS)) {
            let remark = Remark { place: entry.place.clone(), message: message!("migrate.child_missing", child) };
            found.left_out.push(remark);
        }
    }
}

fn task_id(task: &Value) -> Option<String> {
    task["id"].as_str().map(str::to_owned)
}

/// The trigger of a job that only others start: a date that does not come.
pub(super) fn only_by_chain(context: ImportContext<'_>) -> (Value, Vec<DateTime<Utc>>) {
    let trigger = json!({"type": "date", "run_date": "9999-12-31 00:00:00", "timezone": context.zone.name()});
    let firings = super::firings(&trigger, context.zone, context.now, 1).unwrap_or_default();
    (trigger, firings)
}
