//! The one place where a task's form and its JSON meet. A field of the form is named by the JSON Pointer of what it holds
//! (`/trigger/hour`), so that the services judge the JSON and their faults find back to their fields.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::urls::Pairs;
use super::view::pretty;
use crate::domain::fault::Fault;

pub mod chain;

/// Texts of the fields, by name.
pub type Values = BTreeMap<String, String>;

/// Which members each type of trigger takes from the form.
pub const TRIGGERS: [(&str, &[&str]); 4] = [
    ("date", &["run_date", "timezone"]),
    ("interval", &["weeks", "days", "hours", "minutes", "seconds", "start_date", "end_date", "timezone", "jitter"]),
    (
        "cron",
        &[
            "expression",
            "year",
            "month",
            "day",
            "week",
            "day_of_week",
            "hour",
            "minute",
            "second",
            "start_date",
            "end_date",
            "timezone",
            "jitter",
        ],
    ),
    ("idle", &["idle_duration", "cpu_below_percent", "repeat", "start_date", "end_date", "timezone"]),
];

/// Members that are texts even where they look like numbers.
const TEXTS: [&str; 5] = ["run_date", "start_date", "end_date", "timezone", "expression"];

const POLICY: [&str; 6] = ["max_instances", "misfire_grace_seconds", "coalesce", "timeout_seconds", "priority", "queue"];
const RETRY: [&str; 5] = ["max_attempts", "delay_seconds", "backoff", "max_delay_seconds", "jitter_seconds"];

const RETENTION: [&str; 2] = ["max_age_days", "max_executions"];

/// Members whose empty field means "no limit", or that the server's settings hold.
const LIMITS: [&str; 4] = ["misfire_grace_seconds", "timeout_seconds", "max_age_days", "max_executions"];

/// Whether the form has a field of this name.
fn is_field(name: &str) -> bool {
    let below = |base: &str, names: &[&str]| name.strip_prefix(base).is_some_and(|member| names.contains(&member));
    matches!(name, "/id" | "/type" | "/name" | "/description" | "/tags" | "/enabled" | "/trigger" | "/params")
        || below("/trigger/", &["type"])
        || TRIGGERS.iter().any(|(_, members)| below("/trigger/", members))
        || below("/policy/", &POLICY)
        || below("/policy/retry/", &RETRY)
        || below("/policy/retention/", &RETENTION)
        || chain::is_field(name)
}

/// The field at which a fault is shown: its own, or the nearest one around it; `None` where the form has none.
pub fn field_of(pointer: &str) -> Option<&str> {
    let mut name = pointer;
    while !name.is_empty() {
        if is_field(name) {
            return Some(name);
        }
        name = &name[..name.rfind('/')?];
    }
    None
}

/// The task that a form describes, for the services to judge. The parameters are left out where they are no JSON; the fault
/// says where they stop being so.
pub fn to_task(form: &Pairs) -> (Value, Vec<Fault>) {
    let mut task = Map::new();
    for name in ["id", "type", "name", "description"] {
        if let Some(text) = form.get(&format!("/{name}")) {
            task.insert(name.into(), text.into());
        }
    }
    let tags = form.get("/tags").unwrap_or_default();
    task.insert("tags".into(), split_tags(tags).into());
    if let Some(enabled) = flag(form, "/enabled") {
        task.insert("enabled".into(), enabled.into());
    }
    task.insert("trigger".into(), to_trigger(form));
    let mut faults = Vec::new();
    match to_params(form.raw("/params").unwrap_or_default()) {
        Ok(params) => drop(task.insert("params".into(), params)),
        Err(fault) => faults.push(fault),
    }
    if let Some(policy) = to_policy(form) {
        task.insert("policy".into(), policy);
    }
    if chain::is_there(form) {
        let (links, more) = chain::to_chain(form);
        task.insert("chain".into(), links);
        faults.extend(more);
    }
    (Value::Object(task), faults)
}

/// The trigger that a form describes.
pub fn to_trigger(form: &Pairs) -> Value {
    let mut trigger = Map::new();
    let Some(kind) = form.get("/trigger/type") else { return Value::Null };
    trigger.insert("type".into(), kind.into());
    let members = TRIGGERS.iter().find(|(name, _)| *name == kind).map_or(&[] as &[&str], |(_, members)| members);
    for member in members {
        let field = format!("/trigger/{member}");
        if *member == "repeat" {
            trigger.extend(flag(form, &field).map(|on| ("repeat".to_owned(), on.into())));
        } else if let Some(text) = form.get(&field) {
            let value = if TEXTS.contains(member) { text.into() } else { number_or_text(text) };
            trigger.insert((*member).into(), value);
        }
    }
    Value::Object(trigger)
}

/// Parameters as typed: JSON, or nothing at all for none.
///
/// # Errors
/// Where the text stops being JSON, by line and column.
pub fn to_params(text: &str) -> Result<Value, Fault> {
    if text.trim().is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    serde_json::from_str(text).map_err(|error| Fault::new("/params", error.to_string()))
}

fn to_policy(form: &Pairs) -> Option<Value> {
    form.raw("/policy/max_instances")?;
    let mut policy = members(form, "/policy/", &POLICY);
    policy.insert("retry".into(), Value::Object(members(form, "/policy/retry/", &RETRY)));
    policy.insert("retention".into(), Value::Object(members(form, "/policy/retention/", &RETENTION)));
    Some(Value::Object(policy))
}

fn members(form: &Pairs, base: &str, names: &[&str]) -> Map<String, Value> {
    let mut map = Map::new();
    for name in names {
        let field = format!("{base}{name}");
        let value = match (*name, form.get(&field)) {
            ("coalesce", _) => flag(form, &field).map(Value::from),
            ("queue", Some(text)) => Some(text.into()),
            (_, Some(text)) => Some(number_or_text(text)),
            (name, None) => LIMITS.contains(&name).then_some(Value::Null),
        };
        map.extend(value.map(|value| ((*name).to_owned(), value)));
    }
    map
}

/// A number where the text is exactly how that number is written, else the text, for the services to refuse.
fn number_or_text(text: &str) -> Value {
    if let Some(whole) = text.parse::<i64>().ok().filter(|number| number.to_string() == text) {
        return whole.into();
    }
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.') && text.contains('.');
    match text.parse::<f64>() {
        Ok(number) if plain && number.is_finite() => number.into(),
        _ => text.into(),
    }
}

/// A box: a hidden `false` stands before it, so that the last value counts.
fn flag(form: &Pairs, field: &str) -> Option<bool> {
    form.all(field).last().map(|value| value == "true")
}

/// Tags as typed: with commas or spaces between them.
pub fn split_tags(text: &str) -> Vec<String> {
    text.split([',', '，', '、', ' ', '\t', '\n']).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}

/// What was typed, field by field; the last value of a name counts.
pub fn typed(form: &Pairs) -> Values {
    let mut values: Values = form.0.iter().filter(|(name, _)| name.starts_with('/')).cloned().collect();
    values.retain(|name, _| !chain::is_field(name));
    values.extend(chain::typed(form));
    values
}

/// A task's JSON as texts of the fields.
pub fn to_values(task: &Map<String, Value>) -> Values {
    let mut values = Values::new();
    for (name, value) in task {
        match (name.as_str(), value) {
            ("tags", Value::Array(tags)) => {
                let tags: Vec<_> = tags.iter().filter_map(Value::as_str).collect();
                values.insert("/tags".into(), tags.join(", "));
            }
            ("params", params) => drop(values.insert("/params".into(), pretty(params))),
            ("chain", Value::Array(links)) => values.extend(chain::to_values(links)),
            (name, Value::Object(inner)) => put_members(&mut values, &format!("/{name}"), inner),
            (name, value) => drop(values.insert(format!("/{name}"), text_of(value))),
        }
    }
    values
}

fn put_members(values: &mut Values, base: &str, members: &Map<String, Value>) {
    for (name, value) in members {
        match value {
            Value::Object(inner) => put_members(values, &format!("{base}/{name}"), inner),
            value => drop(values.insert(format!("{base}/{name}"), text_of(value))),
        }
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn form(pairs: &[(&str, &str)]) -> Pairs {
        Pairs(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_task_goes_through_its_form_unchanged() {
        let task = json!({"id": "a", "name": "A", "description": "d", "tags": ["x", "y"], "type": "echo",
            "trigger": {"type": "cron", "day_of_week": "mon-fri", "hour": 8, "minute": "*/5", "timezone": "Asia/Shanghai"},
            "params": {"message": "日"}, "enabled": false,
            "policy": {"max_instances": 2, "misfire_grace_seconds": null, "coalesce": true, "timeout_seconds": 1.5, "priority": -1,
                "queue": "default", "retry": {"max_attempts": 3, "delay_seconds": 10, "backoff": "fixed",
                "max_delay_seconds": 600, "jitter_seconds": 0}, "retention": {"max_age_days": null, "max_executions": 100}},
            "chain": [{"on": "failure", "task": "b", "params": {"x": 1}}]});
        let values = to_values(task.as_object().expect("an object"));
        let pairs = Pairs(values.into_iter().collect());
        let (back, faults) = to_task(&pairs);
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(back, task);
    }

    #[test]
    fn only_the_chosen_trigger_is_sent() {
        let typed = form(&[
            ("/trigger/type", "interval"),
            ("/trigger/minutes", "5"),
            ("/trigger/hour", "8"),
            ("/trigger/jitter", "x"),
            ("/trigger/start_date", " 2026-01-01 "),
        ]);
        assert_eq!(to_trigger(&typed), json!({"type": "interval", "minutes": 5, "start_date": "2026-01-01", "jitter": "x"}));
        assert_eq!(to_trigger(&form(&[])), Value::Null);
    }

    #[test]
    fn boxes_count_by_their_last_value() {
        let off = form(&[("/enabled", "false")]);
        let on = form(&[("/enabled", "false"), ("/enabled", "true")]);
        assert_eq!((to_task(&off).0["enabled"].clone(), to_task(&on).0["enabled"].clone()), (json!(false), json!(true)));
        assert_eq!(typed(&on)["/enabled"], "true");
    }

    #[test]
    fn broken_parameters_are_placed_and_left_out() {
        let (task, faults) = to_task(&form(&[("/params", "{\n  \"a\": }")]));
        assert!(task.get("params").is_none());
        assert_eq!(faults[0].pointer, "/params");
        assert!(faults[0].message.contains("line 2 column 8"), "{}", faults[0].message);
    }

    #[test]
    fn faults_find_their_fields() {
        for (pointer, field) in [
            ("/trigger/hour", Some("/trigger/hour")),
            ("/trigger/nonsense", Some("/trigger")),
            ("/params/to/0", Some("/params")),
            ("/tags/3", Some("/tags")),
            ("/policy/retry/backoff", Some("/policy/retry/backoff")),
            ("/chain/0/params/x", Some("/chain/0/params")),
            ("/chain/0/more", Some("/chain")),
            ("/extra", None),
            ("", None),
        ] {
            assert_eq!(field_of(pointer), field, "{pointer}");
        }
    }
}
