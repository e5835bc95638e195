//! The kept state of tasks: read and reset.

use serde_json::json;

use super::audit_log::AuditEntry;
use super::task_change::SettledTx;
use super::tasks::TaskService;
use super::{Result, allow, tag_scope};
use crate::domain::audit::AuditEvent;
use crate::domain::event::TaskChange;
use crate::domain::task_state::TaskState;
use crate::domain::user::{Action, Actor};
use crate::storage::task_state;

impl TaskService {
    /// The state that a task keeps from one run to the next; `None` if it never had one.
    ///
    /// # Errors
    /// [`super::Error::NotFound`], [`super::Error::Forbidden`].
    pub async fn state(&self, actor: &Actor, id: &str) -> Result<Option<TaskState>> {
        allow(actor, Action::See)?;
        let mut reader = self.database.read().await?;
        tag_scope::task(&mut reader, actor, id).await?;
        Ok(task_state::get(&mut reader, id).await?)
    }

    /// Resets the state of a task: its next run begins as its first one. A run in progress does not save its state any more. Also
    /// for a task that a file manages, since the file does not hold the state.
    ///
    /// # Errors
    /// As [`TaskService::state`]; [`super::Error::Stale`].
    pub async fn reset_state(&self, actor: &Actor, id: &str, if_match: Option<i64>) -> Result<()> {
        allow(actor, Action::Edit)?;
        let (mut change, task) = self.changes.begin(actor, id, if_match).await?;
        let SettledTx { tx, now, .. } = &mut change;
        self.allow_type(actor, &task.task_type)?;
        let former = task_state::get(tx, id).await?.and_then(|found| found.state);
        task_state::reset(tx, id, *now).await?;
        let entry = AuditEntry::new(AuditEvent::TaskResetState, "task", id).before(json!({"state": former}));
        self.audit_log.record(tx, actor, entry).await?;
        change.commit().await?;
        tracing::info!(actor = actor.name, task.id = id, "task state reset");
        self.changed(id, TaskChange::Updated);
        Ok(())
    }
}
