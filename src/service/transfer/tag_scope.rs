//! Tag scopes of imports: an import by an actor limited to tags has the same limits as its single changes.

use std::collections::{HashMap, HashSet};

use super::{TransferService, with_task_pointer};
use crate::domain::task::{Task, TaskInput};
use crate::domain::user::Actor;
use crate::i18n::message;
use crate::service::{Error, Result, tag_scope};
use crate::storage::{self, Session};

/// The tasks in the actor's scope. A task of the document outside the scope is refused as a taken id.
pub(super) fn visible_tasks(actor: &Actor, tasks: Vec<Task>, inputs: &[TaskInput]) -> Result<Vec<Task>> {
    let named: HashSet<&str> = inputs.iter().map(|input| input.id.as_str()).collect();
    let (visible, foreign): (Vec<Task>, Vec<Task>) = tasks.into_iter().partition(|task| actor.scope.allows(&task.tags));
    match foreign.iter().find(|task| named.contains(task.id.as_str())) {
        Some(task) => Err(taken(&task.id)),
        None => Ok(visible),
    }
}

fn taken(id: &str) -> Error {
    Error::Conflict(message!("task.exists", id))
}

impl TransferService {
    /// Keeps every task of the document in the actor's scope, and refuses references to tasks outside of it.
    pub(super) async fn keep_in_scope(
        &self,
        actor: &Actor,
        s: &mut dyn Session,
        inputs: &mut [TaskInput],
        current: &[Task],
    ) -> Result<()> {
        if actor.scope.is_all() {
            return Ok(());
        }
        let former: HashMap<&str, &[String]> = current.iter().map(|task| (task.id.as_str(), task.tags.as_slice())).collect();
        for (place, input) in inputs.iter_mut().enumerate() {
            let at_place = |error| match error {
                Error::Invalid(faults) => Error::Invalid(with_task_pointer(place, &serde_json::Value::Null, faults).collect()),
                other => other,
            };
            let before = former.get(input.id.as_str()).copied();
            tag_scope::keep_in_scope(s, actor, &mut input.tags, before.unwrap_or_default(), &self.rules.reserved_tags)
                .await
                .map_err(at_place)?;
            tag_scope::check_named_tasks(s, actor, &input.params, "/params").await.map_err(at_place)?;
            tag_scope::check_rules(s, actor, &input.schedule.rules).await.map_err(at_place)?;
            if before.is_none() && storage::tag_scope::has_hidden_history(s, &actor.scope, &input.id).await? {
                return Err(taken(&input.id));
            }
        }
        Ok(())
    }
}
