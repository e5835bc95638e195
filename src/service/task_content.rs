//! The content of tasks: a task from its input, a change applied to a task, and changes that are refused.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Error, Result};
use crate::domain::calendar::CalendarSet;
use crate::domain::decision::{Firing, first_firing};
use crate::domain::fault::Fault;
use crate::domain::input::quoted;
use crate::domain::pause::Pause;
use crate::domain::run_input;
use crate::domain::schedule::Schedule;
use crate::domain::task::{Task, TaskInput};
use crate::i18n::message;
use crate::ids::new_id;

/// The schedule of a task to be saved. `is_new`: its rules or calendars change.
///
/// # Errors
/// [`Error::Invalid`] for a calendar that does not exist, or one that is closed at each of the task's times.
pub(super) fn schedule(input: &TaskInput, calendars: &CalendarSet, is_new: bool, now: DateTime<Utc>) -> Result<Schedule> {
    let schedule = input.schedule(calendars).map_err(Error::Invalid)?;
    if is_new && schedule.never_opens(now, now) {
        return Err(Error::invalid("/calendar", message!("schedule.never_opens").of("calendar")));
    }
    Ok(schedule)
}

/// A new task, planned from `now`; from its date in the past if that is allowed. A task that is not enabled is paused by `by`.
pub(super) fn new_task(input: &TaskInput, schedule: &Schedule, now: DateTime<Utc>, by: &str) -> Task {
    let from = input.passed_date(now).filter(|_| input.allow_past).unwrap_or(now);
    let next = first_firing(&input.id, schedule, from, now);
    let mut task = Task { key: new_id(now), ..Task::new(input, now) };
    plan(&mut task, next, Pause::new(now, by));
    task
}

/// Plans a task from its next firing on; `pause` is its pause if it is not enabled.
pub(super) fn plan(task: &mut Task, next: Option<Firing>, pause: Pause) {
    let (run_at, rule_at) = next.map(|firing| (firing.run_at, firing.rule_at)).unzip();
    (task.next_run_at, task.next_rule_at) = if task.enabled { (run_at, rule_at) } else { (None, None) };
    task.paused = (!task.enabled).then(|| pause.with_next(rule_at, run_at));
}

/// The first firing of a task that is not decided, whether it is paused or not.
pub(super) fn undecided(task: &Task) -> Option<Firing> {
    let paused = task.paused.as_ref().and_then(|pause| pause.run_at.zip(pause.rule_at));
    let (run_at, rule_at) = task.next_run_at.zip(task.next_rule_at).or(paused)?;
    Some(Firing { rule_at, run_at })
}

/// The task with new content. A changed trigger is rescheduled from now; other changes keep the next firing.
pub(super) fn apply(current: &Task, input: &TaskInput, schedule: &Schedule, now: DateTime<Utc>, by: &str) -> Task {
    let mut task = Task {
        stats: current.stats.clone(),
        created_at: current.created_at,
        key: current.key.clone(),
        references: current.references.clone(),
        managed: current.managed.clone(),
        ..new_task(input, schedule, now, by)
    };
    task.version = current.version + 1;
    if current.has_schedule(&input.trigger, &input.schedule) {
        task.anchor_at = current.anchor_at;
    }
    keep_schedule(&mut task, current);
    task
}

/// Keeps the pause of a task that stays paused, and the next firing of one whose trigger does not change.
pub(super) fn keep_schedule(task: &mut Task, current: &Task) {
    let own = task.paused.clone().unwrap_or_else(|| Pause::new(task.updated_at, ""));
    let pause = current.paused.clone().unwrap_or(own);
    let next = if current.has_schedule(&task.trigger, &task.schedule) { undecided(current) } else { undecided(task) };
    plan(task, next, pause);
}

/// Refuses a new date that has passed, unless the caller allows it: the task would never run.
pub(super) fn refuse_passed_date(input: &TaskInput, current: Option<&Task>, now: DateTime<Utc>) -> Result<()> {
    let is_new = current.is_none_or(|current| !current.has_schedule(&input.trigger, &input.schedule));
    match input.passed_date(now) {
        Some(_) if is_new && !input.allow_past => {
            let given = quoted(input.trigger["run_date"].as_str().unwrap_or_default(), 40);
            Err(Error::invalid("/trigger/run_date", message!("task.date_passed", date = given).of("run_date")))
        }
        _ => Ok(()),
    }
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

/// Refuses to let the trigger of a task run that asks for a value without a default.
pub(super) fn refuse_unanswered(task: &Task) -> Result<()> {
    match run_input::unanswered(&task.inputs) {
        None => Ok(()),
        Some(input) => Err(Error::Conflict(message!("input.no_default", name = &input.name))),
    }
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
