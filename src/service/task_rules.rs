//! Rules for tasks that are saved or run: type, parameters, queue and chain.

use std::collections::HashMap;
use std::sync::Arc;

use chrono_tz::Tz;
use serde_json::Value;

use super::{Error, Result, allow, tag_scope};
use crate::domain::chain::{self, Link};
use crate::domain::fault::Fault;
use crate::domain::input::quoted;
use crate::domain::run_input::{self, InputField};
use crate::domain::schedule::RuleSettings;
use crate::domain::task::{Task, TaskInput};
use crate::domain::user::{Action, Actor};
use crate::i18n::message;
use crate::storage::{self, Tx, task};
use crate::tasks::registry::{Entry, Registry};
use crate::tasks::template;

/// Checks tasks against the task types, the queues and the permissions of the actor.
#[derive(Clone)]
pub(super) struct TaskRules {
    pub registry: Arc<Registry>,
    /// The server's time zone, for triggers without one.
    pub zone: Tz,
    /// The names of the queues that a policy may use.
    pub queues: Arc<[String]>,
    /// Tags that open folders to tasks: limited accounts may not add them.
    pub reserved_tags: Arc<[String]>,
}

impl TaskRules {
    /// Brings up to date what parameters are checked against: the profiles that they name.
    ///
    /// # Errors
    /// The database fails.
    pub async fn refresh(&self) -> Result<()> {
        Ok(self.registry.refresh_profiles().await?)
    }

    /// Parses a task and validates its parameters and queue; reports all faults together.
    pub fn read_input(&self, body: &Value) -> Result<TaskInput> {
        let parsed = TaskInput::parse(body, self.zone, |name| self.registry.default_policy(name));
        let mut faults = self.check_params(body);
        faults.extend(self.check_queue(body));
        match parsed {
            Ok(input) if faults.is_empty() => {
                let faults = self.check_rules(&input);
                if faults.is_empty() { Ok(input) } else { Err(Error::Invalid(faults)) }
            }
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
        // Faulty inputs are reported by themselves.
        let Ok(inputs) = run_input::parse(body.get("inputs").unwrap_or(&Value::Null), "/inputs") else { return Vec::new() };
        let entry = body.get("type").and_then(Value::as_str).and_then(|name| self.registry.get(name));
        entry.map(|entry| validate_params(&entry, params, &inputs, "/params")).unwrap_or_default()
    }

    /// Validates the parameters of rules, merged with those of the task.
    fn check_rules(&self, input: &TaskInput) -> Vec<Fault> {
        let Some(entry) = self.registry.get(&input.task_type) else { return Vec::new() };
        let check = |(place, rule): (usize, &RuleSettings)| {
            let mut merged = input.params.clone();
            if let Value::Object(map) = &mut merged {
                map.extend(rule.params.clone());
            }
            validate_params(&entry, &merged, &input.inputs, &format!("/triggers/{place}/params"))
        };
        input.schedule.rules.iter().enumerate().filter(|(_, rule)| !rule.params.is_empty()).flat_map(check).collect()
    }

    /// Validates a chain: links must name existing tasks in the actor's scope, must not form a loop, and overridden parameters
    /// must be allowed. Unchanged links are not checked again.
    pub async fn check_chain(&self, actor: &Actor, tx: &mut Tx, task: &Task, former: &[Link]) -> Result<()> {
        if task.chain.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = task.chain.iter().map(|link| link.task.clone()).collect();
        let found = tag_scope::tasks(tx, actor, &ids).await?;
        let found: HashMap<String, Task> = found.into_iter().map(|task| (task.id.clone(), task)).collect();
        let mut faults = Vec::new();
        for (place, link) in task.chain.iter().enumerate().filter(|(_, link)| !former.contains(link)) {
            match found.get(&link.task) {
                None if link.task == task.id => {}
                None => {
                    faults.push(Fault::new(format!("/chain/{place}/task"), message!("task.missing", id = &link.task).of("task")))
                }
                Some(child) if !link.params.is_empty() => {
                    self.allow_type(actor, &child.task_type)?;
                    let params = Value::Object(link.params.clone());
                    tag_scope::check_named_tasks(tx, actor, &params, &format!("/chain/{place}/params")).await?;
                    faults.extend(self.check_link(
                        &child.task_type,
                        &child.params,
                        &child.inputs,
                        link,
                        &format!("/chain/{place}/params"),
                    ));
                }
                Some(_) => {}
            }
        }
        let mut links = task::chains(tx).await?;
        links.insert(task.id.clone(), ids);
        if let Some(way) = chain::find_loop(&task.id, &links) {
            // Hides tasks of the path that are outside the actor's scope.
            let ways: Vec<&str> = way.iter().map(String::as_str).collect();
            let known = storage::tag_scope::visible_tasks(tx, &actor.scope, &ways).await?;
            let shown: Vec<&str> =
                ways.into_iter().map(|id| if known.contains(id) || id == task.id { id } else { "…" }).collect();
            faults.push(Fault::new("/chain", message!("chain.loop", tasks = shown.join(" → ")).of("chain")));
        }
        if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
    }

    /// Validates the merged parameters of a linked task, as far as templates allow.
    pub fn check_link(&self, task_type: &str, params: &Value, inputs: &[InputField], link: &Link, pointer: &str) -> Vec<Fault> {
        let mut merged = params.clone();
        if let Value::Object(map) = &mut merged {
            map.extend(link.params.clone());
        }
        let entry = self.registry.get(task_type);
        entry.map(|entry| validate_params(&entry, &merged, inputs, pointer)).unwrap_or_default()
    }

    /// Refuses dangerous task types to actors that are neither administrators nor granted the type.
    pub fn allow_type(&self, actor: &Actor, task_type: &str) -> Result<()> {
        tag_scope::allow_cross_task_type(actor, task_type)?;
        let dangerous = self.registry.get(task_type).is_none_or(|entry| entry.spec.dangerous);
        if dangerous && !actor.may_set_up(task_type) { allow(actor, Action::EditDangerous) } else { Ok(()) }
    }

    fn check_queue(&self, body: &Value) -> Option<Fault> {
        let name = body.get("policy")?.get("queue")?.as_str()?;
        let known = &self.queues;
        (!known.iter().any(|queue| queue == name)).then(|| {
            Fault::new(
                "/policy/queue",
                message!("value.not_one_of", value = quoted(name, 40), known = known.join(", ")).of("queue"),
            )
        })
    }
}

/// Validates parameters against the templates, which may use these inputs, and the task type.
pub(super) fn validate_params(entry: &Entry, params: &Value, inputs: &[InputField], pointer: &str) -> Vec<Fault> {
    let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
    let harmless: Vec<&str> = inputs.iter().filter(|input| input.is_harmless()).map(|input| input.name.as_str()).collect();
    let mut faults = template::check(params, pointer, &names);
    faults.extend(template::injection::check_code(params, entry.task_type.code(), &harmless, pointer));
    faults.extend(entry.check(params, pointer));
    faults
}
