//! The export document: `version`, `tasks`, the names of the secrets and of the hooks, the kept states of the tasks that have one, and what is
//! exported with the tasks. Tasks have the form of the API; members with
//! their default value are omitted.

use serde_json::{Map, Value, json};

use crate::domain::calendar::{Calendar, MAX_CALENDARS};
use crate::domain::fault::{Fault, MAX_FAULTS, pointer_step};
use crate::domain::heartbeat::{Heartbeat, MAX_HEARTBEATS};
use crate::domain::hook::Signing;
use crate::domain::input::{Fields, display_value, json_syntax, truncate};
use crate::domain::notify::rule::NotifyRule;
use crate::domain::policy::Policy;
use crate::domain::task::Task;
use crate::domain::text_enum::text_enum;
use crate::domain::yaml;
use crate::i18n::message;

/// The document version that is written, and the only one that is read.
const VERSION: i64 = 1;
/// Maximum size of a document, in bytes.
pub const MAX_DOCUMENT: usize = 16 << 20;

text_enum! {
    /// The text format of a document.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Format {
        Yaml = "yaml",
        Json = "json",
    }
}

impl Format {
    /// Detects the format of a text: JSON if it begins with a brace, else YAML.
    pub fn of(text: &str) -> Format {
        if text.trim_start_matches('\u{feff}').trim_start().starts_with('{') { Format::Json } else { Format::Yaml }
    }

    /// Serializes a document, with a trailing line break.
    pub fn write(self, document: &Value) -> String {
        match self {
            Format::Json => format!("{document:#}\n"),
            Format::Yaml => yaml::write(document),
        }
    }
}

/// A parsed document; its tasks are not validated yet.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Document {
    /// Each in the form of the API.
    pub tasks: Vec<Value>,
    /// Names of the secrets that the tasks may use.
    pub secrets: Vec<String>,
    /// The kept states by task id, each a JSON object.
    pub states: Map<String, Value>,
    pub notify_rules: Vec<NotifyRule>,
    /// The calendars that the tasks may use.
    pub calendars: Vec<Calendar>,
    /// Each in the form of the API; not validated yet.
    pub heartbeats: Vec<Value>,
    /// The hooks that the tasks had; an import creates none, because nobody would be told their addresses.
    pub hooks: Vec<HookMark>,
}

/// A hook in a document, without its address and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookMark {
    pub task: String,
    pub name: String,
    pub signing: Signing,
}

impl HookMark {
    fn to_json(&self) -> Value {
        json!({"task": self.task, "name": self.name, "hmac": self.signing.as_str()})
    }
}

/// What is exported with the tasks.
#[derive(Debug, Clone, Default)]
pub struct Exported<'e> {
    /// The names of the secrets.
    pub secrets: &'e [String],
    pub states: Map<String, Value>,
    pub rules: &'e [NotifyRule],
    pub calendars: &'e [Calendar],
    pub heartbeats: &'e [Heartbeat],
    pub hooks: &'e [HookMark],
}

/// Parses a document's text.
///
/// # Errors
/// The JSON or YAML syntax error, with line and column.
pub fn read(text: &str) -> Result<Value, Fault> {
    let text = text.trim_start_matches('\u{feff}');
    let value = match Format::of(text) {
        Format::Json => crate::domain::json::read(text.as_bytes())
            .map_err(|error| Fault::new("", message!("transfer.not_json", problem = json_syntax(&error)))),
        Format::Yaml => {
            yaml::read(text).map_err(|error| Fault::new("", message!("transfer.not_yaml", problem = error.message())))
        }
    }?;
    match find_nul(&value, &mut String::new()) {
        Some(pointer) => Err(Fault::new(pointer, message!("value.nul_not_stored"))),
        None => Ok(value),
    }
}

/// The pointer of a text with U+0000, which PostgreSQL cannot store. The parser of `value` must have bounded its depth.
pub fn find_nul(value: &Value, at: &mut String) -> Option<String> {
    let step = |name: &str, value: &Value, at: &mut String| {
        let length = at.len();
        at.push('/');
        at.push_str(&pointer_step(name));
        let found = if name.contains('\0') { Some(at.clone()) } else { find_nul(value, at) };
        at.truncate(length);
        found
    };
    match value {
        Value::String(text) => text.contains('\0').then(|| at.clone()),
        Value::Array(items) => items.iter().enumerate().find_map(|(place, item)| step(&place.to_string(), item, at)),
        Value::Object(map) => map.iter().find_map(|(name, item)| step(name, item, at)),
        _ => None,
    }
}

impl Document {
    /// Parses a document's value; the caller validates the tasks, which needs the task types.
    ///
    /// # Errors
    /// Every fault.
    pub fn parse(value: &Value) -> Result<Document, Vec<Fault>> {
        if value.is_null() {
            return Err(vec![Fault::new("", message!("transfer.empty"))]);
        }
        let mut f = Fields::new(value, "");
        f.integer("version", VERSION, VERSION, VERSION);
        let secrets = f.texts("secrets");
        let states = f.take("states").and_then(|states| f.collect(read_states(&states))).unwrap_or_default();
        let notify_rules = f.take("notify_rules").and_then(|rules| f.collect(read_rules(&rules))).unwrap_or_default();
        let calendars = f.take("calendars").and_then(|list| f.collect(read_calendars(&list))).unwrap_or_default();
        let heartbeats = take_list(&mut f, "heartbeats", MAX_HEARTBEATS);
        let hooks = take_list(&mut f, "hooks", usize::MAX);
        let hooks = f.collect(read_hooks(&hooks)).unwrap_or_default();
        let tasks = match f.take("tasks") {
            Some(Value::Array(tasks)) => tasks,
            None if !value.is_object() => Vec::new(),
            None => {
                f.fault("tasks", message!("transfer.tasks_required"));
                Vec::new()
            }
            Some(other) => {
                f.fault("tasks", message!("value.not_list", value = display_value(&other)));
                Vec::new()
            }
        };
        for (place, task) in tasks.iter().enumerate().filter(|(_, task)| !task.is_object()) {
            f.fault(&format!("tasks/{place}"), message!("value.not_objects", value = display_value(task)));
        }
        f.finish(Document { tasks, secrets, states, notify_rules, calendars, heartbeats, hooks })
    }
}

/// A list of at most `max` entries; empty if it is absent.
fn take_list(f: &mut Fields, name: &str, max: usize) -> Vec<Value> {
    match f.take(name) {
        None => Vec::new(),
        Some(Value::Array(list)) if list.len() <= max => list,
        Some(Value::Array(list)) => {
            f.fault(name, message!("value.too_many", count = list.len(), max));
            Vec::new()
        }
        Some(other) => {
            f.fault(name, message!("value.not_list", value = display_value(&other)));
            Vec::new()
        }
    }
}

/// The hooks.
fn read_hooks(list: &[Value]) -> Result<Vec<HookMark>, Vec<Fault>> {
    let (mut hooks, mut faults) = (Vec::new(), Vec::new());
    for (place, hook) in list.iter().enumerate() {
        if faults.len() >= MAX_FAULTS {
            break;
        }
        let mut f = Fields::new(hook, &format!("/hooks/{place}"));
        let (task, name) = (f.text("task", 64, ""), f.text("name", 100, ""));
        if task.is_empty() {
            f.fault("task", message!("value.required"));
        }
        let signing = f.choice("hmac", &Signing::WORDS, Signing::None);
        match f.finish(HookMark { task, name, signing }) {
            Ok(hook) => hooks.push(hook),
            Err(more) => faults.extend(more),
        }
    }
    if faults.is_empty() { Ok(hooks) } else { Err(faults) }
}

/// The calendars; each name once.
fn read_calendars(value: &Value) -> Result<Vec<Calendar>, Vec<Fault>> {
    let list = value.as_array().filter(|list| list.len() <= MAX_CALENDARS);
    let Some(list) = list else {
        let message = message!("calendar.invalid_list", max = MAX_CALENDARS).of("calendars");
        return Err(vec![Fault::new("/calendars", message)]);
    };
    let (mut calendars, mut faults): (Vec<Calendar>, _) = (Vec::new(), Vec::new());
    for (place, calendar) in list.iter().enumerate() {
        match Calendar::parse(calendar, &format!("/calendars/{place}")) {
            Ok(calendar) if calendars.iter().any(|other| other.name == calendar.name) => {
                let message = message!("calendar.named_twice", name = &calendar.name).of("name");
                faults.push(Fault::new(format!("/calendars/{place}/name"), message));
            }
            Ok(calendar) => calendars.push(calendar),
            Err(more) => faults.extend(more),
        }
    }
    if faults.is_empty() { Ok(calendars) } else { Err(faults) }
}

/// The notification rules.
fn read_rules(value: &Value) -> Result<Vec<NotifyRule>, Vec<Fault>> {
    let Some(list) = value.as_array() else {
        let message = message!("value.not_list", value = display_value(value)).of("notify_rules");
        return Err(vec![Fault::new("/notify_rules", message)]);
    };
    let (mut rules, mut faults) = (Vec::new(), Vec::new());
    for (place, rule) in list.iter().enumerate() {
        if faults.len() >= MAX_FAULTS {
            break;
        }
        match NotifyRule::parse(rule, None) {
            Ok(rule) => rules.push(rule),
            Err(more) => faults.extend(
                more.into_iter().map(|fault| Fault::new(format!("/notify_rules/{place}{}", fault.pointer), fault.message)),
            ),
        }
    }
    if faults.is_empty() { Ok(rules) } else { Err(faults) }
}

/// The kept states by task id.
fn read_states(value: &Value) -> Result<Map<String, Value>, Vec<Fault>> {
    let Value::Object(states) = value else {
        let message = message!("value.not_object_but", value = display_value(value)).of("states");
        return Err(vec![Fault::new("/states", message)]);
    };
    let wrong = states.iter().filter(|(_, state)| !state.is_object()).take(MAX_FAULTS);
    let fault = |(id, state): (&String, &Value)| {
        let message = message!("value.not_object_but", value = display_value(state)).of(truncate(id, 40));
        Fault::new(format!("/states/{}", pointer_step(id)), message)
    };
    let faults: Vec<Fault> = wrong.map(fault).collect();
    if faults.is_empty() { Ok(states.clone()) } else { Err(faults) }
}

/// The document of tasks and what is exported with them, in the given order. `default_policy` as for
/// [`crate::domain::task::TaskInput::parse`].
pub fn to_document(tasks: &[Task], with: Exported<'_>, default_policy: impl Fn(&str) -> Option<Policy>) -> Value {
    let Exported { secrets, states, rules, calendars, heartbeats, hooks } = with;
    let tasks: Vec<Value> = tasks.iter().map(|task| compact(task.to_input(), default_policy(&task.task_type))).collect();
    let mut document = json!({"version": VERSION, "tasks": tasks, "secrets": secrets});
    if !states.is_empty() {
        document["states"] = Value::Object(states);
    }
    if !rules.is_empty() {
        document["notify_rules"] = rules.iter().map(NotifyRule::to_json).collect();
    }
    if !calendars.is_empty() {
        document["calendars"] = calendars.iter().map(Calendar::to_compact_json).collect();
    }
    if !heartbeats.is_empty() {
        document["heartbeats"] = heartbeats.iter().map(Heartbeat::to_input).collect();
    }
    if !hooks.is_empty() {
        document["hooks"] = hooks.iter().map(HookMark::to_json).collect();
    }
    document
}

/// A task without the members that have their default value. For an unknown task type the policy is kept unchanged.
pub fn compact(mut task: Map<String, Value>, default_policy: Option<Policy>) -> Value {
    let is_id = task.get("name") == task.get("id");
    task.retain(|name, value| match name.as_str() {
        "name" => !is_id,
        "description" => value != "",
        "enabled" => value != &Value::Bool(true),
        "tags" | "chain" | "inputs" => value.as_array().is_none_or(|list| !list.is_empty()),
        "params" => value.as_object().is_none_or(|map| !map.is_empty()),
        _ => true,
    });
    if let (Some(policy), Some(default)) = (task.get_mut("policy"), default_policy) {
        leave_out(policy, &default.to_json());
        if policy.as_object().is_some_and(Map::is_empty) {
            task.shift_remove("policy");
        }
    }
    in_order(task)
}

/// Orders the members, the most important first.
fn in_order(mut task: Map<String, Value>) -> Value {
    const ORDER: [&str; 11] =
        ["id", "name", "description", "tags", "type", "enabled", "trigger", "inputs", "params", "policy", "chain"];
    let mut ordered: Map<String, Value> =
        ORDER.iter().filter_map(|name| task.shift_remove(*name).map(|value| ((*name).to_owned(), value))).collect();
    ordered.extend(task);
    Value::Object(ordered)
}

/// Removes the members that equal their default.
fn leave_out(value: &mut Value, default: &Value) {
    let (Some(map), Some(default)) = (value.as_object_mut(), default.as_object()) else { return };
    map.retain(|name, member| {
        let Some(default) = default.get(name) else { return true };
        leave_out(member, default);
        member != default && !(default.is_object() && member.as_object().is_some_and(Map::is_empty))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_omits_members_with_their_default() {
        let policy = Policy { max_instances: 2, ..Policy::default() };
        let Value::Object(task) = json!({"id": "a", "name": "a", "description": "", "tags": [], "type": "echo",
            "trigger": {"type": "cron", "hour": 8}, "params": {}, "enabled": true, "policy": policy.to_json(), "chain": [], "inputs": []})
        else {
            panic!("an object")
        };
        let short = compact(task.clone(), Some(Policy::default()));
        assert_eq!(
            short,
            json!({"id": "a", "type": "echo", "trigger": {"type": "cron", "hour": 8}, "policy": {"max_instances": 2}})
        );
        assert_eq!(compact(task.clone(), Some(policy.clone())).get("policy"), None);
        assert_eq!(compact(task, None)["policy"], policy.to_json());
    }

    #[test]
    fn compact_keeps_a_null_time_limit() {
        let policy = Policy { timeout: None, ..Policy::default() };
        let Value::Object(task) = json!({"id": "a", "name": "b", "policy": policy.to_json()}) else { panic!("an object") };
        assert_eq!(compact(task, Some(Policy::default())), json!({"id": "a", "name": "b", "policy": {"timeout_seconds": null}}));
    }

    #[test]
    fn parse_reports_faults_with_pointers() {
        let faults = |value: Value| -> Vec<String> {
            Document::parse(&value).unwrap_err().into_iter().map(|fault| fault.pointer).collect()
        };
        assert_eq!(faults(json!({"version": 2, "tasks": [1], "more": 1})), ["/version", "/tasks/0", "/more"]);
        assert_eq!(faults(json!({"tasks": {}})), ["/tasks"]);
        assert_eq!(faults(json!({"tasks": [], "states": {"a/b": 1, "c": {}}})), ["/states/a~1b"]);
        assert_eq!(faults(json!({"tasks": [], "states": []})), ["/states"]);
        assert_eq!(faults(json!({"tasks": [], "heartbeats": 1, "hooks": {}})), ["/heartbeats", "/hooks"]);
        assert_eq!(
            faults(json!({"tasks": [], "hooks": [{"name": "x", "hmac": "md5", "secret": "y"}]})),
            ["/hooks/0/task", "/hooks/0/hmac", "/hooks/0/secret",]
        );
        assert_eq!(faults(json!({})), ["/tasks"]);
        assert_eq!(faults(json!([])), [""]);
        assert_eq!(faults(Value::Null), [""]);
        assert!(read("{\"a\": }").unwrap_err().message.to_string().contains("line 1, column 7"));
        assert!(read("a: 'x\\0'").is_ok() && read("a: \"x\\0\"").unwrap_err().pointer == "/a");
    }
}
