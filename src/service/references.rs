//! The references of tasks that are saved: the tasks they name, as the account that saves them sees them.

use std::collections::BTreeSet;

use super::{Result, tag_scope};
use crate::domain::reference::{References, Target};
use crate::domain::task::Task;
use crate::domain::user::Actor;
use crate::storage::Session;

/// The references of a task that is saved; `former` is its state before.
pub(super) async fn references(s: &mut dyn Session, actor: &Actor, task: &Task, former: Option<&Task>) -> Result<References> {
    let found = targets(s, actor, task.naming().ids()).await?;
    let others = found.iter().filter(|target| target.id != task.id).map(Task::target);
    let targets: Vec<Target<'_>> = others.chain([task.target()]).collect();
    Ok(updated(actor, task, former, &targets))
}

/// The references of a task whose targets are known.
pub(super) fn updated(actor: &Actor, task: &Task, former: Option<&Task>, targets: &[Target<'_>]) -> References {
    References::updated(task.naming(), former.map(|former| (former.naming(), &former.references)), targets, &actor.scope)
}

/// The tasks of these ids that are in the actor's scope.
pub(super) async fn targets(s: &mut dyn Session, actor: &Actor, ids: BTreeSet<String>) -> Result<Vec<Task>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    tag_scope::tasks(s, actor, &ids.into_iter().collect::<Vec<_>>()).await
}
