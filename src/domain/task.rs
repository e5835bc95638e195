//! Tasks: what to do and when. [`TaskInput`] is the part that clients may set; the API, the pages and the command line
//! all parse it here.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::chain::{self, Link};
use super::execution::Status;
use super::fault::Fault;
use super::input::Fields;
use super::policy::Policy;
use super::reference::{Naming, References, Target};
use super::task_id::check_id;
use super::trigger::Trigger;
use crate::i18n::message;

/// A task as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    pub id: String,
    /// A ULID: tells the task from one of the same id that was deleted before.
    pub key: String,
    pub name: String,
    pub description: String,
    pub tags: Vec<String>,
    pub task_type: String,
    /// The trigger as given; [`Task::rule`] parses it.
    pub trigger: Value,
    pub params: Value,
    pub enabled: bool,
    pub policy: Policy,
    /// The tasks to start when a run of this one ends.
    pub chain: Vec<Link>,
    /// Incremented by each change, from 1.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// When the current trigger was saved: the base of an interval without `start_date`.
    pub anchor_at: DateTime<Utc>,
    /// The schedule in one line, independent of language.
    pub schedule_text: String,
    /// The next firing, jitter included. `None`: never again, paused, or idle.
    pub next_run_at: Option<DateTime<Utc>>,
    /// The rule's scheduled time behind `next_run_at`, without jitter.
    pub next_rule_at: Option<DateTime<Utc>>,
    /// The tasks file that manages the task, if any.
    pub managed: Option<Managed>,
    /// The other tasks that this one names.
    pub references: References,
    pub stats: TaskStats,
}

/// The management of a task by a tasks file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Managed {
    /// The file's name.
    pub by: String,
    /// Whether the file enables the task; it may have been paused or resumed since.
    pub enabled: bool,
}

/// The run counters of a task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskStats {
    pub run_count: i64,
    pub success_count: i64,
    pub failure_count: i64,
    pub last_run_at: Option<DateTime<Utc>>,
    pub last_status: Option<Status>,
    pub last_duration_ms: Option<i64>,
}

/// The settable fields of a task or an input, as JSON.
macro_rules! input_of {
    ($task:ident) => {
        match json!({
            "id": $task.id, "name": $task.name, "description": $task.description, "tags": $task.tags, "type": $task.task_type,
            "trigger": $task.trigger, "params": $task.params, "enabled": $task.enabled, "policy": $task.policy.to_json(),
            "chain": chain::to_json(&$task.chain),
        }) {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    };
}

impl Task {
    /// The first version of a task, created `now`, without a key, references and a next run.
    pub fn new(input: &TaskInput, now: DateTime<Utc>) -> Task {
        Task {
            id: input.id.clone(),
            key: String::new(),
            name: input.name.clone(),
            description: input.description.clone(),
            tags: input.tags.clone(),
            task_type: input.task_type.clone(),
            trigger: input.trigger.clone(),
            params: input.params.clone(),
            enabled: input.enabled,
            policy: input.policy.clone(),
            chain: input.chain.clone(),
            version: 1,
            created_at: now,
            updated_at: now,
            anchor_at: now,
            schedule_text: input.rule.text(),
            next_run_at: None,
            next_rule_at: None,
            managed: None,
            references: References::default(),
            stats: TaskStats::default(),
        }
    }

    /// The task as the target of references.
    pub fn target(&self) -> Target<'_> {
        Target { id: &self.id, key: &self.key, tags: &self.tags }
    }

    /// The parts that name other tasks.
    pub fn naming(&self) -> Naming<'_> {
        Naming { params: &self.params, chain: &self.chain }
    }

    /// Parses the trigger. `zone` is the server's, for a trigger without one.
    ///
    /// # Errors
    /// The faults of an invalid stored trigger, which only a manual change of the database can cause.
    pub fn rule(&self, zone: Tz) -> Result<Trigger, Vec<Fault>> {
        Trigger::parse(&self.trigger, zone)
    }

    /// The settable fields as JSON: the base of a merge patch, and the form of an export.
    pub fn to_input(&self) -> Map<String, Value> {
        input_of!(self)
    }
}

/// A stored version of a task: its content after a change.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    pub version: i64,
    pub at: DateTime<Utc>,
    /// The account that made the change.
    pub author: String,
    /// The settable fields, as [`Task::to_input`] returns them.
    pub content: Value,
}

/// The settable fields of a task, validated except for the parameters, which the task type's schema validates.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskInput {
    pub id: String,
    pub name: String,
    pub description: String,
    pub tags: Vec<String>,
    pub task_type: String,
    pub trigger: Value,
    pub rule: Trigger,
    pub params: Value,
    pub enabled: bool,
    pub policy: Policy,
    pub chain: Vec<Link>,
}

const MAX_NAME: usize = 200;
const MAX_DESCRIPTION: usize = 4000;
/// Maximum number of tags per task.
pub const MAX_TAGS: usize = 32;

impl TaskInput {
    /// The same JSON as [`Task::to_input`] of the resulting task.
    pub fn to_input(&self) -> Map<String, Value> {
        input_of!(self)
    }

    /// Parses a task. `default_policy` returns the default of a task type, or the names of all types for an unknown one.
    ///
    /// # Errors
    /// Every fault, with pointers into `value`.
    pub fn parse(
        value: &Value,
        zone: Tz,
        default_policy: impl Fn(&str) -> Result<Policy, Vec<String>>,
    ) -> Result<TaskInput, Vec<Fault>> {
        let mut f = Fields::new(value, "");
        let id = read_id(&mut f);
        let task_type = read_required(&mut f, "type");
        let default = default_policy(&task_type).unwrap_or_else(|known| {
            if !task_type.is_empty() {
                f.fault(
                    "type",
                    message!("value.not_one_of", value = super::input::quoted(&task_type, 40), known = known.join(", ")),
                );
            }
            Policy::default()
        });
        let name = f.text("name", MAX_NAME, &id);
        let description = f.text("description", MAX_DESCRIPTION, "");
        let tags = read_tags(&mut f);
        let trigger = f.take("trigger").unwrap_or(Value::Null);
        let rule = read_trigger(&mut f, &trigger, zone);
        let params = read_params(&mut f);
        let enabled = f.boolean("enabled", true);
        let policy = f.take("policy").unwrap_or(Value::Null);
        let policy = f.collect(Policy::parse(&policy, &default));
        let links = f.take("chain").unwrap_or(Value::Null);
        let links = f.collect(chain::parse(&links, "/chain"));
        let (rule, policy, chain) = match (rule, policy, links) {
            (Some(rule), Some(policy), Some(chain)) => (rule, policy, chain),
            _ => return Err(f.finish(()).err().unwrap_or_default()),
        };
        f.finish(TaskInput { id, name, description, tags, task_type, trigger, rule, params, enabled, policy, chain })
    }
}

fn read_id(f: &mut Fields) -> String {
    let id = read_required(f, "id");
    if !id.is_empty()
        && let Err(message) = check_id(&id)
    {
        f.fault("id", message);
    }
    id
}

/// A required text; if missing, records a fault and returns an empty text.
fn read_required(f: &mut Fields, name: &str) -> String {
    match f.take(name) {
        Some(Value::String(text)) if !text.is_empty() => text,
        None | Some(Value::Null) => {
            f.fault(name, message!("value.required"));
            String::new()
        }
        Some(Value::String(_)) => {
            f.fault(name, message!("value.empty"));
            String::new()
        }
        Some(other) => {
            f.fault(name, message!("value.not_text", value = super::input::display_value(&other)));
            String::new()
        }
    }
}

fn read_tags(f: &mut Fields) -> Vec<String> {
    let mut tags = f.texts("tags");
    if tags.len() > MAX_TAGS {
        f.fault("tags", message!("value.too_many", count = tags.len(), max = MAX_TAGS));
    }
    for (place, tag) in tags.iter().enumerate() {
        if let Err(message) = check_id(tag) {
            f.fault(&format!("tags/{place}"), message);
        }
    }
    let mut seen = std::collections::HashSet::new();
    tags.retain(|tag| seen.insert(tag.clone()));
    tags
}

fn read_trigger(f: &mut Fields, trigger: &Value, zone: Tz) -> Option<Trigger> {
    if trigger.is_null() {
        f.fault("trigger", message!("value.required"));
        return None;
    }
    f.collect(Trigger::parse(trigger, zone))
}

fn read_params(f: &mut Fields) -> Value {
    match f.take("params") {
        None | Some(Value::Null) => Value::Object(Map::new()),
        Some(Value::Object(map)) => Value::Object(map),
        Some(other) => {
            f.fault("params", message!("value.not_object_but", value = super::input::display_value(&other)));
            Value::Object(Map::new())
        }
    }
}

/// Applies a JSON merge patch (RFC 7396).
pub fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    if let Value::Object(target) = target {
        for (name, value) in patch {
            if value.is_null() {
                target.shift_remove(name);
            } else {
                merge_patch(target.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &Value) -> Result<TaskInput, Vec<Fault>> {
        TaskInput::parse(value, Tz::UTC, |name| (name == "echo").then(Policy::default).ok_or_else(|| vec!["echo".to_owned()]))
    }

    #[test]
    fn only_id_type_and_trigger_are_required() {
        let input = parse(&json!({"id": "日报-1", "type": "echo", "trigger": {"type": "cron", "hour": 8}})).unwrap();
        assert_eq!((input.name.as_str(), input.enabled, &input.params), ("日报-1", true, &json!({})));
        let faults = parse(&json!({})).unwrap_err();
        let pointers: Vec<_> = faults.iter().map(|f| f.pointer.as_str()).collect();
        assert_eq!(pointers, ["/id", "/type", "/trigger"]);
    }

    #[test]
    fn parse_reports_faults_of_all_fields() {
        let faults = parse(&json!({"id": "-a", "type": "nope", "trigger": {"type": "cron", "hour": 25}, "params": 1, "extra": 2,
            "tags": ["ok", "no good"]}))
        .unwrap_err();
        let pointers: Vec<_> = faults.iter().map(|f| f.pointer.as_str()).collect();
        assert_eq!(pointers, ["/id", "/type", "/tags/1", "/trigger/hour", "/params", "/extra"]);
    }

    #[test]
    fn merge_patch_follows_rfc_7396() {
        let mut target = json!({"a": {"b": 1, "c": 2}, "d": [1]});
        merge_patch(&mut target, &json!({"a": {"b": null, "e": 3}, "d": [2], "f": {"g": null}}));
        assert_eq!(target, json!({"a": {"c": 2, "e": 3}, "d": [2], "f": {}}));
    }
}
