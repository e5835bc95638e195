//! Pause and resume of tasks.

use super::audit_log::AuditEntry;
use super::tasks::TaskService;
use super::{Error, Result, allow, tag_scope};
use crate::domain::audit::AuditEvent;
use crate::domain::decision::first_firing;
use crate::domain::event::TaskChange;
use crate::domain::task::Task;
use crate::domain::user::{Action, Actor};
use crate::storage::{task, version};

impl TaskService {
    /// Pauses a task: it no longer fires, but can be run manually.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Stale`], [`Error::Forbidden`].
    pub async fn pause(&self, actor: &Actor, id: &str, if_match: Option<i64>) -> Result<Task> {
        self.set_enabled(actor, id, false, if_match).await
    }

    /// Resumes a task from now on.
    pub async fn resume(&self, actor: &Actor, id: &str, if_match: Option<i64>) -> Result<Task> {
        self.set_enabled(actor, id, true, if_match).await
    }

    async fn set_enabled(&self, actor: &Actor, id: &str, enabled: bool, if_match: Option<i64>) -> Result<Task> {
        allow(actor, Action::Run)?;
        let now = self.clock.now();
        let mut tx = self.database.write().await?;
        let mut task = tag_scope::lock_task(&mut tx, actor, id, if_match).await?;
        if task.enabled == enabled {
            return Ok(task);
        }
        let rule = task.rule(self.zone).map_err(Error::Invalid)?;
        let next = enabled.then(|| first_firing(id, &rule, now, task.anchor_at)).flatten();
        (task.next_run_at, task.next_rule_at) = next.map(|firing| (firing.run_at, firing.rule_at)).unzip();
        (task.enabled, task.updated_at, task.version) = (enabled, now, task.version + 1);
        task::update(&mut tx, &task).await?;
        version::insert(&mut tx, &task, &actor.name).await?;
        let action = if enabled { AuditEvent::TaskResume } else { AuditEvent::TaskPause };
        self.audit_log.record(&mut tx, actor, AuditEntry::new(action, "task", id)).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, task.id, "task {}", if enabled { "resumed" } else { "paused" });
        self.changed(id, TaskChange::Updated);
        Ok(task)
    }
}
