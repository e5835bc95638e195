//! Saving of an import plan: one statement for each kind of change.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::TransferService;
use crate::domain::audit::{AuditEvent, Entry};
use crate::domain::calendar::CalendarSet;
use crate::domain::fault::Fault;
use crate::domain::schedule::Schedule;
use crate::domain::task::{Task, TaskInput};
use crate::domain::transfer::Plan;
use crate::domain::user::Actor;
use crate::i18n::message;
use crate::service::audit_log::AuditEntry;
use crate::service::task_content::{apply, content, keep_schedule, new_task, schedule};
use crate::service::{Error, Result};
use crate::storage::{Tx, audit, task, task_bulk, version};

/// The rows that a plan writes, built before the tasks are locked.
#[derive(Default)]
pub(super) struct Writes {
    created: Vec<Task>,
    updated: Vec<Task>,
    deleted: Vec<String>,
    audit_entries: Vec<Entry>,
}

impl Writes {
    /// Keeps the schedules of tasks whose trigger does not change as they are under the locks: tasks may have fired since the
    /// writes were built.
    pub fn keep_schedules(&mut self, locked: &[Task]) {
        let locked: HashMap<&str, &Task> = locked.iter().map(|task| (task.id.as_str(), task)).collect();
        for task in &mut self.updated {
            if let Some(current) = locked.get(task.id.as_str()) {
                keep_schedule(task, current);
            }
        }
    }
}

impl TransferService {
    /// The rows that a plan writes.
    ///
    /// # Errors
    /// [`Error::Invalid`] for calendars that do not exist.
    pub(super) fn writes(&self, actor: &Actor, plan: &Plan<'_>, calendars: &CalendarSet) -> Result<Writes> {
        let (mut writes, now) = (Writes::default(), self.clock.now());
        for step in &plan.steps {
            let entry = match (step.current, step.wanted) {
                (None, Some((place, input))) => {
                    let task = new_task(input, &planned(input, place, calendars, now)?, now, &actor.name);
                    let entry = AuditEntry::new(AuditEvent::TaskCreate, "task", &task.id).after(content(&task));
                    writes.created.push(task);
                    entry
                }
                (Some(current), Some((place, input))) => {
                    let task = apply(current, input, &planned(input, place, calendars, now)?, now, &actor.name);
                    let entry = AuditEntry::new(AuditEvent::TaskUpdate, "task", &task.id);
                    let entry = entry.before(content(current)).after(content(&task));
                    writes.updated.push(task);
                    entry
                }
                (Some(current), None) => {
                    writes.deleted.push(current.id.clone());
                    AuditEntry::new(AuditEvent::TaskDelete, "task", &current.id).before(content(current))
                }
                (None, None) => continue,
            };
            writes.audit_entries.push(self.audit_log.entry(actor, entry));
        }
        Ok(writes)
    }

    /// Saves a plan with versions and audit entries: one statement for each kind of change. Returns the saved tasks.
    pub(super) async fn apply_plan(
        &self,
        actor: &Actor,
        tx: &mut Tx,
        plan: &Plan<'_>,
        writes: Writes,
        now: DateTime<Utc>,
    ) -> Result<Vec<Task>> {
        let Writes { mut created, mut updated, deleted, audit_entries } = writes;
        self.set_references(actor, tx, plan, &mut created, &mut updated).await?;
        let taken = |error| match error {
            crate::storage::Error::Conflict(_) => Error::Conflict(message!("transfer.created_meanwhile")),
            other => other.into(),
        };
        if !created.is_empty() {
            version::continue_numbers(tx, &mut created).await?;
            task::insert_all(tx, &created).await.map_err(taken)?;
        }
        if !updated.is_empty() && task::update_all(tx, &updated).await? != updated.len() as u64 {
            return Err(Error::Conflict(message!("transfer.changed_meanwhile")));
        }
        if !deleted.is_empty() {
            task_bulk::delete(tx, &deleted, &message!("run.task_deleted"), now).await?;
        }
        let stored: Vec<Task> = created.into_iter().chain(updated).collect();
        if !stored.is_empty() {
            version::insert_many(tx, &stored, &actor.name).await?;
        }
        if !audit_entries.is_empty() {
            audit::add_all(tx, &audit_entries).await?;
        }
        Ok(stored)
    }
}

/// The schedule of a task of a document, with faults at its place.
fn planned(input: &TaskInput, place: usize, calendars: &CalendarSet, now: DateTime<Utc>) -> Result<Schedule> {
    schedule(input, calendars, false, now).map_err(|error| match error {
        Error::Invalid(faults) => {
            let at_place = |fault: Fault| Fault { pointer: format!("/tasks/{place}{}", fault.pointer), ..fault };
            Error::Invalid(faults.into_iter().map(at_place).collect())
        }
        other => other,
    })
}

/// The saved tasks with a new date that had passed, and the date. A document of another server has such tasks, so they are not
/// refused.
pub(super) fn passed_dates<'t>(plan: &Plan<'_>, saved: &'t [Task], now: DateTime<Utc>) -> Vec<(&'t Task, DateTime<Utc>)> {
    let saved: HashMap<&str, &Task> = saved.iter().map(|task| (task.id.as_str(), task)).collect();
    let passed = plan.steps.iter().filter_map(|step| {
        let (_, input) = step.wanted?;
        let is_new = step.current.is_none_or(|current| !current.has_schedule(&input.trigger, &input.schedule));
        let at = input.passed_date(now).filter(|_| is_new && input.enabled && !input.allow_past)?;
        Some((*saved.get(input.id.as_str())?, at))
    });
    passed.collect()
}
