//! The kept states of tasks in exports and imports. An import sets only the states of tasks that have none: an older document must
//! not rewind what has run since.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::TransferService;
use super::draft::Preparation;
use super::redaction::Redactor;
use crate::domain::fault::{Fault, MAX_FAULTS, pointer_step};
use crate::domain::task::{Task, TaskInput};
use crate::i18n::message;
use crate::service::{Error, Result};
use crate::storage::{Session, task_state};

impl TransferService {
    /// The states of these tasks, by id.
    pub(super) async fn states(&self, s: &mut dyn Session, tasks: &[Task], redactor: &Redactor) -> Result<Map<String, Value>> {
        let mut states = task_state::all(s).await?;
        let of_task = |task: &Task| Some((task.id.clone(), redactor.masked_value(states.remove(&task.id)?)));
        Ok(tasks.iter().filter_map(of_task).collect())
    }

    /// The states of a document that an import sets, with the ids of their tasks.
    ///
    /// # Errors
    /// [`Error::Forbidden`] if the actor may not edit one of these tasks.
    pub(super) async fn missing_states<'d>(
        &self,
        s: &mut dyn Session,
        import: &Preparation<'_>,
        states: &'d Map<String, Value>,
    ) -> Result<Vec<(&'d str, &'d Value)>> {
        if states.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<&str> = states.keys().map(String::as_str).collect();
        let present: HashSet<String> = task_state::with_state(s, &ids).await?.into_iter().collect();
        for input in import.inputs.iter().filter(|input| states.contains_key(&input.id) && !present.contains(&input.id)) {
            self.rules.allow_type(import.actor, &input.task_type)?;
        }
        Ok(states.iter().filter(|(id, _)| !present.contains(*id)).map(|(id, state)| (id.as_str(), state)).collect())
    }
}

/// Refuses states of tasks that are not in the document.
pub(super) fn check_states(states: &Map<String, Value>, inputs: &[TaskInput]) -> Result<()> {
    let known: HashSet<&str> = inputs.iter().map(|input| input.id.as_str()).collect();
    let foreign = states.keys().filter(|id| !known.contains(id.as_str()));
    let fault = |id: &String| Fault::new(format!("/states/{}", pointer_step(id)), message!("transfer.state_without_task"));
    let faults: Vec<Fault> = foreign.take(MAX_FAULTS).map(fault).collect();
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}
