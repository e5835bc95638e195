//! The import plan: the changes that turn the current tasks into those of a document.

use std::collections::HashMap;

use chrono::DateTime;
use chrono_tz::Tz;
use serde_json::{Map, Value};

use crate::domain::fault::pointer_step;
use crate::domain::task::{Task, TaskInput};
use crate::domain::text_enum::text_enum;

text_enum! {
    /// The kind of change of a task.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum ChangeKind {
        Create = "create",
        Update = "update",
        Delete = "delete",
    }
}

/// One step of a plan: the current and the wanted task.
#[derive(Debug, Clone, PartialEq)]
pub struct Step<'a> {
    pub kind: ChangeKind,
    pub current: Option<&'a Task>,
    /// The wanted task, with its index in the document.
    pub wanted: Option<(usize, &'a TaskInput)>,
}

/// All steps: creations and updates in document order, then deletions by id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan<'a> {
    pub steps: Vec<Step<'a>>,
    /// The tasks that already match the document.
    pub same: Vec<&'a Task>,
}

/// Compares the current tasks with the wanted ones. `prune` deletes tasks that the document does not contain.
pub fn plan<'a>(current: &'a [Task], wanted: &'a [TaskInput], prune: bool) -> Plan<'a> {
    let mut left: HashMap<&str, &Task> = current.iter().map(|task| (task.id.as_str(), task)).collect();
    let mut plan = Plan::default();
    for (place, input) in wanted.iter().enumerate() {
        let found = left.remove(input.id.as_str());
        let kind = match found {
            None => ChangeKind::Create,
            Some(task) if task.to_input() == input.to_input() => {
                plan.same.push(task);
                continue;
            }
            Some(_) => ChangeKind::Update,
        };
        plan.steps.push(Step { kind, current: found, wanted: Some((place, input)) });
    }
    if prune {
        let gone = current.iter().filter(|task| left.contains_key(task.id.as_str()));
        plan.steps.extend(gone.map(|task| Step { kind: ChangeKind::Delete, current: Some(task), wanted: None }));
    }
    plan
}

/// A step of a plan, for display.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub kind: ChangeKind,
    pub id: String,
    pub task_type: String,
    /// The differing members of an updated task; empty for created and deleted tasks.
    pub differences: Vec<Difference>,
    /// The next firings without the change; empty if none is planned.
    pub firings_before: Vec<DateTime<Tz>>,
    /// The next firings with the change.
    pub firings_after: Vec<DateTime<Tz>>,
}

/// A differing member, by JSON Pointer.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    pub pointer: String,
    /// `None`: absent.
    pub before: Option<Value>,
    /// `None`: removed.
    pub after: Option<Value>,
}

/// The differing members of two tasks, in the order of the first, then of the second.
pub fn differences(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(&mut found, "", before, after);
    found
}

fn compare(found: &mut Vec<Difference>, base: &str, before: &Map<String, Value>, after: &Map<String, Value>) {
    let added = after.keys().filter(|name| !before.contains_key(*name));
    for name in before.keys().chain(added) {
        let pointer = format!("{base}/{}", pointer_step(name));
        match (before.get(name), after.get(name)) {
            (Some(one), Some(other)) if one == other => {}
            (Some(Value::Object(one)), Some(Value::Object(other))) => compare(found, &pointer, one, other),
            (one, other) => found.push(Difference { pointer, before: one.cloned(), after: other.cloned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_descend_into_objects() {
        let (Value::Object(one), Value::Object(other)) = (
            json!({"id": "a", "trigger": {"type": "cron", "hour": 8, "a/b": 1}, "tags": ["x"]}),
            json!({"id": "a", "trigger": {"type": "cron", "minute": 5, "a/b": 2}, "tags": ["y"]}),
        ) else {
            panic!("objects")
        };
        let found: Vec<_> = differences(&one, &other).into_iter().map(|d| (d.pointer, d.before, d.after)).collect();
        let expected = [
            ("/trigger/hour", Some(json!(8)), None),
            ("/trigger/a~1b", Some(json!(1)), Some(json!(2))),
            ("/trigger/minute", None, Some(json!(5))),
            ("/tags", Some(json!(["x"])), Some(json!(["y"]))),
        ];
        assert_eq!(found, expected.map(|(pointer, before, after)| (pointer.to_owned(), before, after)));
    }
}
