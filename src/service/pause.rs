//! Pause and resume of tasks.

use serde_json::{Value, json};

use super::audit_log::AuditEntry;
use super::task_change::SettledTx;
use super::task_content::{plan, refuse_unanswered, undecided};
use super::tasks::TaskService;
use super::{Error, Result, allow};
use crate::domain::audit::AuditEvent;
use crate::domain::decision::first_firing;
use crate::domain::event::TaskChange;
use crate::domain::pause::{Pause, PauseRequest};
use crate::domain::task::Task;
use crate::domain::user::{Action, Actor};
use crate::storage::{task, version};

impl TaskService {
    /// Pauses a task without an end: it no longer fires, but can be run manually.
    ///
    /// # Errors
    /// As [`TaskService::pause_until`].
    pub async fn pause(&self, actor: &Actor, id: &str, if_match: Option<i64>) -> Result<Task> {
        self.pause_until(actor, id, &PauseRequest::default(), if_match).await
    }

    /// Pauses a task, until a time and for a reason if these are given. A task that is paused already gets the given end and
    /// reason; a request without either changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Stale`], [`Error::Forbidden`]; [`Error::Invalid`] for an end that has passed.
    pub async fn pause_until(&self, actor: &Actor, id: &str, request: &PauseRequest, if_match: Option<i64>) -> Result<Task> {
        allow(actor, Action::Run)?;
        let (change, mut task) = self.changes.begin(actor, id, if_match).await?;
        let zone = task.rules(self.zone).map_or(self.zone, |rule| rule.zone());
        let until = request.end(zone, change.now).map_err(|fault| Error::Invalid(vec![fault]))?;
        if !task.enabled && request.is_plain() {
            return Ok(task);
        }
        let since = task.paused.as_ref().map_or(change.now, |pause| pause.since);
        let pause = Pause { until, reason: request.reason.clone(), ..Pause::new(since, &actor.name) };
        let next = undecided(&task);
        task.enabled = false;
        plan(&mut task, next, pause);
        let after = json!({"until": until, "reason": request.reason});
        self.save_state(actor, change, task, AuditEvent::TaskPause, Some(after)).await
    }

    /// Resumes a task from now on.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Stale`], [`Error::Forbidden`].
    pub async fn resume(&self, actor: &Actor, id: &str, if_match: Option<i64>) -> Result<Task> {
        allow(actor, Action::Run)?;
        let (mut change, mut task) = self.changes.begin(actor, id, if_match).await?;
        if task.enabled {
            return Ok(task);
        }
        refuse_unanswered(&task)?;
        let calendars = self.changes.calendars(&mut change.tx).await?;
        let schedule = task.schedule(self.zone, &calendars).map_err(Error::Invalid)?;
        let next = match &task.paused {
            Some(_) => undecided(&task),
            None => first_firing(id, &schedule, change.now, task.anchor_at),
        };
        task.enabled = true;
        plan(&mut task, next, Pause::new(change.now, &actor.name));
        self.save_state(actor, change, task, AuditEvent::TaskResume, None).await
    }

    /// Saves a paused or resumed task as a new version.
    async fn save_state(
        &self,
        actor: &Actor,
        mut change: SettledTx,
        mut task: Task,
        action: AuditEvent,
        after: Option<Value>,
    ) -> Result<Task> {
        (task.updated_at, task.version) = (change.now, task.version + 1);
        let tx = &mut change.tx;
        task::update(tx, &task).await?;
        version::insert(tx, &task, &actor.name).await?;
        let entry = AuditEntry::new(action, "task", &task.id);
        let entry = after.into_iter().fold(entry, AuditEntry::after);
        self.audit_log.record(tx, actor, entry).await?;
        change.commit().await?;
        tracing::info!(actor = actor.name, task.id, enabled = task.enabled, "task paused or resumed");
        self.changed(&task.id, TaskChange::Updated);
        Ok(task)
    }
}
