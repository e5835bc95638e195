//! Export and import of all tasks. An import is validated as a whole and applied in one transaction with a constant number
//! of statements; tasks that already match the document stay untouched.

mod changes;
mod managed;
mod redaction;
mod tag_scope;

pub use managed::FileStatus;

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::audit::AuditEntry;
use super::task_checks::refuse_immutable_change;
use super::tasks::{content, refuse_managed};
use super::{Error, Result, Service, allow};
use crate::domain::audit::AuditEvent;
use crate::domain::chain;
use crate::domain::event::{Event, TaskChange};
use crate::domain::fault::Fault;
use crate::domain::input::truncate;
use crate::domain::task::{Managed, Task, TaskInput};
use crate::domain::transfer::{Change, ChangeKind, Document, Plan, plan, to_document};
use crate::domain::user::{Action, Actor};
use crate::storage::{Session, Tx, audit, secret, task, task_bulk, version};

/// The options of an import.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Import {
    /// True: tasks missing from the document are deleted, except those managed by a file.
    pub prune: bool,
    /// True: only report the changes.
    pub dry_run: bool,
}

/// The changes of an import, done or (dry run) planned.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    pub changes: Vec<Change>,
    /// The number of tasks that already match the document.
    pub unchanged: usize,
    /// The secrets named in the document that do not exist here.
    pub missing_secrets: Vec<String>,
    /// False: nothing was saved.
    pub applied: bool,
}

/// The origin of a document.
#[derive(Clone, Copy)]
enum ImportSource<'a> {
    /// A single import request.
    Request(Import),
    /// The tasks file, which manages the tasks that it contains.
    File(&'a str),
}

impl Service {
    /// The tasks in the actor's scope and the names of the secrets, as a document. Secret values in parameters are replaced by
    /// templates with the secret's name.
    pub async fn export(&self, actor: &Actor) -> Result<Value> {
        allow(actor, Action::See)?;
        let redactor = self.redactor().await;
        let mut reader = self.database().read().await?;
        let mut tasks = task_bulk::all(&mut reader).await?;
        tasks.retain(|task| actor.scope.includes(&task.tags));
        for task in &mut tasks {
            redactor.redact(task);
        }
        let secrets = if actor.scope.is_all() { secret::list(&mut reader).await? } else { Vec::new() };
        let secrets: Vec<String> = secrets.into_iter().map(|secret| secret.name).collect();
        Ok(to_document(&tasks, &secrets, |name| self.registry().default_policy(name).ok()))
    }

    /// Imports a document: all changes, or none.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault of every task; [`Error::Forbidden`] if the actor may not make one of the changes;
    /// [`Error::Conflict`] if one of the tasks is managed by a file.
    pub async fn import(&self, actor: &Actor, document: &Value, import: Import) -> Result<Outcome> {
        self.import_from(actor, document, ImportSource::Request(import)).await
    }

    /// Applies the tasks file: creates, updates and marks the tasks that it contains, and deletes those that it no longer
    /// contains. A manual pause or resume stays in effect until the file changes that task's `enabled`.
    pub async fn apply_tasks_file(&self, actor: &Actor, document: &Value, file: &str) -> Result<Outcome> {
        self.import_from(actor, document, ImportSource::File(file)).await
    }

    /// Makes all file-managed tasks unmanaged. Returns their number.
    pub async fn release_managed_tasks(&self, actor: &Actor) -> Result<u64> {
        allow(actor, Action::Administer)?;
        let mut tx = self.database().write().await?;
        let released = task_bulk::clear_managed(&mut tx).await?;
        tx.commit().await?;
        Ok(released)
    }

    async fn import_from(&self, actor: &Actor, document: &Value, source: ImportSource<'_>) -> Result<Outcome> {
        allow(actor, Action::Edit)?;
        let document = Document::parse(document).map_err(Error::Invalid)?;
        let mut inputs = self.read_inputs(&document)?;
        let redactor = self.redactor().await;
        let mut tx = self.database().write().await?;
        let current = tag_scope::visible_tasks(actor, lock_tasks(&mut tx, &inputs, source).await?, &inputs)?;
        self.keep_in_scope(actor, &mut tx, &mut inputs, &current).await?;
        let by_id: HashMap<&str, &Task> = current.iter().map(|task| (task.id.as_str(), task)).collect();
        for input in &mut inputs {
            if let Some(task) = by_id.get(input.id.as_str()) {
                redactor.restore(input, task);
                preserve_pause(input, task, source);
            }
        }
        let prune = !matches!(source, ImportSource::Request(Import { prune: false, .. }));
        let plan = plan(&current, &inputs, prune);
        self.check_plan(actor, &mut tx, &plan, source).await?;
        let outcome = Outcome {
            changes: self.changes(&plan, &redactor),
            unchanged: plan.unchanged,
            missing_secrets: missing_secrets(&mut tx, document.secrets).await?,
            applied: !matches!(source, ImportSource::Request(Import { dry_run: true, .. })),
        };
        if outcome.applied {
            self.apply_plan(actor, &mut tx, &plan).await?;
            if let ImportSource::File(file) = source {
                task_bulk::set_managed(&mut tx, &managed_marks(&document.tasks, &inputs, file)).await?;
            }
            tx.commit().await?;
            self.publish_import(actor, &outcome);
        }
        Ok(outcome)
    }

    /// Parses every task of a document and reports all faults together.
    fn read_inputs(&self, document: &Document) -> Result<Vec<TaskInput>> {
        let (mut inputs, mut faults, mut seen) = (Vec::with_capacity(document.tasks.len()), Vec::new(), HashSet::new());
        for (place, body) in document.tasks.iter().enumerate() {
            match self.read_input(body) {
                Ok(input) if !seen.insert(input.id.clone()) => {
                    faults.push(Fault::new(format!("/tasks/{place}/id"), format!("id: '{}' is used more than once", input.id)));
                }
                Ok(input) => inputs.push(input),
                Err(Error::Invalid(more)) => faults.extend(with_task_pointer(place, body, more)),
                Err(other) => return Err(other),
            }
        }
        if faults.is_empty() { Ok(inputs) } else { Err(Error::Invalid(faults)) }
    }

    /// Checks the permission for each change, and the consistency of the resulting tasks.
    async fn check_plan(&self, actor: &Actor, tx: &mut Tx, plan: &Plan<'_>, source: ImportSource<'_>) -> Result<()> {
        let mut faults = Vec::new();
        for step in &plan.steps {
            if let Some(current) = step.current {
                self.allow_type(actor, &current.task_type)?;
                if matches!(source, ImportSource::Request(_)) {
                    refuse_managed(current)?;
                }
            }
            if let Some((place, input)) = step.wanted {
                self.allow_type(actor, &input.task_type)?;
                if let Some(Err(Error::Invalid(more))) = step.current.map(|current| refuse_immutable_change(current, input)) {
                    faults.extend(with_task_pointer(place, &Value::Null, more));
                }
            }
        }
        faults.extend(self.check_chains(actor, tx, plan).await?);
        if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
    }

    /// Checks the chains of the resulting tasks: links must name existing tasks in the actor's scope, must not form a loop,
    /// and overridden parameters must be allowed.
    async fn check_chains(&self, actor: &Actor, tx: &mut Tx, plan: &Plan<'_>) -> Result<Vec<Fault>> {
        let wanted: HashMap<&str, &TaskInput> =
            plan.steps.iter().filter_map(|step| step.wanted).map(|(_, input)| (input.id.as_str(), input)).collect();
        let chained = || plan.steps.iter().filter_map(|step| step.wanted).filter(|(_, input)| !input.chain.is_empty());
        if chained().next().is_none() {
            return Ok(Vec::new());
        }
        let gone: HashSet<&str> = plan
            .steps
            .iter()
            .filter(|step| step.wanted.is_none())
            .filter_map(|step| step.current)
            .map(|task| task.id.as_str())
            .collect();
        let others: Vec<String> = chained().flat_map(|(_, input)| &input.chain).map(|link| link.task.clone()).collect();
        let others = task::many(tx, &others).await?.into_iter().filter(|task| actor.scope.includes(&task.tags));
        let others: HashMap<String, Task> = others.map(|task| (task.id.clone(), task)).collect();
        let mut links = task::chains(tx).await?;
        for (id, input) in &wanted {
            links.insert((*id).to_owned(), input.chain.iter().map(|link| link.task.clone()).collect());
        }
        let mut faults = Vec::new();
        for (place, input) in chained() {
            for (number, link) in input.chain.iter().enumerate() {
                let child = match (wanted.get(link.task.as_str()), others.get(&link.task)) {
                    (Some(child), _) => Some((child.task_type.as_str(), &child.params)),
                    (None, Some(child)) if !gone.contains(child.id.as_str()) => Some((child.task_type.as_str(), &child.params)),
                    _ => None,
                };
                let pointer = format!("/tasks/{place}/chain/{number}");
                match child {
                    None => faults.push(Fault::new(format!("{pointer}/task"), format!("task: there is no task '{}'", link.task))),
                    Some((task_type, params)) if !link.params.is_empty() => {
                        self.allow_type(actor, task_type)?;
                        let named = Value::Object(link.params.clone());
                        self.check_named_tasks(tx, actor, &named, &format!("{pointer}/params")).await?;
                        faults.extend(self.check_link(task_type, params, link, &format!("{pointer}/params")));
                    }
                    Some(_) => {}
                }
            }
            if let Some(way) = chain::find_loop(&input.id, &links) {
                let message = format!("chain: forms a loop: {}", way.join(" → "));
                faults.push(Fault::new(format!("/tasks/{place}/chain"), message));
            }
        }
        Ok(faults)
    }

    /// Saves a plan with versions and audit entries: one statement for each kind of change.
    async fn apply_plan(&self, actor: &Actor, tx: &mut Tx, plan: &Plan<'_>) -> Result<()> {
        let (mut created, mut updated, mut deleted, mut audit_entries) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for step in &plan.steps {
            match (step.current, step.wanted) {
                (None, Some((_, input))) => {
                    let task = self.new_task(input);
                    audit_entries.push(AuditEntry::new(AuditEvent::TaskCreate, "task", &task.id).after(content(&task)));
                    created.push((task, input.rule.kind()));
                }
                (Some(current), Some((_, input))) => {
                    let task = self.apply(current, input);
                    audit_entries.push(
                        AuditEntry::new(AuditEvent::TaskUpdate, "task", &task.id).before(content(current)).after(content(&task)),
                    );
                    updated.push((task, input.rule.kind()));
                }
                (Some(current), None) => {
                    audit_entries.push(AuditEntry::new(AuditEvent::TaskDelete, "task", &current.id).before(content(current)));
                    deleted.push(current.id.clone());
                }
                (None, None) => {}
            }
        }
        let taken = |error| match error {
            crate::storage::Error::Conflict(_) => {
                Error::Conflict("a task of the document was created meanwhile; try again".into())
            }
            other => other.into(),
        };
        if !created.is_empty() {
            task_bulk::insert(tx, &created).await.map_err(taken)?;
        }
        if !updated.is_empty() && task_bulk::update(tx, &updated).await? != updated.len() as u64 {
            return Err(Error::Conflict("a task of the document was changed meanwhile; try again".into()));
        }
        if !deleted.is_empty() {
            task_bulk::delete(tx, &deleted, "the task was deleted", self.clock().now()).await?;
        }
        let stored: Vec<Task> = created.into_iter().chain(updated).map(|(task, _)| task).collect();
        if !stored.is_empty() {
            version::insert_many(tx, &stored, &actor.name).await?;
        }
        if !audit_entries.is_empty() {
            let entries: Vec<_> = audit_entries.into_iter().map(|entry| self.audit_entry(actor, entry)).collect();
            audit::add_all(tx, &entries).await?;
        }
        Ok(())
    }

    /// Logs an import, wakes the scheduler and publishes the changes.
    fn publish_import(&self, actor: &Actor, outcome: &Outcome) {
        if outcome.changes.is_empty() {
            return;
        }
        let count = |kind| outcome.changes.iter().filter(|change| change.kind == kind).count();
        let (created, updated, deleted) = (count(ChangeKind::Create), count(ChangeKind::Update), count(ChangeKind::Delete));
        tracing::info!(actor = actor.name, created, updated, deleted, unchanged = outcome.unchanged, "tasks imported");
        self.0.deps.signals.schedule.notify_one();
        let change = |kind| match kind {
            ChangeKind::Create => TaskChange::Created,
            ChangeKind::Update => TaskChange::Updated,
            ChangeKind::Delete => TaskChange::Deleted,
        };
        let events = outcome.changes.iter().map(|one| Event::Task { id: one.id.clone(), change: change(one.kind) });
        self.events().publish(events.collect());
    }
}

/// Locks the tasks that a document may change until the transaction ends.
async fn lock_tasks(tx: &mut Tx, inputs: &[TaskInput], source: ImportSource<'_>) -> Result<Vec<Task>> {
    let ids: Vec<String> = inputs.iter().map(|input| input.id.clone()).collect();
    if matches!(source, ImportSource::Request(Import { prune: false, .. })) {
        return Ok(task_bulk::lock_many(tx, &ids).await?);
    }
    let named: HashSet<&String> = ids.iter().collect();
    let of_file = matches!(source, ImportSource::File(_));
    let mut tasks = task_bulk::lock_all(tx).await?;
    tasks.retain(|task| task.managed.is_some() == of_file || named.contains(&task.id));
    Ok(tasks)
}

/// Keeps a manual pause or resume of a managed task unless the file changed `enabled` since.
fn preserve_pause(input: &mut TaskInput, task: &Task, source: ImportSource<'_>) {
    if let (ImportSource::File(_), Some(managed)) = (source, &task.managed)
        && managed.enabled == input.enabled
    {
        input.enabled = task.enabled;
    }
}

/// The management mark of each task, with `enabled` as in the file.
fn managed_marks(tasks: &[Value], inputs: &[TaskInput], file: &str) -> Vec<(String, Managed)> {
    let enabled = |task: &Value| task.get("enabled").and_then(Value::as_bool).unwrap_or(true);
    let mark = |(task, input): (&Value, &TaskInput)| (input.id.clone(), Managed { by: file.to_owned(), enabled: enabled(task) });
    tasks.iter().zip(inputs).map(mark).collect()
}

async fn missing_secrets(s: &mut dyn Session, named: Vec<String>) -> Result<Vec<String>> {
    if named.is_empty() {
        return Ok(named);
    }
    let known: HashSet<String> = secret::list(s).await?.into_iter().map(|secret| secret.name).collect();
    Ok(named.into_iter().filter(|name| !known.contains(name)).collect())
}

/// Prefixes the faults of a task with its pointer in the document and, if known, its id.
fn with_task_pointer(place: usize, body: &Value, faults: Vec<Fault>) -> impl Iterator<Item = Fault> {
    let of = body.get("id").and_then(Value::as_str).map(|id| format!("task '{}': ", truncate(id, 40))).unwrap_or_default();
    faults.into_iter().map(move |fault| Fault::new(format!("/tasks/{place}{}", fault.pointer), format!("{of}{}", fault.message)))
}
