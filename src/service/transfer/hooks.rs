//! Hooks in exports and imports. Their addresses are not stored, so a document only names them, and an import creates none: nobody would be
//! told the new address. What is missing is reported.

use std::collections::HashSet;

use crate::domain::fault::{Fault, MAX_FAULTS};
use crate::domain::task::{Task, TaskInput};
use crate::domain::transfer::HookMark;
use crate::i18n::message;
use crate::service::{Error, Result};
use crate::storage::{Session, hook};

/// The hooks of these tasks.
pub(super) async fn marks(s: &mut dyn Session, tasks: &[Task]) -> Result<Vec<HookMark>> {
    let ids: HashSet<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
    let all = hook::all(s).await?.into_iter().filter(|hook| ids.contains(hook.task_id.as_str()));
    Ok(all.map(|hook| HookMark { task: hook.task_id, name: hook.name, signing: hook.signing }).collect())
}

/// Refuses hooks of tasks that are not in the document.
pub(super) fn check(hooks: &[HookMark], inputs: &[TaskInput]) -> Result<()> {
    let known: HashSet<&str> = inputs.iter().map(|input| input.id.as_str()).collect();
    let foreign = hooks.iter().enumerate().filter(|(_, hook)| !known.contains(hook.task.as_str()));
    let fault = |(place, _)| Fault::new(format!("/hooks/{place}/task"), message!("transfer.state_without_task").of("task"));
    let faults: Vec<Fault> = foreign.take(MAX_FAULTS).map(fault).collect();
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}

/// The hooks of a document that its tasks do not have here, as `task: name`.
pub(super) async fn missing(s: &mut dyn Session, hooks: &[HookMark]) -> Result<Vec<String>> {
    if hooks.is_empty() {
        return Ok(Vec::new());
    }
    let existing: HashSet<(String, String)> = hook::all(s).await?.into_iter().map(|hook| (hook.task_id, hook.name)).collect();
    let is_missing = |mark: &&HookMark| !existing.contains(&(mark.task.clone(), mark.name.clone()));
    Ok(hooks.iter().filter(is_missing).map(|mark| format!("{}: {}", mark.task, mark.name)).collect())
}
