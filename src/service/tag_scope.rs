//! Enforcement of tag scopes: services load tasks and executions for an actor through these functions; those outside the
//! actor's scope are reported as not found.

use serde_json::Value;

use super::{Error, Result};
use crate::domain::execution::Execution;
use crate::domain::fault::{Fault, pointer_step};
use crate::domain::grant::CROSS_TASK_TYPES;
use crate::domain::input::truncate;
use crate::domain::reference::FROM_TASK;
use crate::domain::schedule::RuleSettings;
use crate::domain::task::{MAX_TAGS, Task};
use crate::domain::user::Actor;
use crate::i18n::message;
use crate::storage::{Session, Tx, account, execution, secret, tag_scope, task};
use crate::tasks::template;

/// Refuses task types that read the executions of other tasks to actors limited to tags, unless they have a grant.
pub(super) fn allow_cross_task_type(actor: &Actor, task_type: &str) -> Result<()> {
    let restricted = CROSS_TASK_TYPES.contains(&task_type) && !actor.scope.is_all();
    if restricted && !actor.grants.iter().any(|grant| grant == task_type) {
        return Err(Error::Forbidden(message!("permission.cross_task_type", task_type)));
    }
    Ok(())
}

/// Checks that the tasks named in parameters are in the actor's scope. For limited actors the names must not be
/// templates, since their values are known only at run time.
pub(super) async fn check_named_tasks(s: &mut dyn Session, actor: &Actor, params: &Value, pointer: &str) -> Result<()> {
    if actor.scope.is_all() {
        return Ok(());
    }
    let mut named = Vec::new();
    find_named(params, pointer, &mut named);
    let ids: Vec<&str> = named.iter().map(|(_, id)| *id).collect();
    let visible = tag_scope::visible_tasks(s, &actor.scope, &ids).await?;
    let fault = |(pointer, id): (String, &str)| match template::has_templates(&Value::from(id)) {
        _ if visible.contains(id) => None,
        true => Some(Fault::new(pointer, message!("permission.template_of_task").of("from_task"))),
        false => Some(Fault::new(pointer, message!("task.missing", id = truncate(id, 64)).of("from_task"))),
    };
    let faults: Vec<Fault> = named.into_iter().filter_map(fault).collect();
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}

/// As [`check_named_tasks`], for the parameters of a task's rules.
pub(super) async fn check_rules(s: &mut dyn Session, actor: &Actor, rules: &[RuleSettings]) -> Result<()> {
    for (place, rule) in rules.iter().enumerate().filter(|(_, rule)| !rule.params.is_empty()) {
        let params = Value::Object(rule.params.clone());
        check_named_tasks(s, actor, &params, &format!("/triggers/{place}/params")).await?;
    }
    Ok(())
}

/// Collects every text member named `from_task`, with its pointer.
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

/// A task, if it is in the actor's scope.
pub(super) async fn task(s: &mut dyn Session, actor: &Actor, id: &str) -> Result<Task> {
    let found = task::get(s, id).await?.filter(|task| actor.scope.allows(&task.tags));
    found.ok_or_else(|| Error::no_task(id))
}

/// The tasks with these ids that are in the actor's scope.
pub(super) async fn tasks(s: &mut dyn Session, actor: &Actor, ids: &[String]) -> Result<Vec<Task>> {
    Ok(visible(actor, task::many(s, ids).await?))
}

/// Keeps the tasks that are in the actor's scope.
pub(super) fn visible(actor: &Actor, mut tasks: Vec<Task>) -> Vec<Task> {
    tasks.retain(|task| actor.scope.allows(&task.tags));
    tasks
}

/// An execution, if its task is in the actor's scope.
pub(super) async fn execution(s: &mut dyn Session, actor: &Actor, id: &str) -> Result<Execution> {
    let found = execution::get(s, id).await?.ok_or_else(|| Error::no_execution(id))?;
    let visible =
        actor.scope.is_all() || tag_scope::visible_tasks(s, &actor.scope, &[&found.task_id]).await?.contains(&found.task_id);
    if visible { Ok(found) } else { Err(Error::no_execution(id)) }
}

/// Locks a task until the transaction ends, if it is in the actor's scope and at the expected version.
pub(super) async fn lock_task(tx: &mut Tx, actor: &Actor, id: &str, if_match: Option<i64>) -> Result<Task> {
    let found = task::lock(tx, id).await?.filter(|task| actor.scope.allows(&task.tags));
    let task = found.ok_or_else(|| Error::no_task(id))?;
    match if_match {
        Some(given) if given != task.version => Err(Error::Stale { given, current: task.version }),
        _ => Ok(task),
    }
}

/// Keeps a task in the actor's tag scope: an actor limited to tags can neither remove the last of its own tags nor add or
/// remove the scope tags of other accounts, nor tags that open secrets or folders (`reserved`). If the actor has exactly one tag, that
/// tag is added when missing.
pub(super) async fn keep_in_scope(
    s: &mut dyn Session,
    actor: &Actor,
    tags: &mut Vec<String>,
    former: &[String],
    reserved: &[String],
) -> Result<()> {
    let Some(own) = actor.scope.tags() else { return Ok(()) };
    if let ([only], false) = (own, actor.scope.allows(tags)) {
        tags.push(only.clone());
    }
    let named = own.join(", ");
    if !actor.scope.allows(tags) {
        return Err(Error::invalid("/tags", message!("tags.one_of_own", tags = named).of("tags")));
    }
    if tags.len() > MAX_TAGS {
        return Err(Error::invalid("/tags", message!("value.too_many", count = tags.len(), max = MAX_TAGS).of("tags")));
    }
    let mut scope_tags = account::scope_tags(s).await?;
    scope_tags.extend(reserved.iter().cloned());
    scope_tags.extend(secret::list(s).await?.into_iter().flat_map(|secret| secret.limits.tags));
    let differs = |tag: &&String| tags.contains(tag) != former.contains(tag);
    match tags.iter().chain(former).filter(differs).find(|tag| scope_tags.contains(*tag) && !own.contains(tag)) {
        Some(foreign) => Err(Error::invalid("/tags", message!("tags.foreign", tag = foreign, own = named).of("tags"))),
        None => Ok(()),
    }
}
