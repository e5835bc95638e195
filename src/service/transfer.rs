//! All tasks as one document, out and in. An import is judged whole, done in one transaction by a few statements however
//! many tasks there are, and leaves what is already as the document says untouched.

mod changes;
mod hidden;
mod managed;
mod team;

pub use managed::FileStatus;

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::audit::Told;
use super::task_checks::refuse_fixed;
use super::tasks::{content, refuse_managed};
use super::{Error, Result, Service, allow};
use crate::domain::audit::Act;
use crate::domain::chain;
use crate::domain::event::{Event, TaskChange};
use crate::domain::fault::Fault;
use crate::domain::input::cut;
use crate::domain::task::{Managed, Task, TaskInput};
use crate::domain::transfer::{Change, ChangeKind, Document, Plan, plan, to_document};
use crate::domain::user::{Action, Actor};
use crate::storage::{Session, Tx, audit, secret, task, tasks_at_once, version};

/// What is asked of an import.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Import {
    /// Tasks that the document does not name are deleted, but for those that a file keeps.
    pub prune: bool,
    /// Only tell what would be done.
    pub dry_run: bool,
}

/// What an import did, or would do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    pub changes: Vec<Change>,
    /// Tasks of the document that are already as it says.
    pub unchanged: usize,
    /// Names of secrets in the document that are not set here.
    pub missing_secrets: Vec<String>,
    /// False: nothing was saved.
    pub applied: bool,
}

/// Whose document it is.
#[derive(Clone, Copy)]
enum By<'a> {
    /// Somebody's, at one time.
    Request(Import),
    /// A file's, which keeps the tasks that it names.
    File(&'a str),
}

impl Service {
    /// All tasks that the actor reaches and the names of the secrets, as a document. A secret's value that stands in a parameter is replaced by the
    /// secret's name in a template.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Internal`].
    pub async fn export(&self, actor: &Actor) -> Result<Value> {
        allow(actor, Action::See)?;
        let hidden = self.hidden().await;
        let mut reader = self.database().read().await?;
        let mut tasks = tasks_at_once::all(&mut reader).await?;
        tasks.retain(|task| actor.reach.holds(&task.tags));
        for task in &mut tasks {
            hidden.shown(task);
        }
        let secrets = if actor.reach.is_all() { secret::list(&mut reader).await? } else { Vec::new() };
        let secrets: Vec<String> = secrets.into_iter().map(|secret| secret.name).collect();
        Ok(to_document(&tasks, &secrets, |name| self.registry().default_policy(name).ok()))
    }

    /// Makes the tasks what a document says, all of them or none.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault of every task; [`Error::Forbidden`] where the actor might not make one of the
    /// changes alone; [`Error::Conflict`] where a file keeps one of the tasks to be changed.
    pub async fn import(&self, actor: &Actor, document: &Value, import: Import) -> Result<Outcome> {
        self.import_by(actor, document, By::Request(import)).await
    }

    /// Makes the tasks that a file keeps what it says: those it names are created, changed and marked, those that it named
    /// before and no longer does are deleted. A task that was paused or resumed since stays so until the file says
    /// otherwise.
    ///
    /// # Errors
    /// As [`Service::import`].
    pub async fn keep_tasks(&self, actor: &Actor, document: &Value, file: &str) -> Result<Outcome> {
        self.import_by(actor, document, By::File(file)).await
    }

    /// Takes the marks of a file from all tasks. Answers how many there were.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Internal`].
    pub async fn release_tasks(&self, actor: &Actor) -> Result<u64> {
        allow(actor, Action::Administer)?;
        let mut tx = self.database().write().await?;
        let released = tasks_at_once::release(&mut tx).await?;
        tx.commit().await?;
        Ok(released)
    }

    async fn import_by(&self, actor: &Actor, document: &Value, by: By<'_>) -> Result<Outcome> {
        allow(actor, Action::Edit)?;
        let document = Document::parse(document).map_err(Error::Invalid)?;
        let mut inputs = self.read_inputs(&document)?;
        let hidden = self.hidden().await;
        let mut tx = self.database().write().await?;
        let current = team::within(actor, held(&mut tx, &inputs, by).await?, &inputs)?;
        self.keep_in_team(actor, &mut tx, &mut inputs, &current).await?;
        let by_id: HashMap<&str, &Task> = current.iter().map(|task| (task.id.as_str(), task)).collect();
        for input in &mut inputs {
            if let Some(task) = by_id.get(input.id.as_str()) {
                hidden.restore(input, task);
                keep_pause(input, task, by);
            }
        }
        let prune = !matches!(by, By::Request(Import { prune: false, .. }));
        let plan = plan(&current, &inputs, prune);
        self.check_plan(actor, &mut tx, &plan, by).await?;
        let outcome = Outcome {
            changes: self.changes(&plan, &hidden),
            unchanged: plan.unchanged,
            missing_secrets: missing(&mut tx, document.secrets).await?,
            applied: !matches!(by, By::Request(Import { dry_run: true, .. })),
        };
        if outcome.applied {
            self.carry_out(actor, &mut tx, &plan).await?;
            if let By::File(file) = by {
                tasks_at_once::mark(&mut tx, &marks(&document.tasks, &inputs, file)).await?;
            }
            tx.commit().await?;
            self.tell_all(actor, &outcome);
        }
        Ok(outcome)
    }

    /// Reads every task of a document, so that one answer names every fault.
    fn read_inputs(&self, document: &Document) -> Result<Vec<TaskInput>> {
        let (mut inputs, mut faults, mut seen) = (Vec::with_capacity(document.tasks.len()), Vec::new(), HashSet::new());
        for (place, body) in document.tasks.iter().enumerate() {
            match self.read_input(body) {
                Ok(input) if !seen.insert(input.id.clone()) => {
                    faults.push(Fault::new(format!("/tasks/{place}/id"), format!("id: '{}' stands twice", input.id)));
                }
                Ok(input) => inputs.push(input),
                Err(Error::Invalid(more)) => faults.extend(placed(place, body, more)),
                Err(other) => return Err(other),
            }
        }
        if faults.is_empty() { Ok(inputs) } else { Err(Error::Invalid(faults)) }
    }

    /// Whether the actor may make each change, and whether the tasks are sound together.
    async fn check_plan(&self, actor: &Actor, tx: &mut Tx, plan: &Plan<'_>, by: By<'_>) -> Result<()> {
        let mut faults = Vec::new();
        for step in &plan.steps {
            if let Some(current) = step.current {
                self.allow_type(actor, &current.task_type)?;
                if matches!(by, By::Request(_)) {
                    refuse_managed(current)?;
                }
            }
            if let Some((place, input)) = step.wanted {
                self.allow_type(actor, &input.task_type)?;
                if let Some(Err(Error::Invalid(more))) = step.current.map(|current| refuse_fixed(current, input)) {
                    faults.extend(placed(place, &Value::Null, more));
                }
            }
        }
        faults.extend(self.check_chains(actor, tx, plan).await?);
        if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
    }

    /// As for one task: what is started must be there when all is done, must not lead back, and must be what the actor could
    /// run like this.
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
        let others = task::many(tx, &others).await?.into_iter().filter(|task| actor.reach.holds(&task.tags));
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
                        self.check_named(tx, actor, &named, &format!("{pointer}/params")).await?;
                        faults.extend(self.check_link(task_type, params, link, &format!("{pointer}/params")));
                    }
                    Some(_) => {}
                }
            }
            if let Some(way) = chain::find_loop(&input.id, &links) {
                let message = format!("chain: it would start itself over and over: {}", way.join(" → "));
                faults.push(Fault::new(format!("/tasks/{place}/chain"), message));
            }
        }
        Ok(faults)
    }

    /// Saves a plan: one statement for each kind of change, with versions and audit.
    async fn carry_out(&self, actor: &Actor, tx: &mut Tx, plan: &Plan<'_>) -> Result<()> {
        let (mut created, mut updated, mut deleted, mut told) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for step in &plan.steps {
            match (step.current, step.wanted) {
                (None, Some((_, input))) => {
                    let task = self.new_task(input);
                    told.push(Told::of(Act::TaskCreate, "task", &task.id).after(content(&task)));
                    created.push((task, input.rule.kind()));
                }
                (Some(current), Some((_, input))) => {
                    let task = self.apply(current, input);
                    told.push(Told::of(Act::TaskUpdate, "task", &task.id).before(content(current)).after(content(&task)));
                    updated.push((task, input.rule.kind()));
                }
                (Some(current), None) => {
                    told.push(Told::of(Act::TaskDelete, "task", &current.id).before(content(current)));
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
            tasks_at_once::insert(tx, &created).await.map_err(taken)?;
        }
        if !updated.is_empty() && tasks_at_once::update(tx, &updated).await? != updated.len() as u64 {
            return Err(Error::Conflict("a task of the document was changed meanwhile; try again".into()));
        }
        if !deleted.is_empty() {
            tasks_at_once::delete(tx, &deleted, "the task was deleted", self.clock().now()).await?;
        }
        let kept: Vec<Task> = created.into_iter().chain(updated).map(|(task, _)| task).collect();
        if !kept.is_empty() {
            version::keep_all(tx, &kept, &actor.name).await?;
        }
        if !told.is_empty() {
            let entries: Vec<_> = told.into_iter().map(|told| self.entry(actor, told)).collect();
            audit::add_all(tx, &entries).await?;
        }
        Ok(())
    }

    /// Wakes the scheduler, tells the pages, and says it in the log.
    fn tell_all(&self, actor: &Actor, outcome: &Outcome) {
        if outcome.changes.is_empty() {
            return;
        }
        let count = |kind| outcome.changes.iter().filter(|change| change.kind == kind).count();
        let (created, updated, deleted) = (count(ChangeKind::Create), count(ChangeKind::Update), count(ChangeKind::Delete));
        tracing::info!(actor = actor.name, created, updated, deleted, unchanged = outcome.unchanged, "tasks imported");
        self.0.parts.signals.schedule.notify_one();
        let change = |kind| match kind {
            ChangeKind::Create => TaskChange::Created,
            ChangeKind::Update => TaskChange::Updated,
            ChangeKind::Delete => TaskChange::Deleted,
        };
        let events = outcome.changes.iter().map(|one| Event::Task { id: one.id.clone(), change: change(one.kind) });
        self.events().publish(events.collect());
    }
}

/// The tasks that a document may touch, kept from changing until the transaction ends.
async fn held(tx: &mut Tx, inputs: &[TaskInput], by: By<'_>) -> Result<Vec<Task>> {
    let ids: Vec<String> = inputs.iter().map(|input| input.id.clone()).collect();
    if matches!(by, By::Request(Import { prune: false, .. })) {
        return Ok(tasks_at_once::hold_many(tx, &ids).await?);
    }
    let named: HashSet<&String> = ids.iter().collect();
    let of_file = matches!(by, By::File(_));
    let mut tasks = tasks_at_once::hold_all(tx).await?;
    tasks.retain(|task| task.managed.is_some() == of_file || named.contains(&task.id));
    Ok(tasks)
}

/// Somebody paused or resumed the task: that stands until the file says something else than it said then.
fn keep_pause(input: &mut TaskInput, task: &Task, by: By<'_>) {
    if let (By::File(_), Some(managed)) = (by, &task.managed)
        && managed.enabled == input.enabled
    {
        input.enabled = task.enabled;
    }
}

/// What the file says of each task, also where a pause has been kept.
fn marks(tasks: &[Value], inputs: &[TaskInput], file: &str) -> Vec<(String, Managed)> {
    let enabled = |task: &Value| task.get("enabled").and_then(Value::as_bool).unwrap_or(true);
    let mark = |(task, input): (&Value, &TaskInput)| (input.id.clone(), Managed { by: file.to_owned(), enabled: enabled(task) });
    tasks.iter().zip(inputs).map(mark).collect()
}

async fn missing(s: &mut dyn Session, named: Vec<String>) -> Result<Vec<String>> {
    if named.is_empty() {
        return Ok(named);
    }
    let known: HashSet<String> = secret::list(s).await?.into_iter().map(|secret| secret.name).collect();
    Ok(named.into_iter().filter(|name| !known.contains(name)).collect())
}

/// Faults of the task at a place of the document; a task that has an id is named.
fn placed(place: usize, body: &Value, faults: Vec<Fault>) -> impl Iterator<Item = Fault> {
    let of = body.get("id").and_then(Value::as_str).map(|id| format!("task '{}': ", cut(id, 40))).unwrap_or_default();
    faults.into_iter().map(move |fault| Fault::new(format!("/tasks/{place}{}", fault.pointer), format!("{of}{}", fault.message)))
}
