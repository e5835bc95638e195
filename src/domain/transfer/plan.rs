//! What a document would do to the tasks there are: a pure comparison, so that what is shown is what is done.

use std::collections::HashMap;

use chrono::DateTime;
use chrono_tz::Tz;
use serde_json::{Map, Value};

use crate::domain::fault::pointer_step;
use crate::domain::task::{Task, TaskInput};

/// What is done to one task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    Create,
    Update,
    Delete,
}

impl ChangeKind {
    pub const ALL: [ChangeKind; 3] = [ChangeKind::Create, ChangeKind::Update, ChangeKind::Delete];

    pub fn as_str(self) -> &'static str {
        match self {
            ChangeKind::Create => "create",
            ChangeKind::Update => "update",
            ChangeKind::Delete => "delete",
        }
    }
}

/// One step: what there is, and what is wanted in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Step<'a> {
    pub kind: ChangeKind,
    pub current: Option<&'a Task>,
    /// The task that is wanted, with its place in the document.
    pub wanted: Option<(usize, &'a TaskInput)>,
}

/// All steps: what is created and changed in the document's order, then what is deleted, by id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan<'a> {
    pub steps: Vec<Step<'a>>,
    /// How many tasks of the document are already as it says.
    pub unchanged: usize,
}

/// Compares. With `prune` the tasks that the document does not name are deleted.
pub fn plan<'a>(current: &'a [Task], wanted: &'a [TaskInput], prune: bool) -> Plan<'a> {
    let mut left: HashMap<&str, &Task> = current.iter().map(|task| (task.id.as_str(), task)).collect();
    let mut plan = Plan::default();
    for (place, input) in wanted.iter().enumerate() {
        let found = left.remove(input.id.as_str());
        let kind = match found {
            None => ChangeKind::Create,
            Some(task) if task.to_input() == input.to_input() => {
                plan.unchanged += 1;
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

/// A step as people see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub kind: ChangeKind,
    pub id: String,
    pub task_type: String,
    /// What differs; of a task that is created or deleted nothing is listed.
    pub differences: Vec<Difference>,
    /// The next firings as they are without the change; empty where none is planned.
    pub firings_before: Vec<DateTime<Tz>>,
    /// As they would be.
    pub firings_after: Vec<DateTime<Tz>>,
}

/// A member that differs, by its JSON Pointer.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    pub pointer: String,
    /// `None`: it was not there.
    pub before: Option<Value>,
    /// `None`: it is left out.
    pub after: Option<Value>,
}

/// The members in which two tasks differ, in the order of the first and then of the second.
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
    fn members_that_differ_are_named_to_the_depth_of_objects() {
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
