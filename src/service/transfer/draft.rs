//! Drafts of imports: what is planned and checked before the tasks are locked.

use std::collections::{HashMap, HashSet};

use super::redaction::Redactor;
use super::{ImportSource, TransferService, tag_scope};
use crate::domain::task::{Task, TaskInput};
use crate::domain::transfer::{Plan, plan};
use crate::domain::user::Actor;
use crate::service::Result;
use crate::storage::{Session, Tx, task, task_bulk};

/// What an import is made from.
pub(super) struct Preparation<'i> {
    pub actor: &'i Actor,
    /// The tasks of the document.
    pub inputs: &'i [TaskInput],
    pub source: ImportSource<'i>,
    pub redactor: &'i Redactor,
}

/// A checked import.
pub(super) struct Draft {
    pub current: Vec<Task>,
    /// The tasks of the document as they are saved.
    pub inputs: Vec<TaskInput>,
    /// The versions of the existing tasks, by id.
    pub versions: Vec<(String, i64)>,
    /// The chained tasks of every task, before the import; empty if the document has no chains.
    pub links: HashMap<String, Vec<String>>,
}

impl Draft {
    pub fn plan(&self, source: ImportSource<'_>) -> Plan<'_> {
        plan(&self.current, &self.inputs, source.prunes())
    }
}

impl TransferService {
    /// Plans an import and checks the plan. Everything that may take long is done here, before the tasks are locked.
    pub(super) async fn draft(&self, import: &Preparation<'_>, s: &mut dyn Session, tasks: Vec<Task>) -> Result<Draft> {
        let Preparation { actor, source, redactor, .. } = *import;
        let versions = versions(&tasks);
        let mut inputs = import.inputs.to_vec();
        let current = tag_scope::visible_tasks(actor, tasks, &inputs)?;
        self.keep_in_scope(actor, s, &mut inputs, &current).await?;
        let by_id: HashMap<&str, &Task> = current.iter().map(|task| (task.id.as_str(), task)).collect();
        for input in &mut inputs {
            if let Some(task) = by_id.get(input.id.as_str()) {
                redactor.restore(input, task);
                preserve_pause(input, task, source);
            }
        }
        let links = links(s, import.inputs).await?;
        let draft = Draft { current, inputs, versions, links };
        self.check_plan(actor, s, &draft.plan(source), &draft.links, source).await?;
        Ok(draft)
    }
}

/// The chained tasks of every task. A document without chains closes no loop, so that they do not matter.
pub(super) async fn links(s: &mut dyn Session, inputs: &[TaskInput]) -> Result<HashMap<String, Vec<String>>> {
    let has_chains = inputs.iter().any(|input| !input.chain.is_empty());
    if has_chains { Ok(task::chains(s).await?) } else { Ok(HashMap::new()) }
}

pub(super) fn versions(tasks: &[Task]) -> Vec<(String, i64)> {
    tasks.iter().map(|task| (task.id.clone(), task.version)).collect()
}

/// The tasks that a document may change.
pub(super) async fn read_tasks(s: &mut dyn Session, inputs: &[TaskInput], source: ImportSource<'_>) -> Result<Vec<Task>> {
    match source.prunes() {
        true => Ok(concerned(task_bulk::all(s).await?, inputs, source)),
        false => Ok(task::many(s, &ids(inputs)).await?),
    }
}

/// As [`read_tasks`]; locks the tasks until the transaction ends.
pub(super) async fn lock_tasks(tx: &mut Tx, inputs: &[TaskInput], source: ImportSource<'_>) -> Result<Vec<Task>> {
    match source.prunes() {
        true => Ok(concerned(task_bulk::lock_all(tx).await?, inputs, source)),
        false => Ok(task_bulk::lock_many(tx, &ids(inputs)).await?),
    }
}

fn ids(inputs: &[TaskInput]) -> Vec<String> {
    inputs.iter().map(|input| input.id.clone()).collect()
}

fn concerned(mut tasks: Vec<Task>, inputs: &[TaskInput], source: ImportSource<'_>) -> Vec<Task> {
    let named: HashSet<&str> = inputs.iter().map(|input| input.id.as_str()).collect();
    let of_file = matches!(source, ImportSource::File(_));
    tasks.retain(|task| (task.managed.is_some() == of_file && source.owns(task)) || named.contains(task.id.as_str()));
    tasks
}

/// Keeps a manual pause or resume of a managed task unless the file changed `enabled` since.
fn preserve_pause(input: &mut TaskInput, task: &Task, source: ImportSource<'_>) {
    if let (ImportSource::File(_), Some(managed)) = (source, &task.managed)
        && managed.enabled == input.enabled
    {
        input.enabled = task.enabled;
    }
}
