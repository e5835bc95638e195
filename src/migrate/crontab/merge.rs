//! Lines with the same command as one task with several rules.

use serde_json::{Value, json};

use crate::domain::schedule::MAX_RULES;
use crate::i18n::message;
use crate::migrate::{Entry, Found, PREVIEW_COUNT};

/// Joins entries whose tasks differ in their triggers alone, up to the most rules of a task. The first one keeps its id.
pub(super) fn merge(found: &mut Found) {
    let mut merged: Vec<(Value, Entry)> = Vec::new();
    for entry in std::mem::take(&mut found.entries) {
        let content = content(&entry);
        let same = merged.iter_mut().find(|(known, first)| *known == content && rules(first) < MAX_RULES);
        match same {
            Some((_, first)) => join(first, entry),
            None => merged.push((content, entry)),
        }
    }
    found.entries = merged.into_iter().map(|(_, entry)| entry).collect();
}

/// What must be the same: the task without its id and trigger.
fn content(entry: &Entry) -> Value {
    let mut tasks = entry.tasks.clone();
    for task in tasks.iter_mut().filter_map(Value::as_object_mut) {
        task.retain(|name, _| !["id", "trigger", "description"].contains(&name.as_str()));
    }
    Value::Array(tasks)
}

fn rules(entry: &Entry) -> usize {
    entry.tasks.first().and_then(|task| task["triggers"].as_array()).map_or(1, Vec::len)
}

fn join(first: &mut Entry, other: Entry) {
    let Some(task) = first.tasks.first_mut().and_then(Value::as_object_mut) else { return };
    if let Some(trigger) = task.shift_remove("trigger") {
        task.insert("triggers".to_owned(), json!([{"trigger": trigger}]));
    }
    let further = other.tasks.into_iter().filter_map(|mut task| task.as_object_mut()?.shift_remove("trigger"));
    if let Some(Value::Array(rules)) = task.get_mut("triggers") {
        rules.extend(further.map(|trigger| json!({"trigger": trigger})));
    }
    first.notes.push(message!("crontab.merged", place = other.place));
    for note in other.notes {
        if !first.notes.contains(&note) {
            first.notes.push(note);
        }
    }
    first.firings.extend(other.firings);
    first.firings.sort();
    first.firings.dedup();
    first.firings.truncate(PREVIEW_COUNT);
}
