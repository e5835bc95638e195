//! Tasks: read, create, change and delete.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono_tz::Tz;
use serde_json::Value;

use super::audit_log::{AuditEntry, AuditLog};
use super::deps::{ServiceDeps, Shared, from_deps};
use super::recent_values::RecentValues;
use super::references::references;
use super::search::check_search;
use super::task_change::{SettledTx, TaskChanges};
use super::task_content::{apply, content, is_unchanged, new_task, refuse_immutable_change, refuse_managed, refuse_passed_date};
use super::task_rules::TaskRules;
use super::{Error, Result, allow, tag_scope};
use crate::domain::audit::AuditEvent;
use crate::domain::event::{Event, TaskChange};
use crate::domain::merge_patch::merge_patch;
use crate::domain::page::{Page, PageRequest, TaskFilter, TaskSort};
use crate::domain::tag_scope::TagScope;
use crate::domain::task::Task;
use crate::domain::user::{Action, Actor};
use crate::events::EventBus;
use crate::i18n::{Language, message};
use crate::signals::Signals;
use crate::storage::{self, Database, execution, incident, task, task_list, version};

/// Reads and changes tasks.
#[derive(Clone)]
pub struct TaskService {
    pub(super) database: Database,
    pub(super) zone: Tz,
    signals: Signals,
    events: EventBus,
    pub(super) audit_log: AuditLog,
    rules: TaskRules,
    pub(super) changes: TaskChanges,
    recent_tags: RecentValues<TagScope, Vec<String>>,
    recent_counts: RecentValues<TaskFilter, (i64, bool)>,
    /// By filter, page and number of changes.
    recent_pages: RecentValues<(TaskFilter, PageRequest, u64), Arc<Page<Task>>>,
    /// By filter, page, language and number of changes.
    recent_answers: RecentValues<(TaskFilter, PageRequest, Language, u64), Arc<[u8]>>,
    recent_zones: RecentValues<(TagScope, String), Option<Tz>>,
    recent_existing: RecentValues<(TagScope, String), bool>,
}

impl TaskService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared) -> Self {
        from_deps!(deps { database, zone, signals, events }, shared { audit_log, rules, changes }, {
            recent_tags: RecentValues::new(deps.clock.clone(), shared.last_change.clone()),
            recent_counts: RecentValues::new(deps.clock.clone(), shared.last_change.clone()),
            recent_pages: RecentValues::of_pages(deps.clock.clone(), shared.last_change.clone()),
            recent_answers: RecentValues::of_pages(deps.clock.clone(), shared.last_change.clone()),
            recent_zones: RecentValues::new(deps.clock.clone(), shared.last_change.clone()),
            recent_existing: RecentValues::new(deps.clock.clone(), shared.last_change.clone()),
        })
    }

    /// One page of tasks.
    pub async fn list(&self, actor: &Actor, filter: &TaskFilter, page: &PageRequest) -> Result<Page<Task>> {
        let filter = visible_filter(actor, filter)?;
        let key = (filter.clone(), page.clone(), self.events.change_count());
        let found = self.recent_pages.get_or_read(key, async { self.read_page(&filter, page).await.map(Arc::new) }).await?;
        Ok(Arc::unwrap_or_clone(found))
    }

    /// One page of tasks as `write` writes it in a language, for all readers who may see the same.
    pub async fn list_written(
        &self,
        actor: &Actor,
        filter: &TaskFilter,
        page: &PageRequest,
        language: Language,
        write: impl FnOnce(Page<Task>) -> Vec<u8>,
    ) -> Result<Arc<[u8]>> {
        let filter = visible_filter(actor, filter)?;
        let key = (filter.clone(), page.clone(), language, self.events.change_count());
        self.recent_answers.get_or_write(key, async { self.read_page(&filter, page).await.map(write) }).await
    }

    async fn read_page(&self, filter: &TaskFilter, page: &PageRequest) -> Result<Page<Task>> {
        let mut reader = self.database.read().await?;
        let found = task_list::rows(&mut reader, filter, page).await?;
        let total = match page.total_of(found.len()) {
            Some(total) => (total, true),
            // Runs change the last status of tasks all the time.
            None if filter.status.is_some() => task_list::count_up_to_limit(&mut reader, filter).await?,
            None => {
                // The order of the rows does not change their number.
                let filter = TaskFilter { sort: TaskSort::default(), descending: false, ..filter.clone() };
                let read = async { task_list::count_up_to_limit(&mut reader, &filter).await };
                self.recent_counts.get_or_read(filter.clone(), read).await?
            }
        };
        Ok(task_list::page_of(found, filter.sort, page, total))
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
        let keys = ids.iter().map(|id| (actor.scope.clone(), id.clone())).collect();
        let found = self.recent_zones.get_or_read_many(keys, async |keys: &[(TagScope, String)]| {
            let ids: Vec<String> = keys.iter().map(|(_, id)| id.clone()).collect();
            let seen = tag_scope::tasks(&mut self.database.read().await?, actor, &ids).await?;
            let zone = |task: &Task| task.rules(self.zone).map_or(self.zone, |rule| rule.zone());
            Ok::<_, Error>(ids.iter().map(|id| seen.iter().find(|task| task.id == *id).map(zone)).collect())
        });
        Ok(found.await?.into_iter().filter_map(|((_, id), zone)| Some((id, zone?))).collect())
    }

    /// The tasks with these ids, sorted by id; unknown ones are left out.
    pub async fn many(&self, actor: &Actor, ids: &[String]) -> Result<Vec<Task>> {
        allow(actor, Action::See)?;
        tag_scope::tasks(&mut self.database.read().await?, actor, ids).await
    }

    /// The ids among these whose tasks exist in the actor's scope.
    pub async fn existing(&self, actor: &Actor, ids: &[&str]) -> Result<HashSet<String>> {
        allow(actor, Action::See)?;
        let unique: BTreeSet<&str> = ids.iter().copied().collect();
        let keys = unique.into_iter().map(|id| (actor.scope.clone(), id.to_owned())).collect();
        let found = self.recent_existing.get_or_read_many(keys, async |keys: &[(TagScope, String)]| {
            let ids: Vec<&str> = keys.iter().map(|(_, id)| id.as_str()).collect();
            let existing = storage::tag_scope::existing_tasks(&mut self.database.read().await?, &actor.scope, &ids).await?;
            Ok::<_, storage::Error>(ids.iter().map(|id| existing.contains(*id)).collect())
        });
        Ok(found.await?.into_iter().filter(|(_, exists)| *exists).map(|((_, id), _)| id).collect())
    }

    /// The tags of the tasks in the actor's scope, sorted.
    pub async fn tags(&self, actor: &Actor) -> Result<Vec<String>> {
        allow(actor, Action::See)?;
        let read = async { task_list::tags(&mut self.database.read().await?, &actor.scope).await };
        Ok(self.recent_tags.get_or_read(actor.scope.clone(), read).await?)
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
        self.rules.refresh().await?;
        let input = self.rules.read_input(body)?;
        self.rules.allow_type(actor, &input.task_type)?;
        let mut change = self.changes.open().await?;
        let SettledTx { tx, now, .. } = &mut change;
        refuse_passed_date(&input, None, *now)?;
        let schedule = self.changes.schedule(tx, &input, true, *now).await?;
        let mut task = new_task(&input, &schedule, *now, &actor.name);
        tag_scope::keep_in_scope(tx, actor, &mut task.tags, &[], &self.rules.reserved_tags).await?;
        tag_scope::check_named_tasks(tx, actor, &task.params, "/params").await?;
        tag_scope::check_rules(tx, actor, &task.schedule.rules).await?;
        self.rules.check_chain(actor, tx, &task, &[]).await?;
        task.references = references(tx, actor, &task, None).await?;
        if storage::tag_scope::has_hidden_history(tx, &actor.scope, &task.id).await? {
            return Err(Error::Conflict(message!("task.exists", id = &task.id)));
        }
        version::continue_numbers(tx, std::slice::from_mut(&mut task)).await?;
        task::insert(tx, &task).await.map_err(|error| match error {
            storage::Error::Conflict(_) => Error::Conflict(message!("task.exists", id = &task.id)),
            other => other.into(),
        })?;
        version::insert(tx, &task, &actor.name).await?;
        self.audit_log.record(tx, actor, AuditEntry::new(AuditEvent::TaskCreate, "task", &task.id).after(content(&task))).await?;
        change.settle(std::slice::from_mut(&mut task)).await?;
        change.commit().await?;
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
            patch_schedule(&mut body, patch, current);
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
        self.rules.refresh().await?;
        let (mut change, current) = self.changes.begin(actor, id, if_match).await?;
        let SettledTx { tx, now, .. } = &mut change;
        self.rules.allow_type(actor, &current.task_type)?;
        refuse_managed(&current)?;
        let input = self.rules.read_input(&edit(&current))?;
        refuse_immutable_change(&current, &input)?;
        refuse_passed_date(&input, Some(&current), *now)?;
        let is_new = !current.has_schedule(&input.trigger, &input.schedule);
        let schedule = self.changes.schedule(tx, &input, is_new, *now).await?;
        let mut task = apply(&current, &input, &schedule, *now, &actor.name);
        tag_scope::keep_in_scope(tx, actor, &mut task.tags, &current.tags, &self.rules.reserved_tags).await?;
        if is_unchanged(&task, &current) {
            return Ok(current);
        }
        if task.params != current.params {
            tag_scope::check_named_tasks(tx, actor, &task.params, "/params").await?;
        }
        if task.schedule.rules != current.schedule.rules {
            tag_scope::check_rules(tx, actor, &task.schedule.rules).await?;
        }
        if task.chain != current.chain {
            self.rules.check_chain(actor, tx, &task, &current.chain).await?;
        }
        task.references = references(tx, actor, &task, Some(&current)).await?;
        task::update(tx, &task).await?;
        version::insert(tx, &task, &actor.name).await?;
        let entry = AuditEntry::new(AuditEvent::TaskUpdate, "task", id).before(content(&current)).after(content(&task));
        self.audit_log.record(tx, actor, entry).await?;
        change.settle(std::slice::from_mut(&mut task)).await?;
        change.commit().await?;
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
        let (mut change, current) = self.changes.begin(actor, id, if_match).await?;
        let SettledTx { tx, now, .. } = &mut change;
        self.rules.allow_type(actor, &current.task_type)?;
        refuse_managed(&current)?;
        execution::cancel_all_queued(tx, id, &message!("run.task_deleted"), *now).await?;
        version::retire(tx, &[id.to_owned()], *now).await?;
        incident::close_deleted(tx, &[id.to_owned()], *now).await?;
        task::delete(tx, id).await?;
        self.audit_log.record(tx, actor, AuditEntry::new(AuditEvent::TaskDelete, "task", id).before(content(&current))).await?;
        change.commit().await?;
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

/// The filter within the actor's scope.
fn visible_filter(actor: &Actor, filter: &TaskFilter) -> Result<TaskFilter> {
    allow(actor, Action::See)?;
    check_search(filter.search.as_deref())?;
    Ok(TaskFilter { scope: actor.scope.clone(), ..filter.resolved() })
}

/// Prepares a task for a patch of its schedule. A trigger of another type replaces the old one instead of being merged, and
/// `triggers` take the place of a trigger, or (null) leave that of the first rule.
fn patch_schedule(body: &mut Value, patch: &Value, current: &Task) {
    if patch.pointer("/trigger/type").is_some_and(|given| Some(given) != current.trigger.get("type")) {
        body["trigger"] = Value::Null;
    }
    match (patch.get("triggers"), patch.get("trigger")) {
        (Some(Value::Null), None) => body["trigger"] = current.trigger.clone(),
        (Some(_), None) => body["trigger"] = Value::Null,
        _ => {}
    }
}
