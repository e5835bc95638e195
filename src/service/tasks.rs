//! Tasks: read, create, change and delete.

use std::collections::HashMap;

use chrono_tz::Tz;
use serde_json::Value;

use super::audit_log::{AuditEntry, AuditLog};
use super::deps::{ServiceDeps, Shared};
use super::references::references;
use super::search::check_search;
use super::task_content::{apply, content, is_unchanged, new_task, refuse_immutable_change, refuse_managed};
use super::task_rules::TaskRules;
use super::{Error, Result, allow, tag_scope};
use crate::clock::SharedClock;
use crate::domain::audit::AuditEvent;
use crate::domain::event::{Event, TaskChange};
use crate::domain::page::{Page, PageRequest, TaskFilter};
use crate::domain::task::{Task, merge_patch};
use crate::domain::user::{Action, Actor};
use crate::events::EventBus;
use crate::i18n::message;
use crate::signals::Signals;
use crate::storage::{self, Database, execution, task, task_list, version};

/// Reads and changes tasks.
#[derive(Clone)]
pub struct TaskService {
    pub(super) database: Database,
    pub(super) clock: SharedClock,
    pub(super) zone: Tz,
    signals: Signals,
    events: EventBus,
    pub(super) audit_log: AuditLog,
    rules: TaskRules,
}

impl TaskService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared) -> Self {
        Self {
            database: deps.database.clone(),
            clock: deps.clock.clone(),
            zone: deps.zone,
            signals: deps.signals.clone(),
            events: deps.events.clone(),
            audit_log: shared.audit_log.clone(),
            rules: shared.rules.clone(),
        }
    }

    /// One page of tasks.
    pub async fn list(&self, actor: &Actor, filter: &TaskFilter, page: &PageRequest) -> Result<Page<Task>> {
        allow(actor, Action::See)?;
        check_search(filter.search.as_deref())?;
        let filter = TaskFilter { scope: actor.scope.clone(), ..filter.resolved() };
        Ok(task_list::page(&mut self.database.read().await?, &filter, page).await?)
    }

    /// One task.
    ///
    /// # Errors
    /// [`Error::NotFound`], and as [`TaskService::list`].
    pub async fn get(&self, actor: &Actor, id: &str) -> Result<Task> {
        allow(actor, Action::See)?;
        tag_scope::task(&mut self.database.read().await?, actor, id).await
    }

    /// The time zones of the given tasks, for the display of their executions; unknown tasks are left out.
    pub async fn zones_of(&self, actor: &Actor, ids: &[String]) -> Result<HashMap<String, Tz>> {
        allow(actor, Action::See)?;
        let seen = tag_scope::tasks(&mut self.database.read().await?, actor, ids).await?;
        let zone = |task: &Task| task.rule(self.zone).map_or(self.zone, |rule| rule.zone());
        Ok(seen.into_iter().map(|task| (task.id.clone(), zone(&task))).collect())
    }

    /// The tags of the tasks in the actor's scope, sorted.
    pub async fn tags(&self, actor: &Actor) -> Result<Vec<String>> {
        allow(actor, Action::See)?;
        Ok(task_list::tags(&mut self.database.read().await?, &actor.scope).await?)
    }

    /// Validates a task as [`TaskService::create`] does, without saving it.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault.
    pub fn check(&self, body: &Value) -> Result<()> {
        self.rules.read_input(body).map(drop)
    }

    /// Creates a task from JSON.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault, [`Error::Conflict`] if the id is taken, [`Error::Forbidden`].
    pub async fn create(&self, actor: &Actor, body: &Value) -> Result<Task> {
        allow(actor, Action::Edit)?;
        let input = self.rules.read_input(body)?;
        self.rules.allow_type(actor, &input.task_type)?;
        let mut task = new_task(&input, self.clock.now());
        let mut tx = self.database.write().await?;
        tag_scope::keep_in_scope(&mut tx, actor, &mut task.tags, &[], &self.rules.reserved_tags).await?;
        tag_scope::check_named_tasks(&mut tx, actor, &task.params, "/params").await?;
        self.rules.check_chain(actor, &mut tx, &task, &[]).await?;
        task.references = references(&mut tx, actor, &task, None).await?;
        if storage::tag_scope::has_hidden_history(&mut tx, &actor.scope, &task.id).await? {
            return Err(Error::Conflict(message!("task.exists", id = &task.id)));
        }
        task::insert(&mut tx, &task).await.map_err(|error| match error {
            storage::Error::Conflict(_) => Error::Conflict(message!("task.exists", id = &task.id)),
            other => other.into(),
        })?;
        version::insert(&mut tx, &task, &actor.name).await?;
        self.audit_log
            .record(&mut tx, actor, AuditEntry::new(AuditEvent::TaskCreate, "task", &task.id).after(content(&task)))
            .await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, task.id, task.r#type = task.task_type, schedule = task.schedule_text, "task created");
        self.changed(&task.id, TaskChange::Created);
        Ok(task)
    }

    /// Replaces all mutable fields of a task. `if_match`: the version that the caller expects.
    ///
    /// # Errors
    /// As [`TaskService::create`]; [`Error::NotFound`]; [`Error::Stale`] if the version differs.
    pub async fn replace(&self, actor: &Actor, id: &str, body: &Value, if_match: Option<i64>) -> Result<Task> {
        self.change(actor, id, if_match, |current| {
            let mut body = body.clone();
            if let Value::Object(map) = &mut body {
                map.entry("id").or_insert_with(|| current.id.clone().into());
                map.entry("type").or_insert_with(|| current.task_type.clone().into());
            }
            body
        })
        .await
    }

    /// Applies a JSON merge patch (RFC 7396) to a task. A trigger of another type replaces the old one instead of being
    /// merged, since their members are unrelated.
    pub async fn patch(&self, actor: &Actor, id: &str, patch: &Value, if_match: Option<i64>) -> Result<Task> {
        self.change(actor, id, if_match, |current| {
            let mut body = Value::Object(current.to_input());
            if patch.pointer("/trigger/type").is_some_and(|given| Some(given) != current.trigger.get("type")) {
                body["trigger"] = Value::Null;
            }
            merge_patch(&mut body, patch);
            body
        })
        .await
    }

    /// The current state of a task that the actor wants to change or delete.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`]; [`Error::Conflict`] if the task is managed by a file.
    pub async fn get_editable(&self, actor: &Actor, id: &str) -> Result<Task> {
        allow(actor, Action::Edit)?;
        let task = self.get(actor, id).await?;
        refuse_managed(&task)?;
        Ok(task)
    }

    /// Whether the actor may save tasks of this type.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn allow_type(&self, actor: &Actor, task_type: &str) -> Result<()> {
        self.rules.allow_type(actor, task_type)
    }

    async fn change(&self, actor: &Actor, id: &str, if_match: Option<i64>, edit: impl FnOnce(&Task) -> Value) -> Result<Task> {
        allow(actor, Action::Edit)?;
        let mut tx = self.database.write().await?;
        let current = tag_scope::lock_task(&mut tx, actor, id, if_match).await?;
        self.rules.allow_type(actor, &current.task_type)?;
        refuse_managed(&current)?;
        let input = self.rules.read_input(&edit(&current))?;
        refuse_immutable_change(&current, &input)?;
        let mut task = apply(&current, &input, self.clock.now());
        tag_scope::keep_in_scope(&mut tx, actor, &mut task.tags, &current.tags, &self.rules.reserved_tags).await?;
        if is_unchanged(&task, &current) {
            return Ok(current);
        }
        if task.params != current.params {
            tag_scope::check_named_tasks(&mut tx, actor, &task.params, "/params").await?;
        }
        if task.chain != current.chain {
            self.rules.check_chain(actor, &mut tx, &task, &current.chain).await?;
        }
        task.references = references(&mut tx, actor, &task, Some(&current)).await?;
        task::update(&mut tx, &task).await?;
        version::insert(&mut tx, &task, &actor.name).await?;
        let entry = AuditEntry::new(AuditEvent::TaskUpdate, "task", id).before(content(&current)).after(content(&task));
        self.audit_log.record(&mut tx, actor, entry).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, task.id, task.version, schedule = task.schedule_text, "task changed");
        self.changed(id, TaskChange::Updated);
        Ok(task)
    }

    /// Deletes a task, its schedule and its queued runs; past executions stay.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Stale`], [`Error::Forbidden`].
    pub async fn delete(&self, actor: &Actor, id: &str, if_match: Option<i64>) -> Result<()> {
        allow(actor, Action::Edit)?;
        let mut tx = self.database.write().await?;
        let current = tag_scope::lock_task(&mut tx, actor, id, if_match).await?;
        self.rules.allow_type(actor, &current.task_type)?;
        refuse_managed(&current)?;
        execution::cancel_all_queued(&mut tx, id, &message!("run.task_deleted"), self.clock.now()).await?;
        task::delete(&mut tx, id).await?;
        version::delete(&mut tx, id).await?;
        self.audit_log
            .record(&mut tx, actor, AuditEntry::new(AuditEvent::TaskDelete, "task", id).before(content(&current)))
            .await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, task.id = id, "task deleted");
        self.changed(id, TaskChange::Deleted);
        Ok(())
    }

    /// Wakes the scheduler and publishes the change.
    pub(super) fn changed(&self, id: &str, change: TaskChange) {
        self.signals.schedule.notify_one();
        self.events.publish(vec![Event::Task { id: id.to_owned(), change }]);
    }
}
