//! Tasks: read, create, change, delete, pause and resume.

use std::collections::HashMap;

use chrono_tz::Tz;
use serde_json::Value;

use super::audit::AuditEntry;
use super::task_checks::refuse_immutable_change;
use super::{Error, Result, Service, allow, tag_scope};
use crate::domain::audit::AuditEvent;
use crate::domain::decision::first_firing;
use crate::domain::event::TaskChange;
use crate::domain::page::{Page, PageRequest, TaskFilter};
use crate::domain::task::{Task, TaskInput, TaskStats, merge_patch};
use crate::domain::user::{Action, Actor};
use crate::storage::{self, execution, task, task_list, version};

impl Service {
    /// One page of tasks.
    pub async fn tasks(&self, actor: &Actor, filter: &TaskFilter, page: &PageRequest) -> Result<Page<Task>> {
        allow(actor, Action::See)?;
        let filter = TaskFilter { scope: actor.scope.clone(), ..filter.resolved() };
        Ok(task_list::page(&mut self.database().read().await?, &filter, page).await?)
    }

    /// One task.
    ///
    /// # Errors
    /// [`Error::NotFound`], and as [`Service::tasks`].
    pub async fn task(&self, actor: &Actor, id: &str) -> Result<Task> {
        allow(actor, Action::See)?;
        tag_scope::task(&mut self.database().read().await?, actor, id).await
    }

    /// The time zones of the given tasks, for the display of their executions; unknown tasks are left out.
    pub async fn zones_of(&self, actor: &Actor, ids: &[String]) -> Result<HashMap<String, Tz>> {
        allow(actor, Action::See)?;
        let tasks = task::many(&mut self.database().read().await?, ids).await?;
        let seen = tasks.into_iter().filter(|task| actor.scope.includes(&task.tags));
        let zone = |task: &Task| task.rule(self.zone()).map_or(self.zone(), |rule| rule.zone());
        Ok(seen.map(|task| (task.id.clone(), zone(&task))).collect())
    }

    /// The tags of the tasks in the actor's scope, sorted.
    pub async fn tags(&self, actor: &Actor) -> Result<Vec<String>> {
        allow(actor, Action::See)?;
        Ok(task_list::tags(&mut self.database().read().await?, &actor.scope).await?)
    }

    /// Creates a task from JSON.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault, [`Error::Conflict`] if the id is taken, [`Error::Forbidden`].
    pub async fn create_task(&self, actor: &Actor, body: &Value) -> Result<Task> {
        allow(actor, Action::Edit)?;
        let input = self.read_input(body)?;
        self.allow_type(actor, &input.task_type)?;
        let mut task = self.new_task(&input);
        let mut tx = self.database().write().await?;
        tag_scope::keep_in_scope(&mut tx, actor, &mut task.tags, &[]).await?;
        self.check_named_tasks(&mut tx, actor, &task.params, "/params").await?;
        self.check_chain(actor, &mut tx, &task, &[]).await?;
        if storage::tag_scope::has_hidden_history(&mut tx, &actor.scope, &task.id).await? {
            return Err(Error::Conflict(format!("there is a task '{}' already", task.id)));
        }
        task::insert(&mut tx, &task, input.rule.kind().as_str()).await.map_err(|error| match error {
            storage::Error::Conflict(_) => Error::Conflict(format!("there is a task '{}' already", task.id)),
            other => other.into(),
        })?;
        version::insert(&mut tx, &task, &actor.name).await?;
        self.record_audit(&mut tx, actor, AuditEntry::new(AuditEvent::TaskCreate, "task", &task.id).after(content(&task)))
            .await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, task.id, task.r#type = task.task_type, schedule = task.schedule_text, "task created");
        self.changed(&task.id, TaskChange::Created);
        Ok(task)
    }

    pub(super) fn new_task(&self, input: &TaskInput) -> Task {
        let now = self.clock().now();
        let next = input.enabled.then(|| first_firing(&input.id, &input.rule, now, now)).flatten();
        Task {
            id: input.id.clone(),
            name: input.name.clone(),
            description: input.description.clone(),
            tags: input.tags.clone(),
            task_type: input.task_type.clone(),
            trigger: input.trigger.clone(),
            params: input.params.clone(),
            enabled: input.enabled,
            policy: input.policy.clone(),
            chain: input.chain.clone(),
            version: 1,
            created_at: now,
            updated_at: now,
            anchor_at: now,
            schedule_text: input.rule.text(),
            next_run_at: next.map(|firing| firing.run_at),
            next_rule_at: next.map(|firing| firing.rule_at),
            managed: None,
            stats: TaskStats::default(),
        }
    }

    /// Replaces all mutable fields of a task. `if_match`: the version that the caller expects.
    ///
    /// # Errors
    /// As [`Service::create_task`]; [`Error::NotFound`]; [`Error::Stale`] if the version differs.
    pub async fn replace_task(&self, actor: &Actor, id: &str, body: &Value, if_match: Option<i64>) -> Result<Task> {
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
    pub async fn patch_task(&self, actor: &Actor, id: &str, patch: &Value, if_match: Option<i64>) -> Result<Task> {
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
    pub async fn task_to_change(&self, actor: &Actor, id: &str) -> Result<Task> {
        allow(actor, Action::Edit)?;
        let task = self.task(actor, id).await?;
        refuse_managed(&task)?;
        Ok(task)
    }

    async fn change(&self, actor: &Actor, id: &str, if_match: Option<i64>, edit: impl FnOnce(&Task) -> Value) -> Result<Task> {
        allow(actor, Action::Edit)?;
        let mut tx = self.database().write().await?;
        let current = tag_scope::lock_task(&mut tx, actor, id, if_match).await?;
        self.allow_type(actor, &current.task_type)?;
        refuse_managed(&current)?;
        let input = self.read_input(&edit(&current))?;
        refuse_immutable_change(&current, &input)?;
        let mut task = self.apply(&current, &input);
        tag_scope::keep_in_scope(&mut tx, actor, &mut task.tags, &current.tags).await?;
        if is_unchanged(&task, &current) {
            return Ok(current);
        }
        if task.params != current.params {
            self.check_named_tasks(&mut tx, actor, &task.params, "/params").await?;
        }
        if task.chain != current.chain {
            self.check_chain(actor, &mut tx, &task, &current.chain).await?;
        }
        task::update(&mut tx, &task, input.rule.kind().as_str()).await?;
        version::insert(&mut tx, &task, &actor.name).await?;
        let entry = AuditEntry::new(AuditEvent::TaskUpdate, "task", id).before(content(&current)).after(content(&task));
        self.record_audit(&mut tx, actor, entry).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, task.id, task.version, schedule = task.schedule_text, "task changed");
        self.changed(id, TaskChange::Updated);
        Ok(task)
    }

    /// The task with new content. A changed trigger is rescheduled from now; other changes keep the next firing.
    pub(super) fn apply(&self, current: &Task, input: &TaskInput) -> Task {
        let now = self.clock().now();
        let mut task = Task {
            stats: current.stats.clone(),
            created_at: current.created_at,
            managed: current.managed.clone(),
            ..self.new_task(input)
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

    /// Deletes a task, its schedule and its queued runs; past executions stay.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Stale`], [`Error::Forbidden`].
    pub async fn delete_task(&self, actor: &Actor, id: &str, if_match: Option<i64>) -> Result<()> {
        allow(actor, Action::Edit)?;
        let mut tx = self.database().write().await?;
        let current = tag_scope::lock_task(&mut tx, actor, id, if_match).await?;
        self.allow_type(actor, &current.task_type)?;
        refuse_managed(&current)?;
        execution::cancel_all_queued(&mut tx, id, "the task was deleted", self.clock().now()).await?;
        task::delete(&mut tx, id).await?;
        version::delete(&mut tx, id).await?;
        self.record_audit(&mut tx, actor, AuditEntry::new(AuditEvent::TaskDelete, "task", id).before(content(&current))).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, task.id = id, "task deleted");
        self.changed(id, TaskChange::Deleted);
        Ok(())
    }

    /// Pauses a task: it no longer fires, but can be run manually.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Stale`], [`Error::Forbidden`].
    pub async fn pause_task(&self, actor: &Actor, id: &str, if_match: Option<i64>) -> Result<Task> {
        self.set_enabled(actor, id, false, if_match).await
    }

    /// Resumes a task from now on.
    pub async fn resume_task(&self, actor: &Actor, id: &str, if_match: Option<i64>) -> Result<Task> {
        self.set_enabled(actor, id, true, if_match).await
    }

    async fn set_enabled(&self, actor: &Actor, id: &str, enabled: bool, if_match: Option<i64>) -> Result<Task> {
        allow(actor, Action::Run)?;
        let now = self.clock().now();
        let mut tx = self.database().write().await?;
        let mut task = tag_scope::lock_task(&mut tx, actor, id, if_match).await?;
        if task.enabled == enabled {
            return Ok(task);
        }
        let rule = task.rule(self.zone()).map_err(Error::Invalid)?;
        let next = enabled.then(|| first_firing(id, &rule, now, task.anchor_at)).flatten();
        (task.next_run_at, task.next_rule_at) = next.map(|firing| (firing.run_at, firing.rule_at)).unzip();
        (task.enabled, task.updated_at, task.version) = (enabled, now, task.version + 1);
        task::update(&mut tx, &task, rule.kind().as_str()).await?;
        version::insert(&mut tx, &task, &actor.name).await?;
        let action = if enabled { AuditEvent::TaskResume } else { AuditEvent::TaskPause };
        self.record_audit(&mut tx, actor, AuditEntry::new(action, "task", id)).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, task.id, "task {}", if enabled { "resumed" } else { "paused" });
        self.changed(id, TaskChange::Updated);
        Ok(task)
    }

    /// Refuses dangerous task types to actors that are neither administrators nor granted the type.
    pub(super) fn allow_type(&self, actor: &Actor, task_type: &str) -> Result<()> {
        self.allow_cross_task_type(actor, task_type)?;
        let dangerous = self.registry().get(task_type).is_none_or(|entry| entry.spec.dangerous);
        if dangerous && !actor.may_set_up(task_type) { allow(actor, Action::EditDangerous) } else { Ok(()) }
    }

    /// Wakes the scheduler and publishes the change.
    fn changed(&self, id: &str, change: TaskChange) {
        self.0.deps.signals.schedule.notify_one();
        self.publish_task(id, change);
    }
}

pub(super) fn content(task: &Task) -> Value {
    Value::Object(task.to_input())
}

/// Refuses changes of a task that is managed by a file, since the next change of the file would undo them.
pub(super) fn refuse_managed(task: &Task) -> Result<()> {
    match &task.managed {
        None => Ok(()),
        Some(managed) => Err(Error::Conflict(format!("the task '{}' is managed by {}; change it there", task.id, managed.by))),
    }
}

/// Whether two states of a task have the same settable fields.
fn is_unchanged(task: &Task, current: &Task) -> bool {
    task.to_input() == current.to_input()
}
