//! Export and import of all tasks. An import is validated as a whole and applied in one transaction with a constant number
//! of statements; tasks that already match the document stay untouched.

mod apply;
mod changes;
mod checks;
mod draft;
mod hooks;
mod redaction;
mod references;
mod states;
mod tag_scope;

use std::collections::HashSet;
use std::sync::Arc;

use apply::{Writes, passed_dates};
use draft::{Draft, Preparation, lock_tasks, read_tasks, versions};
use serde_json::Value;
use states::check_states;

use super::audit_log::AuditLog;
use super::calendars::{CalendarService, DocumentCalendars};
use super::deps::{ServiceDeps, Shared, from_deps};
use super::heartbeats::HeartbeatService;
use super::notify_rules::NotifyRuleService;
use super::task_change::{SettledTx, TaskChanges};
use super::task_rules::TaskRules;
use super::{Error, Result, allow};
use crate::blocking::blocking;
use crate::clock::SharedClock;
use crate::domain::event::{Event, TaskChange};
use crate::domain::fault::{Fault, MAX_FAULTS};
use crate::domain::heartbeat::HeartbeatInput;
use crate::domain::input::truncate;
use crate::domain::task::{Managed, Task, TaskInput};
use crate::domain::transfer::{Change, ChangeKind, Document, Exported, Plan, to_document};
use crate::domain::user::{Action, Actor};
use crate::events::EventBus;
use crate::i18n::{Message, message};
use crate::signals::Signals;
use crate::storage::{Database, Session, secret, task_bulk, task_state};
use crate::vault::Vault;

/// The options of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Import {
    /// True: tasks missing from the document are deleted, except those managed by a file.
    pub prune: bool,
    /// True: only report the changes.
    pub dry_run: bool,
    /// The tag of the tasks that the import may change or delete. `None`: all tasks.
    pub tag: Option<String>,
}

/// The changes of an import, done or (dry run) planned.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ImportOutcome {
    pub changes: Vec<Change>,
    /// The number of tasks that already match the document.
    pub unchanged: usize,
    /// The secrets named in the document that do not exist here.
    pub missing_secrets: Vec<String>,
    /// The number of tasks without a state that get the one of the document.
    pub states: usize,
    /// The number of notification rules that are saved.
    pub notify_rules: usize,
    /// The names of the calendars that are saved.
    pub calendars: Vec<String>,
    /// The number of heartbeats that are saved.
    pub heartbeats: usize,
    /// The hooks named in the document that do not exist here, as `task: name`.
    pub missing_hooks: Vec<String>,
    /// False: nothing was saved.
    pub applied: bool,
}

/// A document with what was read from it.
struct Contents<'d> {
    document: &'d Document,
    calendars: &'d DocumentCalendars,
    heartbeats: &'d [HeartbeatInput],
}

/// The origin of a document.
#[derive(Clone, Copy)]
enum ImportSource<'a> {
    /// A single import request.
    Request(&'a Import),
    /// The tasks file, which manages the tasks that it contains.
    File(&'a str),
}

/// Exports and imports all tasks.
#[derive(Clone)]
pub struct TransferService {
    database: Database,
    clock: SharedClock,
    vault: Arc<Vault>,
    signals: Signals,
    events: EventBus,
    audit_log: AuditLog,
    rules: TaskRules,
    changes: TaskChanges,
    notify_rules: NotifyRuleService,
    calendars: CalendarService,
    heartbeats: HeartbeatService,
}

impl TransferService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared) -> Self {
        from_deps!(deps { database, clock, vault, signals, events }, shared { audit_log, rules, changes }, {
            notify_rules: NotifyRuleService::new(deps, shared),
            calendars: CalendarService::new(deps, shared),
            heartbeats: HeartbeatService::new(deps, shared),
        })
    }

    /// The tasks in the actor's scope and the names of the secrets, as a document. Secret values in parameters are replaced by
    /// templates with the secret's name.
    pub async fn export(&self, actor: &Actor) -> Result<Value> {
        allow(actor, Action::See)?;
        let redactor = self.redactor().await;
        let mut reader = self.database.read().await?;
        let mut tasks = super::tag_scope::visible(actor, task_bulk::all(&mut reader).await?);
        for task in &mut tasks {
            redactor.redact(task);
        }
        let secrets = if actor.scope.is_all() { secret::list(&mut reader).await? } else { Vec::new() };
        let secrets: Vec<String> = secrets.into_iter().map(|secret| secret.name).collect();
        let states = self.states(&mut reader, &tasks, &redactor).await?;
        let rules: Vec<_> = self.notify_rules.list(actor).await?.into_iter().map(|rule| rule.definition).collect();
        let calendars = self.calendars.definitions(&mut reader).await?;
        let heartbeats = self.heartbeats.definitions(&mut reader, actor).await?;
        let hooks = hooks::marks(&mut reader, &tasks).await?;
        let with =
            Exported { secrets: &secrets, states, rules: &rules, calendars: &calendars, heartbeats: &heartbeats, hooks: &hooks };
        Ok(to_document(&tasks, with, |name| self.rules.registry.default_policy(name).ok()))
    }

    /// Imports a document: all changes, or none.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault of every task; [`Error::Forbidden`] if the actor may not make one of the changes;
    /// [`Error::Conflict`] if one of the tasks is managed by a file, or does not have the tag of the import.
    pub async fn import(&self, actor: &Actor, document: &Value, import: Import) -> Result<ImportOutcome> {
        self.import_from(actor, document, ImportSource::Request(&import)).await
    }

    /// Imports the tasks file, which manages the tasks that it contains.
    pub(super) async fn apply_file(&self, actor: &Actor, document: &Value, file: &str) -> Result<ImportOutcome> {
        self.import_from(actor, document, ImportSource::File(file)).await
    }

    async fn import_from(&self, actor: &Actor, document: &Value, source: ImportSource<'_>) -> Result<ImportOutcome> {
        allow(actor, Action::Edit)?;
        let document = Document::parse(document).map_err(Error::Invalid)?;
        self.rules.refresh().await?;
        let inputs = blocking(|| self.read_inputs(&document))?;
        check_states(&document.states, &inputs)?;
        hooks::check(&document.hooks, &inputs)?;
        let wanted_heartbeats = self.heartbeats.read_document(&document.heartbeats)?;
        let redactor = self.redactor().await;
        let import = Preparation { actor, inputs: &inputs, source, redactor: &redactor };
        let mut reader = self.database.read().await?;
        let tasks = read_tasks(&mut reader, &inputs, source).await?;
        let draft = self.draft(&import, &mut reader, tasks).await?;
        let calendars = self.calendars.check_document(actor, &mut reader, &document.calendars).await?;
        let missing_secrets = missing_secrets(&mut reader, document.secrets.clone()).await?;
        let states = self.missing_states(&mut reader, &import, &document.states).await?.len();
        let notify_rules = self.notify_rules.count_changed(&mut reader, &document.notify_rules).await?;
        let heartbeats = self.heartbeats.changed_of_document(&mut reader, actor, &wanted_heartbeats).await?.len();
        let missing_hooks = hooks::missing(&mut reader, &document.hooks).await?;
        drop(reader);
        let applied = !matches!(source, ImportSource::Request(import) if import.dry_run);
        let draft = match applied {
            true => {
                let contents = Contents { document: &document, calendars: &calendars, heartbeats: &wanted_heartbeats };
                self.save(&import, &contents, draft).await?
            }
            false => {
                blocking(|| self.writes(actor, &draft.plan(source), &calendars.set))?;
                draft
            }
        };
        let plan = draft.plan(source);
        let outcome = ImportOutcome {
            changes: blocking(|| self.changes(&plan, &redactor, &calendars.set)),
            unchanged: plan.same.len(),
            missing_secrets,
            states,
            notify_rules,
            calendars: calendars.names(),
            heartbeats,
            missing_hooks,
            applied,
        };
        if applied {
            self.publish_import(actor, &outcome);
        }
        Ok(outcome)
    }

    /// Saves a draft in one transaction. If the tasks or their chains were changed since it was made, it is made again under
    /// the locks.
    async fn save(&self, import: &Preparation<'_>, contents: &Contents<'_>, draft: Draft) -> Result<Draft> {
        let calendars = &contents.calendars.set;
        let plan = draft.plan(import.source);
        let mut writes = blocking(|| self.writes(import.actor, &plan, calendars))?;
        let (mut change, locked) = self.lock_settled(import, contents.calendars).await?;
        if versions(&locked) == draft.versions && draft::links(&mut change.tx, import.inputs).await? == draft.links {
            writes.keep_schedules(&locked);
            self.save_plan(import, contents, change, &plan, writes).await?;
            return Ok(draft);
        }
        let draft = self.draft(import, &mut change.tx, locked).await?;
        let plan = draft.plan(import.source);
        let writes = self.writes(import.actor, &plan, calendars)?;
        self.save_plan(import, contents, change, &plan, writes).await?;
        Ok(draft)
    }

    /// Saves what a plan and the rest of a document change, and commits.
    async fn save_plan(
        &self,
        import: &Preparation<'_>,
        contents: &Contents<'_>,
        mut change: SettledTx,
        plan: &Plan<'_>,
        writes: Writes,
    ) -> Result<()> {
        let Contents { document, calendars, heartbeats } = *contents;
        let SettledTx { tx, now, .. } = &mut change;
        let now = *now;
        let mut saved = self.apply_plan(import.actor, tx, plan, writes, now).await?;
        if let ImportSource::File(file) = import.source {
            task_bulk::set_managed(tx, &managed_marks(&document.tasks, import.inputs, file)).await?;
        }
        let states = self.missing_states(tx, import, &document.states).await?;
        if !states.is_empty() {
            task_state::restore(tx, &states, now).await?;
        }
        self.notify_rules.import(tx, import.actor, &document.notify_rules).await?;
        let told = self.heartbeats.import(tx, import.actor, heartbeats).await?;
        change.settle(&mut saved).await?;
        change.record_passed(&passed_dates(plan, &saved, now)).await?;
        self.calendars.save_document(import.actor, &mut change, calendars).await?;
        change.commit().await?;
        if told {
            self.signals.notifications.notify_one();
        }
        Ok(())
    }

    /// Locks the tasks that an import may change and records what was due.
    async fn lock_settled(&self, import: &Preparation<'_>, calendars: &DocumentCalendars) -> Result<(SettledTx, Vec<Task>)> {
        loop {
            let mut change = self.changes.open().await?;
            let mut locked = lock_tasks(&mut change.tx, import.inputs, import.source).await?;
            if change.settle(&mut locked).await? && self.calendars.settle_document(import.actor, &mut change, calendars).await? {
                return Ok((change, locked));
            }
            change.commit().await?;
        }
    }

    /// Parses every task of a document and reports the faults together.
    fn read_inputs(&self, document: &Document) -> Result<Vec<TaskInput>> {
        let (mut inputs, mut faults, mut seen) = (Vec::with_capacity(document.tasks.len()), Vec::new(), HashSet::new());
        for (place, body) in document.tasks.iter().enumerate() {
            if faults.len() >= MAX_FAULTS {
                break;
            }
            match self.rules.read_input(body) {
                Ok(input) if !seen.insert(input.id.clone()) => {
                    faults.push(Fault::new(format!("/tasks/{place}/id"), message!("transfer.id_twice", id = &input.id).of("id")));
                }
                Ok(input) => inputs.push(input),
                Err(Error::Invalid(more)) => faults.extend(with_task_pointer(place, body, more)),
                Err(other) => return Err(other),
            }
        }
        if faults.is_empty() { Ok(inputs) } else { Err(Error::Invalid(faults)) }
    }

    /// Logs an import, wakes the scheduler and publishes the changes.
    fn publish_import(&self, actor: &Actor, outcome: &ImportOutcome) {
        if outcome.changes.is_empty() {
            return;
        }
        let count = |kind| outcome.changes.iter().filter(|change| change.kind == kind).count();
        let (created, updated, deleted) = (count(ChangeKind::Create), count(ChangeKind::Update), count(ChangeKind::Delete));
        tracing::info!(actor = actor.name, created, updated, deleted, unchanged = outcome.unchanged, "tasks imported");
        self.signals.schedule.notify_one();
        let change = |kind| match kind {
            ChangeKind::Create => TaskChange::Created,
            ChangeKind::Update => TaskChange::Updated,
            ChangeKind::Delete => TaskChange::Deleted,
        };
        let events = outcome.changes.iter().map(|one| Event::Task { id: one.id.clone(), change: change(one.kind) });
        self.events.publish(events.collect());
    }
}

impl ImportSource<'_> {
    /// Whether tasks that are not in the document are deleted.
    fn prunes(self) -> bool {
        !matches!(self, ImportSource::Request(import) if !import.prune)
    }

    /// Whether an existing task is one that the import may change or delete.
    fn owns(self, task: &Task) -> bool {
        match self {
            ImportSource::Request(Import { tag: Some(tag), .. }) => task.tags.contains(tag),
            _ => true,
        }
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
    let id = body.get("id").and_then(Value::as_str).map(|id| truncate(id, 40));
    faults
        .into_iter()
        .map(move |fault| Fault::new(format!("/tasks/{place}{}", fault.pointer), of_task(id.as_deref(), fault.message)))
}

fn of_task(id: Option<&str>, message: Message) -> Message {
    match id {
        Some(id) => message!("transfer.of_task", id, message),
        None => message,
    }
}
