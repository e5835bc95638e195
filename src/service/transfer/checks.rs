//! Checks of an import plan: permissions, immutable members and chains.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{ImportSource, TransferService, with_task_pointer};
use crate::domain::chain;
use crate::domain::fault::Fault;
use crate::domain::task::{Task, TaskInput};
use crate::domain::transfer::Plan;
use crate::domain::user::Actor;
use crate::i18n::message;
use crate::service::task_content::{refuse_immutable_change, refuse_managed};
use crate::service::{Error, Result, tag_scope};
use crate::storage::{self, Session};

impl TransferService {
    /// Checks the permission for each change, and the consistency of the resulting tasks.
    pub(super) async fn check_plan(
        &self,
        actor: &Actor,
        s: &mut dyn Session,
        plan: &Plan<'_>,
        links: &HashMap<String, Vec<String>>,
        source: ImportSource<'_>,
    ) -> Result<()> {
        let mut faults = Vec::new();
        for step in &plan.steps {
            if let Some(current) = step.current {
                self.rules.allow_type(actor, &current.task_type)?;
                if matches!(source, ImportSource::Request(_)) {
                    refuse_managed(current)?;
                }
                if !source.owns(current) {
                    return Err(Error::Conflict(message!("transfer.other_origin", id = &current.id)));
                }
            }
            if let Some((place, input)) = step.wanted {
                self.rules.allow_type(actor, &input.task_type)?;
                if let Some(Err(Error::Invalid(more))) = step.current.map(|current| refuse_immutable_change(current, input)) {
                    faults.extend(with_task_pointer(place, &Value::Null, more));
                }
            }
        }
        faults.extend(self.check_chains(actor, s, plan, links).await?);
        if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
    }

    /// Checks the chains of the resulting tasks: links must name existing tasks in the actor's scope, must not form a loop,
    /// and overridden parameters must be allowed.
    async fn check_chains(
        &self,
        actor: &Actor,
        s: &mut dyn Session,
        plan: &Plan<'_>,
        links: &HashMap<String, Vec<String>>,
    ) -> Result<Vec<Fault>> {
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
        let others = tag_scope::tasks(s, actor, &others).await?;
        let others: HashMap<String, Task> = others.into_iter().map(|task| (task.id.clone(), task)).collect();
        let mut links = links.clone();
        for (id, input) in &wanted {
            links.insert((*id).to_owned(), input.chain.iter().map(|link| link.task.clone()).collect());
        }
        let mut faults = Vec::new();
        for (place, input) in chained() {
            for (number, link) in input.chain.iter().enumerate() {
                let child = match (wanted.get(link.task.as_str()), others.get(&link.task)) {
                    (Some(child), _) => Some((child.task_type.as_str(), &child.params, &child.inputs)),
                    (None, Some(child)) if !gone.contains(child.id.as_str()) => {
                        Some((child.task_type.as_str(), &child.params, &child.inputs))
                    }
                    _ => None,
                };
                let pointer = format!("/tasks/{place}/chain/{number}");
                match child {
                    None => {
                        faults.push(Fault::new(format!("{pointer}/task"), message!("task.missing", id = &link.task).of("task")))
                    }
                    Some((task_type, params, inputs)) if !link.params.is_empty() => {
                        self.rules.allow_type(actor, task_type)?;
                        let named = Value::Object(link.params.clone());
                        tag_scope::check_named_tasks(s, actor, &named, &format!("{pointer}/params")).await?;
                        faults.extend(self.rules.check_link(task_type, params, inputs, link, &format!("{pointer}/params")));
                    }
                    Some(_) => {}
                }
            }
        }
        let places: HashMap<&str, usize> = chained().map(|(place, input)| (input.id.as_str(), place)).collect();
        // All loops are found in one pass over the links.
        let mut found = chain::find_loops(chained().map(|(_, input)| input.id.as_str()), &links);
        hide_invisible(actor, s, &mut found, &wanted).await?;
        faults.extend(found.iter().filter_map(|way| loop_fault(way, &places)));
        Ok(faults)
    }
}

/// Hides the tasks of loops that are outside the actor's scope.
async fn hide_invisible(
    actor: &Actor,
    s: &mut dyn Session,
    loops: &mut [Vec<String>],
    wanted: &HashMap<&str, &TaskInput>,
) -> Result<()> {
    if actor.scope.is_all() || loops.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = loops.iter().flatten().map(String::as_str).collect();
    let visible = storage::tag_scope::visible_tasks(s, &actor.scope, &ids).await?;
    for id in loops.iter_mut().flatten().filter(|id| !visible.contains(*id) && !wanted.contains_key(id.as_str())) {
        "…".clone_into(id);
    }
    Ok(())
}

/// The fault of a loop, at its first task in the document.
fn loop_fault(way: &[String], places: &HashMap<&str, usize>) -> Option<Fault> {
    let (place, at) = way.iter().enumerate().filter_map(|(at, id)| Some((*places.get(id.as_str())?, at))).min()?;
    let tasks: Vec<&str> = way[at..].iter().chain(&way[1..=at]).map(String::as_str).collect();
    Some(Fault::new(format!("/tasks/{place}/chain"), message!("chain.loop", tasks = tasks.join(" → ")).of("chain")))
}
