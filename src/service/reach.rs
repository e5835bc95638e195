//! How far somebody reaches: every task and execution that a service touches for somebody comes through here, and what is
//! out of their reach is to them as if it did not exist.

use serde_json::Value;

use super::{Error, Result, Service};
use crate::domain::execution::Execution;
use crate::domain::fault::{Fault, pointer_step};
use crate::domain::input::cut;
use crate::domain::permission::FAR_SIGHTED;
use crate::domain::task::{MAX_TAGS, Task};
use crate::domain::user::Actor;
use crate::storage::{Session, Tx, account, execution, reach, task};
use crate::tasks::template;

/// The parameter by which a task uses another task's result.
const FROM_TASK: &str = "from_task";

impl Service {
    /// Refuses somebody who is limited to tags what would let a task look at others' tasks: types that do so, but with a
    /// grant.
    pub(super) fn allow_sight(&self, actor: &Actor, task_type: &str) -> Result<()> {
        let far = FAR_SIGHTED.contains(&task_type) && !actor.reach.is_all();
        if far && !actor.grants.iter().any(|grant| grant == task_type) {
            return Err(Error::Forbidden(format!(
                "tasks of the type {task_type} look at everybody's executions: who is limited to tags needs a grant for it"
            )));
        }
        Ok(())
    }

    /// The tasks that parameters name must be within reach, and named outright: what a template makes of a name is only
    /// known when it runs.
    pub(super) async fn check_named(&self, s: &mut dyn Session, actor: &Actor, params: &Value, pointer: &str) -> Result<()> {
        if actor.reach.is_all() {
            return Ok(());
        }
        let mut named = Vec::new();
        find_named(params, pointer, &mut named);
        let ids: Vec<&str> = named.iter().map(|(_, id)| *id).collect();
        let reached = reach::tasks_among(s, &actor.reach, &ids).await?;
        let fault = |(pointer, id): (String, &str)| match template::has_templates(&Value::from(id)) {
            _ if reached.contains(id) => None,
            true => Some(Fault::new(pointer, "from_task: no template may stand here for who is limited to tags")),
            false => Some(Fault::new(pointer, format!("from_task: there is no task '{}'", cut(id, 64)))),
        };
        let faults: Vec<Fault> = named.into_iter().filter_map(fault).collect();
        if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
    }
}

/// Every text under the name `from_task`, with its place.
fn find_named<'v>(value: &'v Value, pointer: &str, found: &mut Vec<(String, &'v str)>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let place = format!("{pointer}/{}", pointer_step(name));
                match value {
                    Value::String(id) if name == FROM_TASK => found.push((place, id)),
                    other => find_named(other, &place, found),
                }
            }
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(n, item)| find_named(item, &format!("{pointer}/{n}"), found)),
        _ => {}
    }
}

/// A task, if the actor reaches it.
pub(super) async fn task(s: &mut dyn Session, actor: &Actor, id: &str) -> Result<Task> {
    let found = task::get(s, id).await?.filter(|task| actor.reach.holds(&task.tags));
    found.ok_or_else(|| Error::no_task(id))
}

/// An execution, if the actor reaches its task.
pub(super) async fn execution(s: &mut dyn Session, actor: &Actor, id: &str) -> Result<Execution> {
    let found = execution::get(s, id).await?.ok_or_else(|| Error::no_execution(id))?;
    let within = actor.reach.is_all() || reach::tasks_among(s, &actor.reach, &[&found.task_id]).await?.contains(&found.task_id);
    if within { Ok(found) } else { Err(Error::no_execution(id)) }
}

/// A task that stays as it is until the transaction ends, if the actor reaches it and it is at the version that they know.
pub(super) async fn hold(tx: &mut Tx, actor: &Actor, id: &str, if_match: Option<i64>) -> Result<Task> {
    let found = task::hold(tx, id).await?.filter(|task| actor.reach.holds(&task.tags));
    let task = found.ok_or_else(|| Error::no_task(id))?;
    match if_match {
        Some(given) if given != task.version => Err(Error::Stale { given, current: task.version }),
        _ => Ok(task),
    }
}

/// Sees to it that a task with these tags stays with its team: whoever is limited to tags cannot move it out of their sight, nor give it to
/// another team or take it from one. With one tag of their own, that one is added where it is missing.
pub(super) async fn keep_in_team(s: &mut dyn Session, actor: &Actor, tags: &mut Vec<String>, former: &[String]) -> Result<()> {
    let Some(own) = actor.reach.tags() else { return Ok(()) };
    if let ([only], false) = (own, actor.reach.holds(tags)) {
        tags.push(only.clone());
    }
    let named = own.join(", ");
    if !actor.reach.holds(tags) {
        return Err(Error::invalid("/tags", format!("tags: at least one of these must be given: {named}")));
    }
    if tags.len() > MAX_TAGS {
        return Err(Error::invalid("/tags", format!("tags: {} are given, at most {MAX_TAGS} are allowed", tags.len())));
    }
    let teams = account::team_tags(s).await?;
    let differs = |tag: &&String| tags.contains(tag) != former.contains(tag);
    match tags.iter().chain(former).filter(differs).find(|tag| teams.contains(*tag) && !own.contains(tag)) {
        Some(foreign) => {
            Err(Error::invalid("/tags", format!("tags: '{foreign}' is another team's to give and to take; yours: {named}")))
        }
        None => Ok(()),
    }
}
