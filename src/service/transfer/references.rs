//! References of imported tasks: a document names tasks that it creates itself, and revives the links of tasks that it leaves as they
//! are.

use std::collections::{BTreeSet, HashSet};

use super::TransferService;
use crate::domain::reference::Target;
use crate::domain::task::Task;
use crate::domain::transfer::Plan;
use crate::domain::user::Actor;
use crate::service::{Result, references};
use crate::storage::{Tx, task};

impl TransferService {
    /// Sets the references of the tasks that a plan creates and updates, and those of unchanged tasks whose targets are new.
    pub(super) async fn set_references(
        &self,
        actor: &Actor,
        tx: &mut Tx,
        plan: &Plan<'_>,
        created: &mut [Task],
        updated: &mut [Task],
    ) -> Result<()> {
        let unchanged: Vec<&Task> =
            plan.same.iter().copied().filter(|task| self.rules.allow_type(actor, &task.task_type).is_ok()).collect();
        let naming = created.iter().chain(updated.iter()).chain(unchanged.iter().copied());
        let ids: BTreeSet<String> = naming.flat_map(|task| task.naming().ids()).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let deleted: HashSet<&str> =
            plan.steps.iter().filter(|step| step.wanted.is_none()).filter_map(|step| Some(step.current?.id.as_str())).collect();
        let mut existing = references::targets(tx, actor, ids).await?;
        existing.retain(|task| !deleted.contains(task.id.as_str()) && !updated.iter().any(|new| new.id == task.id));
        existing.extend(created.iter().chain(updated.iter()).cloned());
        let targets: Vec<Target<'_>> = existing.iter().map(Task::target).collect();
        for task in created {
            task.references = references::updated(actor, task, None, &targets);
        }
        for task in updated {
            let former = plan.steps.iter().filter_map(|step| step.current).find(|current| current.id == task.id);
            task.references = references::updated(actor, task, former, &targets);
        }
        for task in unchanged {
            let revived = task.references.revived(task.naming(), &targets, &actor.scope);
            if revived != task.references {
                task::set_references(tx, &task.id, &revived).await?;
            }
        }
        Ok(())
    }
}
