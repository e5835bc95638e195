//! The content of tasks: a task from its input, a change applied to a task, and changes that are refused.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Error, Result};
use crate::domain::decision::first_firing;
use crate::domain::fault::Fault;
use crate::domain::task::{Task, TaskInput};
use crate::i18n::message;
use crate::ids::new_id;

/// A new task, planned from `now`.
pub(super) fn new_task(input: &TaskInput, now: DateTime<Utc>) -> Task {
    let next = input.enabled.then(|| first_firing(&input.id, &input.rule, now, now)).flatten();
    Task {
        key: new_id(now),
        next_run_at: next.map(|firing| firing.run_at),
        next_rule_at: next.map(|firing| firing.rule_at),
        ..Task::new(input, now)
    }
}

/// The task with new content. A changed trigger is rescheduled from now; other changes keep the next firing.
pub(super) fn apply(current: &Task, input: &TaskInput, now: DateTime<Utc>) -> Task {
    let mut task = Task {
        stats: current.stats.clone(),
        created_at: current.created_at,
        key: current.key.clone(),
        references: current.references.clone(),
        managed: current.managed.clone(),
        ..new_task(input, now)
    };
    task.version = current.version + 1;
    if input.trigger == current.trigger {
        task.anchor_at = current.anchor_at;
        let next = match (current.enabled, input.enabled) {
            (true, true) => current.next_run_at.zip(current.next_rule_at),
            (false, true) => {
                first_firing(&task.id, &input.rule, now, task.anchor_at).map(|firing| (firing.run_at, firing.rule_at))
            }
            (_, false) => None,
        };
        (task.next_run_at, task.next_rule_at) = next.unzip();
    }
    task
}

/// Refuses changes of the id and the type, which are immutable.
pub(super) fn refuse_immutable_change(current: &Task, input: &TaskInput) -> Result<()> {
    let mut faults = Vec::new();
    if input.id != current.id {
        faults.push(Fault::new("/id", message!("task.immutable", value = &current.id).of("id")));
    }
    if input.task_type != current.task_type {
        faults.push(Fault::new("/type", message!("task.immutable", value = &current.task_type).of("type")));
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}

/// The settable fields of a task, as in the audit log.
pub(super) fn content(task: &Task) -> Value {
    Value::Object(task.to_input())
}

/// Refuses changes of a task that is managed by a file, since the next change of the file would undo them.
pub(super) fn refuse_managed(task: &Task) -> Result<()> {
    match &task.managed {
        None => Ok(()),
        Some(managed) => Err(Error::Conflict(message!("task.managed", id = &task.id, by = &managed.by))),
    }
}

/// Whether two states of a task have the same settable fields.
pub(super) fn is_unchanged(task: &Task, current: &Task) -> bool {
    task.to_input() == current.to_input()
}
