//! What is wrong with a task that is to be saved: its parameters, its queue, the tasks that it starts.

use std::collections::HashMap;

use serde_json::Value;

use super::{Error, Result, Service};
use crate::domain::chain::{self, Link};
use crate::domain::fault::Fault;
use crate::domain::input::cut;
use crate::domain::task::{Task, TaskInput};
use crate::domain::user::Actor;
use crate::storage::{self, Tx, task};
use crate::tasks::registry::Entry;
use crate::tasks::template;

impl Service {
    /// Checks a task as [`Service::create_task`] would, without saving it.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault.
    pub fn check_task(&self, body: &Value) -> Result<()> {
        self.read_input(body).map(drop)
    }

    /// Reads a task and checks its parameters and queue, so that one answer names every fault.
    pub(super) fn read_input(&self, body: &Value) -> Result<TaskInput> {
        let parsed = TaskInput::parse(body, self.zone(), |name| self.registry().default_policy(name));
        let mut faults = self.check_params(body);
        faults.extend(self.check_queue(body));
        match parsed {
            Ok(input) if faults.is_empty() => Ok(input),
            Ok(_) => Err(Error::Invalid(faults)),
            Err(mut all) => {
                all.extend(faults);
                Err(Error::Invalid(all))
            }
        }
    }

    fn check_params(&self, body: &Value) -> Vec<Fault> {
        let empty = Value::Object(serde_json::Map::new());
        let params = match body.get("params") {
            None | Some(Value::Null) => &empty,
            Some(params @ Value::Object(_)) => params,
            Some(_) => return Vec::new(),
        };
        let entry = body.get("type").and_then(Value::as_str).and_then(|name| self.registry().get(name));
        entry.map(|entry| checked(&entry, params, "/params")).unwrap_or_default()
    }

    /// Tasks that are to be started must be there, must not lead back, and must be ones that the actor could run like this.
    /// A link that was there before may stay, whoever set it.
    pub(super) async fn check_chain(&self, actor: &Actor, tx: &mut Tx, task: &Task, former: &[Link]) -> Result<()> {
        if task.chain.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = task.chain.iter().map(|link| link.task.clone()).collect();
        let found = task::many(tx, &ids).await?.into_iter().filter(|task| actor.reach.holds(&task.tags));
        let found: HashMap<String, Task> = found.map(|task| (task.id.clone(), task)).collect();
        let mut faults = Vec::new();
        for (place, link) in task.chain.iter().enumerate().filter(|(_, link)| !former.contains(link)) {
            match found.get(&link.task) {
                None if link.task == task.id => {}
                None => {
                    faults.push(Fault::new(format!("/chain/{place}/task"), format!("task: there is no task '{}'", link.task)))
                }
                Some(child) if !link.params.is_empty() => {
                    self.allow_type(actor, &child.task_type)?;
                    let params = Value::Object(link.params.clone());
                    self.check_named(tx, actor, &params, &format!("/chain/{place}/params")).await?;
                    faults.extend(self.check_link(&child.task_type, &child.params, link, &format!("/chain/{place}/params")));
                }
                Some(_) => {}
            }
        }
        let mut links = task::chains(tx).await?;
        links.insert(task.id.clone(), ids);
        if let Some(way) = chain::find_loop(&task.id, &links) {
            // The way may lead over tasks that the actor does not know of.
            let ways: Vec<&str> = way.iter().map(String::as_str).collect();
            let known = storage::reach::tasks_among(tx, &actor.reach, &ways).await?;
            let shown: Vec<&str> =
                ways.into_iter().map(|id| if known.contains(id) || id == task.id { id } else { "…" }).collect();
            faults.push(Fault::new("/chain", format!("chain: it would start itself over and over: {}", shown.join(" → "))));
        }
        if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
    }

    /// The started task's parameters as they would be, checked as far as templates allow.
    pub(super) fn check_link(&self, task_type: &str, params: &Value, link: &Link, pointer: &str) -> Vec<Fault> {
        let mut merged = params.clone();
        if let Value::Object(map) = &mut merged {
            map.extend(link.params.clone());
        }
        let entry = self.registry().get(task_type);
        entry.map(|entry| checked(&entry, &merged, pointer)).unwrap_or_default()
    }

    fn check_queue(&self, body: &Value) -> Option<Fault> {
        let name = body.get("policy")?.get("queue")?.as_str()?;
        let known = self.queues();
        (!known.iter().any(|queue| queue == name))
            .then(|| Fault::new("/policy/queue", format!("queue: '{}' is not one of {}", cut(name, 40), known.join(", "))))
    }
}

/// What a type and the template engine find wrong with parameters.
pub(super) fn checked(entry: &Entry, params: &Value, pointer: &str) -> Vec<Fault> {
    let mut faults = template::check(params, pointer);
    faults.extend(template::foreign::in_code(params, entry.task_type.code(), pointer));
    faults.extend(entry.check(params, pointer));
    faults
}

/// What stays as it is once a task is made.
pub(super) fn refuse_fixed(current: &Task, input: &TaskInput) -> Result<()> {
    let mut faults = Vec::new();
    if input.id != current.id {
        faults.push(Fault::new("/id", format!("id: cannot change; it is '{}'", current.id)));
    }
    if input.task_type != current.task_type {
        faults.push(Fault::new("/type", format!("type: cannot change; it is '{}'", current.task_type)));
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}
