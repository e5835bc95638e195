//! Conversion between the task form and a task's JSON. Form fields are named by the JSON Pointer of their value
//! (`/trigger/hour`), so that the faults of the services map to fields.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::urls::Pairs;
use crate::domain::fault::Fault;
use crate::domain::input::json_syntax;
use crate::domain::json;
use crate::domain::json::pretty;

pub mod calendar;
pub mod chain;
pub mod inputs;
pub mod params;
mod rows;
pub mod schedule;

/// Field values by field name.
pub type Values = BTreeMap<String, String>;

/// Form fields of each trigger type.
pub const TRIGGERS: [(&str, &[&str]); 4] = [
    ("date", &["run_date", "timezone", "and"]),
    ("interval", &["weeks", "days", "hours", "minutes", "seconds", "start_date", "end_date", "timezone", "jitter", "and"]),
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
            "and",
        ],
    ),
    ("idle", &["idle_duration", "cpu_below_percent", "repeat", "start_date", "end_date", "timezone"]),
];

/// The fields that make up the rule of a cron trigger.
const CRON_RULE: [&str; 9] = ["expression", "year", "month", "day", "week", "day_of_week", "hour", "minute", "second"];

/// Members that stay strings even if they look like numbers.
const TEXTS: [&str; 5] = ["run_date", "start_date", "end_date", "timezone", "expression"];

const POLICY: [&str; 7] =
    ["max_instances", "on_overlap", "misfire_grace_seconds", "coalesce", "timeout_seconds", "priority", "queue"];
const RETRY: [&str; 6] = ["max_attempts", "delay_seconds", "backoff", "max_delay_seconds", "jitter_seconds", "on_interruption"];

const RETENTION: [&str; 2] = ["max_age_days", "max_executions"];

const ALERT: [&str; 4] = ["late_seconds", "running_longer_than_seconds", "no_success_for_seconds", "failures_in_a_row"];

/// Members whose empty field becomes `null`: no limit, or the server's setting.
const LIMITS: [&str; 8] = [
    "misfire_grace_seconds",
    "timeout_seconds",
    "max_age_days",
    "max_executions",
    "late_seconds",
    "running_longer_than_seconds",
    "no_success_for_seconds",
    "failures_in_a_row",
];

/// Whether the form has a field of this name.
fn is_field(name: &str) -> bool {
    let below = |base: &str, names: &[&str]| name.strip_prefix(base).is_some_and(|member| names.contains(&member));
    matches!(name, "/id" | "/type" | "/name" | "/description" | "/tags" | "/enabled" | "/allow_past" | "/trigger" | "/params")
        || below("/trigger/", &["type"])
        || TRIGGERS.iter().any(|(_, members)| below("/trigger/", members))
        || below("/policy/", &POLICY)
        || below("/policy/retry/", &RETRY)
        || below("/policy/retention/", &RETENTION)
        || below("/policy/alert/", &ALERT)
        || chain::ROWS.is_field(name)
        || inputs::ROWS.is_field(name)
        || schedule::is_field(name)
}

/// Returns the field that shows a fault: its own or the nearest enclosing one; `None` if the form has none.
pub fn field_of(pointer: &str) -> Option<&str> {
    // The first of several rules has the fields of the trigger.
    let mut name = pointer.strip_prefix("/triggers/0").filter(|rest| rest.starts_with("/trigger")).unwrap_or(pointer);
    while !name.is_empty() {
        if is_field(name) {
            return Some(name);
        }
        name = &name[..name.rfind('/')?];
    }
    None
}

/// Converts the form to a task, not yet validated. Parameters that are not valid JSON are left out and reported as a
/// fault with line and column.
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
    if flag(form, "/allow_past") == Some(true) {
        task.insert("allow_past".into(), true.into());
    }
    let (fields, mut faults) = schedule::to_fields(form);
    task.extend(fields);
    match to_params(form.raw("/params").unwrap_or_default()) {
        Ok(params) => drop(task.insert("params".into(), params)),
        Err(fault) => faults.push(fault),
    }
    if let Some(policy) = to_policy(form) {
        task.insert("policy".into(), policy);
    }
    if chain::ROWS.is_present(form) {
        let (links, more) = chain::to_chain(form);
        task.insert("chain".into(), links);
        faults.extend(more);
    }
    if inputs::ROWS.is_present(form) {
        task.insert("inputs".into(), inputs::to_inputs(form));
    }
    (Value::Object(task), faults)
}

/// Converts the form to a trigger, not yet validated.
pub fn to_trigger(form: &Pairs) -> Value {
    let mut trigger = Map::new();
    let Some(kind) = form.get("/trigger/type") else { return Value::Null };
    trigger.insert("type".into(), kind.into());
    let members = TRIGGERS.iter().find(|(name, _)| *name == kind).map_or(&[] as &[&str], |(_, members)| members);
    for member in members {
        let field = format!("/trigger/{member}");
        if *member == "repeat" {
            trigger.extend(flag(form, &field).map(|on| ("repeat".to_owned(), on.into())));
        } else if *member == "and" {
            trigger.extend(form.get(&field).map(|lines| ("and".to_owned(), schedule::to_conditions(lines))));
        } else if let Some(text) = form.get(&field) {
            let value = if TEXTS.contains(member) { text.into() } else { number_or_text(text) };
            trigger.insert((*member).into(), value);
        }
    }
    // Without any field the rule would fire every second.
    if kind == "cron" && !CRON_RULE.iter().any(|member| trigger.contains_key(*member)) {
        trigger.insert("expression".into(), "".into());
    }
    Value::Object(trigger)
}

/// Parses the parameters; blank text is an empty object.
///
/// # Errors
/// A fault with line and column if the text is not JSON.
pub fn to_params(text: &str) -> Result<Value, Fault> {
    if text.trim().is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    json::read_typed(text).map_err(|error| Fault::new("/params", json_syntax(&error)))
}

fn to_policy(form: &Pairs) -> Option<Value> {
    form.raw("/policy/max_instances")?;
    let mut policy = members(form, "/policy/", &POLICY);
    policy.insert("retry".into(), Value::Object(members(form, "/policy/retry/", &RETRY)));
    policy.insert("retention".into(), Value::Object(members(form, "/policy/retention/", &RETENTION)));
    policy.insert("alert".into(), Value::Object(members(form, "/policy/alert/", &ALERT)));
    Some(Value::Object(policy))
}

fn members(form: &Pairs, base: &str, names: &[&str]) -> Map<String, Value> {
    let mut map = Map::new();
    for name in names {
        let field = format!("{base}{name}");
        let value = match (*name, form.get(&field)) {
            ("coalesce" | "on_interruption", _) => flag(form, &field).map(Value::from),
            ("queue" | "on_overlap", Some(text)) => Some(text.into()),
            (_, Some(text)) => Some(number_or_text(text)),
            (name, None) => LIMITS.contains(&name).then_some(Value::Null),
        };
        map.extend(value.map(|value| ((*name).to_owned(), value)));
    }
    map
}

/// Returns a number if the text is its exact representation, else the text, which validation then rejects.
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

/// Reads a checkbox: a hidden `false` precedes it, so the last value counts.
fn flag(form: &Pairs, field: &str) -> Option<bool> {
    form.all(field).last().map(|value| value == "true")
}

/// Splits tags separated by commas or spaces.
pub fn split_tags(text: &str) -> Vec<String> {
    text.split([',', '，', '、', ' ', '\t', '\n']).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}

/// Returns the submitted values by field; the last value of a name counts.
pub fn submitted(form: &Pairs) -> Values {
    let mut values: Values = form.0.iter().filter(|(name, _)| name.starts_with('/')).cloned().collect();
    values.retain(|name, _| !chain::ROWS.is_field(name) && !inputs::ROWS.is_field(name) && !name.starts_with("/triggers/"));
    values.extend(schedule::submitted(form));
    values.extend(chain::ROWS.submitted(form));
    values.extend(inputs::ROWS.submitted(form));
    values
}

/// Converts a task's JSON to field values.
pub fn to_values(task: &Map<String, Value>) -> Values {
    let mut values = Values::new();
    for (name, value) in task {
        match (name.as_str(), value) {
            ("tags", Value::Array(tags)) => {
                let tags: Vec<_> = tags.iter().filter_map(Value::as_str).collect();
                values.insert("/tags".into(), tags.join(", "));
            }
            ("params", params) => drop(values.insert("/params".into(), pretty(params))),
            ("triggers", Value::Array(rules)) => values.extend(schedule::to_values(rules)),
            ("calendar" | "calendar_rule" | "on_closed" | "nth_working_day", value) => {
                schedule::put_calendar_values(&mut values, name, value);
            }
            ("chain", Value::Array(links)) => values.extend(chain::to_values(links)),
            ("inputs", Value::Array(inputs)) => values.extend(inputs::to_values(inputs)),
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
            Value::Array(conditions) if name == "and" => {
                drop(values.insert(format!("{base}/and"), schedule::conditions_text(conditions)));
            }
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
    fn task_round_trips_through_the_form() {
        let task = json!({"id": "a", "name": "A", "description": "d", "tags": ["x", "y"], "type": "echo",
            "trigger": {"type": "cron", "day_of_week": "mon-fri", "hour": 8, "minute": "*/5", "timezone": "Asia/Shanghai"},
            "params": {"message": "日"}, "enabled": false,
            "policy": {"max_instances": 2, "on_overlap": "queue", "misfire_grace_seconds": null, "coalesce": true, "timeout_seconds": 1.5, "priority": -1,
                "queue": "default", "retry": {"max_attempts": 3, "delay_seconds": 10, "backoff": "fixed",
                "max_delay_seconds": 600, "jitter_seconds": 0, "on_interruption": false}, "retention": {"max_age_days": null, "max_executions": 100},
                "alert": {"late_seconds": 60, "running_longer_than_seconds": null, "no_success_for_seconds": null, "failures_in_a_row": 3}},
            "chain": [{"on": "failure", "task": "b", "params": {"x": 1}}],
            "inputs": [{"name": "city", "title": "City", "type": "text", "default": "x", "required": true}]});
        let values = to_values(task.as_object().expect("an object"));
        let pairs = Pairs(values.into_iter().collect());
        let (back, faults) = to_task(&pairs);
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(back, task);
    }

    #[test]
    fn only_the_chosen_trigger_is_sent() {
        let submitted = form(&[
            ("/trigger/type", "interval"),
            ("/trigger/minutes", "5"),
            ("/trigger/hour", "8"),
            ("/trigger/jitter", "x"),
            ("/trigger/start_date", " 2026-01-01 "),
        ]);
        assert_eq!(to_trigger(&submitted), json!({"type": "interval", "minutes": 5, "start_date": "2026-01-01", "jitter": "x"}));
        assert_eq!(to_trigger(&form(&[])), Value::Null);
    }

    #[test]
    fn cron_rule_without_any_field_has_an_empty_expression() {
        let empty = form(&[("/trigger/type", "cron"), ("/trigger/expression", " "), ("/trigger/timezone", "UTC")]);
        assert_eq!(to_trigger(&empty), json!({"type": "cron", "expression": "", "timezone": "UTC"}));
        assert_eq!(to_trigger(&form(&[("/trigger/type", "cron"), ("/trigger/hour", "8")])), json!({"type": "cron", "hour": 8}));
    }

    #[test]
    fn checkbox_uses_its_last_value() {
        let off = form(&[("/enabled", "false")]);
        let on = form(&[("/enabled", "false"), ("/enabled", "true")]);
        assert_eq!((to_task(&off).0["enabled"].clone(), to_task(&on).0["enabled"].clone()), (json!(false), json!(true)));
        assert_eq!(submitted(&on)["/enabled"], "true");
    }

    #[test]
    fn invalid_parameters_are_reported_and_left_out() {
        let (task, faults) = to_task(&form(&[("/params", "{\n  \"a\": }")]));
        assert!(task.get("params").is_none());
        assert_eq!(faults[0].pointer, "/params");
        assert!(faults[0].message.to_string().contains("line 2, column 8"), "{}", faults[0].message);
    }

    #[test]
    fn field_of_finds_the_nearest_field() {
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
