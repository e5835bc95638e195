//! An import by somebody who is limited to tags: it reaches what they reach, as if they made each change alone.

use std::collections::{HashMap, HashSet};

use super::placed;
use crate::domain::task::{Task, TaskInput};
use crate::domain::user::Actor;
use crate::service::{Error, Result, Service, reach};
use crate::storage::{self, Tx};

/// Those of the tasks that the actor reaches. One that the document names and that is out of their reach is refused as a
/// taken id is.
pub(super) fn within(actor: &Actor, tasks: Vec<Task>, inputs: &[TaskInput]) -> Result<Vec<Task>> {
    let named: HashSet<&str> = inputs.iter().map(|input| input.id.as_str()).collect();
    let (within, foreign): (Vec<Task>, Vec<Task>) = tasks.into_iter().partition(|task| actor.reach.holds(&task.tags));
    match foreign.iter().find(|task| named.contains(task.id.as_str())) {
        Some(task) => Err(taken(&task.id)),
        None => Ok(within),
    }
}

fn taken(id: &str) -> Error {
    Error::Conflict(format!("there is a task '{id}' already"))
}

impl Service {
    /// Sees to it that each task of the document stays with its team and looks at no other's.
    pub(super) async fn keep_in_team(
        &self,
        actor: &Actor,
        tx: &mut Tx,
        inputs: &mut [TaskInput],
        current: &[Task],
    ) -> Result<()> {
        if actor.reach.is_all() {
            return Ok(());
        }
        let former: HashMap<&str, &[String]> = current.iter().map(|task| (task.id.as_str(), task.tags.as_slice())).collect();
        for (place, input) in inputs.iter_mut().enumerate() {
            let at_place = |error| match error {
                Error::Invalid(faults) => Error::Invalid(placed(place, &serde_json::Value::Null, faults).collect()),
                other => other,
            };
            let before = former.get(input.id.as_str()).copied();
            reach::keep_in_team(tx, actor, &mut input.tags, before.unwrap_or_default()).await.map_err(at_place)?;
            self.check_named(tx, actor, &input.params, "/params").await.map_err(at_place)?;
            if before.is_none() && storage::reach::has_foreign_past(tx, &actor.reach, &input.id).await? {
                return Err(taken(&input.id));
            }
        }
        Ok(())
    }
}
