//! Saving of an import plan: one statement for each kind of change.

use super::TransferService;
use crate::domain::audit::{AuditEvent, Entry};
use crate::domain::task::Task;
use crate::domain::transfer::Plan;
use crate::domain::user::Actor;
use crate::i18n::message;
use crate::service::audit_log::AuditEntry;
use crate::service::task_content::{apply, content, new_task};
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

impl TransferService {
    /// The rows that a plan writes.
    pub(super) fn writes(&self, actor: &Actor, plan: &Plan<'_>) -> Writes {
        let (mut writes, now) = (Writes::default(), self.clock.now());
        for step in &plan.steps {
            let entry = match (step.current, step.wanted) {
                (None, Some((_, input))) => {
                    let task = new_task(input, now);
                    let entry = AuditEntry::new(AuditEvent::TaskCreate, "task", &task.id).after(content(&task));
                    writes.created.push(task);
                    entry
                }
                (Some(current), Some((_, input))) => {
                    let task = apply(current, input, now);
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
        writes
    }

    /// Saves a plan with versions and audit entries: one statement for each kind of change.
    pub(super) async fn apply_plan(&self, actor: &Actor, tx: &mut Tx, plan: &Plan<'_>, writes: Writes) -> Result<()> {
        let Writes { mut created, mut updated, deleted, audit_entries } = writes;
        self.set_references(actor, tx, plan, &mut created, &mut updated).await?;
        let taken = |error| match error {
            crate::storage::Error::Conflict(_) => Error::Conflict(message!("transfer.created_meanwhile")),
            other => other.into(),
        };
        if !created.is_empty() {
            task::insert_all(tx, &created).await.map_err(taken)?;
        }
        if !updated.is_empty() && task::update_all(tx, &updated).await? != updated.len() as u64 {
            return Err(Error::Conflict(message!("transfer.changed_meanwhile")));
        }
        if !deleted.is_empty() {
            task_bulk::delete(tx, &deleted, &message!("run.task_deleted"), self.clock.now()).await?;
        }
        let stored: Vec<Task> = created.into_iter().chain(updated).collect();
        if !stored.is_empty() {
            version::insert_many(tx, &stored, &actor.name).await?;
        }
        if !audit_entries.is_empty() {
            audit::add_all(tx, &audit_entries).await?;
        }
        Ok(())
    }
}
