//! Mapping from job functions to tasks: gives each function a task type and parameters with placeholders for the job's arguments.
//! A draft that calls the functions with Python can be generated from the jobs.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::apscheduler::Job;
use super::to_id;
use crate::domain::fault::{Fault, pointer_step};
use crate::domain::input::display_value;
use crate::i18n::message;

/// Task fields that a mapping entry may set.
const TASK_KEYS: [&str; 7] = ["type", "params", "name", "description", "tags", "policy", "chain"];

/// The mapping entries by function.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mapping {
    functions: Map<String, Value>,
}

impl Mapping {
    /// Parses a mapping: an object `functions` with entries `{type, params, …}` or `{skip: true}`. All faults are reported.
    pub fn parse(value: &Value) -> Result<Mapping, Vec<Fault>> {
        let mut faults = Vec::new();
        for name in value.as_object().into_iter().flat_map(Map::keys).filter(|name| *name != "functions") {
            faults.push(Fault::new(format!("/{}", pointer_step(name)), message!("value.unknown_field").of(name)));
        }
        let Some(functions) = value.get("functions").and_then(Value::as_object) else {
            faults.push(Fault::new("/functions", message!("mapping.functions_required").of("functions")));
            return Err(faults);
        };
        for (function, entry) in functions {
            let pointer = format!("/functions/{}", pointer_step(function));
            let Some(entry) = entry.as_object() else {
                faults.push(Fault::new(pointer, message!("value.not_objects", value = display_value(entry)).of("functions")));
                continue;
            };
            for name in entry.keys().filter(|name| *name != "skip" && !TASK_KEYS.contains(&name.as_str())) {
                faults.push(Fault::new(format!("{pointer}/{}", pointer_step(name)), message!("value.unknown_field").of(name)));
            }
            if !is_skipped(entry) && !entry.get("type").is_some_and(Value::is_string) {
                faults.push(Fault::new(format!("{pointer}/type"), message!("mapping.type_required").of("type")));
            }
        }
        if faults.is_empty() { Ok(Mapping { functions: functions.clone() }) } else { Err(faults) }
    }

    /// Returns a draft mapping for jobs that calls each function with Python in a process of its own, with the job's arguments.
    pub fn draft<'j>(jobs: impl IntoIterator<Item = &'j Job>) -> Value {
        let functions: BTreeSet<&str> = jobs.into_iter().map(|job| job.function.as_str()).collect();
        let entries: Map<String, Value> =
            functions.into_iter().map(|function| (function.to_owned(), python_call(function))).collect();
        json!({"functions": entries})
    }

    /// Converts a job to tasks: one for each trigger inside an OrTrigger, otherwise one. `None` if the mapping skips the job.
    ///
    /// # Errors
    /// Why the job cannot be migrated.
    pub fn tasks(&self, job: &Job) -> Result<Option<Vec<Value>>, String> {
        let entry = self.functions.get(&job.function).and_then(Value::as_object);
        let entry = entry.ok_or_else(|| format!("the mapping has no entry for its function {}", job.function))?;
        if is_skipped(entry) {
            return Ok(None);
        }
        let triggers = job.triggers()?;
        let alone = triggers.len() == 1;
        let task = |(number, trigger): (usize, Value)| {
            let id = if alone { to_id(&job.id) } else { format!("{}-{}", to_id(&job.id), number + 1) };
            task(entry, job, &id, trigger)
        };
        triggers.into_iter().enumerate().map(task).collect::<Result<_, _>>().map(Some)
    }
}

fn is_skipped(entry: &Map<String, Value>) -> bool {
    entry.get("skip") == Some(&Value::Bool(true))
}

/// Returns the draft entry for a function. Anything but a Python name is skipped, so that no other code gets into the program.
fn python_call(function: &str) -> Value {
    let plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_');
    let found = function.split_once(':').filter(|(module, name)| module.split('.').chain(name.split('.')).all(plain));
    let Some((module, name)) = found else { return json!({"skip": true}) };
    let top = name.split('.').next().unwrap_or(name);
    let program =
        format!("import json, sys; from {module} import {top}; {name}(*json.loads(sys.argv[1]), **json.loads(sys.argv[2]))");
    json!({"type": "send_cmd", "params": {"command": ["python3", "-c", program, "${args:json}", "${kwargs:json}"]}})
}

fn task(entry: &Map<String, Value>, job: &Job, id: &str, trigger: Value) -> Result<Value, String> {
    let mut task = Map::new();
    task.insert("id".to_owned(), id.into());
    if !job.name.is_empty() && job.name != job.id {
        task.insert("name".to_owned(), job.name.chars().filter(|c| !c.is_control()).take(200).collect::<String>().into());
    }
    for name in TASK_KEYS {
        if let Some(value) = entry.get(name) {
            let filled = if name == "params" { fill(value, job)? } else { value.clone() };
            task.insert(name.to_owned(), filled);
        }
    }
    task.insert("trigger".to_owned(), trigger);
    if job.next_run.is_none() {
        task.insert("enabled".to_owned(), false.into());
    }
    let mut policy = json!({"max_instances": job.max_instances.clamp(1, 1000), "coalesce": job.coalesce,
        "misfire_grace_seconds": job.misfire_grace_seconds.map(|seconds| seconds.clamp(0, 31_622_400))});
    if let (Some(policy), Some(Value::Object(own))) = (policy.as_object_mut(), task.get("policy")) {
        policy.extend(own.clone());
    }
    task.insert("policy".to_owned(), policy);
    Ok(Value::Object(task))
}

/// Replaces `${args}`, `${args.0}`, `${kwargs}`, `${kwargs.name}`, `${id}` and `${name}`, each optionally followed by `:json`. A text
/// that consists of a single placeholder becomes the value itself.
fn fill(value: &Value, job: &Job) -> Result<Value, String> {
    match value {
        Value::String(text) => fill_text(text, job),
        Value::Array(items) => items.iter().map(|item| fill(item, job)).collect(),
        Value::Object(map) => {
            map.iter().map(|(name, item)| Ok((name.clone(), fill(item, job)?))).collect::<Result<_, String>>().map(Value::Object)
        }
        other => Ok(other.clone()),
    }
}

fn fill_text(text: &str, job: &Job) -> Result<Value, String> {
    if let Some(path) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).filter(|path| !path.contains('}')) {
        return argument(path, job).map(without_templates);
    }
    let mut filled = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        filled.push_str(&rest[..at]);
        let end = rest[at..].find('}').ok_or_else(|| format!("the mapping's '{text}' has an unclosed ${{"))?;
        let value = without_templates(argument(&rest[at + 2..at + end], job)?);
        filled.push_str(&value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        rest = &rest[at + end + 1..];
    }
    filled.push_str(rest);
    Ok(filled.into())
}

fn argument(path: &str, job: &Job) -> Result<Value, String> {
    let (path, as_json) = path.strip_suffix(":json").map_or((path, false), |path| (path, true));
    let missing = || format!("the mapping uses ${{{path}}}, which this job does not have");
    let value = match path.split_once('.') {
        None => match path {
            "args" => Value::Array(job.args.clone()),
            "kwargs" => Value::Object(job.kwargs.clone()),
            "id" => job.id.clone().into(),
            "name" => job.name.clone().into(),
            _ => return Err(missing()),
        },
        Some(("args", place)) => place.parse().ok().and_then(|place: usize| job.args.get(place)).cloned().ok_or_else(missing)?,
        Some(("kwargs", name)) => job.kwargs.get(name).cloned().ok_or_else(missing)?,
        Some(_) => return Err(missing()),
    };
    Ok(if as_json { value.to_string().into() } else { value })
}

/// Escapes texts of a job that would otherwise be rendered as templates.
fn without_templates(value: Value) -> Value {
    match value {
        Value::String(text) if ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark)) => {
            format!("{{% raw %}}{text}{{% endraw %}}").into()
        }
        Value::Array(items) => items.into_iter().map(without_templates).collect(),
        Value::Object(map) => Value::Object(map.into_iter().map(|(name, item)| (name, without_templates(item))).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate::apscheduler::{Cron, Expression, Field, Trigger};
    use chrono_tz::Tz;

    fn job() -> Job {
        let all = |name| Field { name, expressions: vec![Expression::All { step: None }] };
        let fields = ["year", "month", "day", "week", "day_of_week", "hour", "minute", "second"].map(all).into();
        Job {
            id: "my job".into(),
            name: "My job".into(),
            function: "app.jobs:Mailer.send".into(),
            args: vec![json!(5), json!("{{ x }}")],
            kwargs: Map::from_iter([("to".to_owned(), json!("a@b"))]),
            trigger: Trigger::Cron(Cron { fields, start: None, end: None, jitter: 0, zone: Tz::UTC }),
            misfire_grace_seconds: None,
            coalesce: false,
            max_instances: 3,
            next_run: None,
            notes: Vec::new(),
        }
    }

    fn mapped(params: Value) -> Result<Value, String> {
        let mapping =
            Mapping::parse(&json!({"functions": {"app.jobs:Mailer.send": {"type": "echo", "params": params}}})).unwrap();
        Ok(mapping.tasks(&job())?.unwrap().remove(0)["params"].clone())
    }

    #[test]
    fn job_is_converted_to_a_task() {
        let mapping = Mapping::parse(&Mapping::draft([&job()])).unwrap();
        let task = mapping.tasks(&job()).unwrap().unwrap().remove(0);
        assert_eq!((&task["id"], &task["name"], &task["enabled"]), (&json!("my-job"), &json!("My job"), &json!(false)));
        assert_eq!(task["policy"], json!({"max_instances": 3, "coalesce": false, "misfire_grace_seconds": null}));
        let program =
            "import json, sys; from app.jobs import Mailer; Mailer.send(*json.loads(sys.argv[1]), **json.loads(sys.argv[2]))";
        assert_eq!(task["params"]["command"][2], program);
        assert_eq!(task["params"]["command"][3], "{% raw %}[5,\"{{ x }}\"]{% endraw %}");
        assert_eq!(task["params"]["command"][4], "{\"to\":\"a@b\"}");
    }

    #[test]
    fn placeholders_are_replaced_by_arguments() {
        assert_eq!(
            mapped(json!({"a": "${args.0}", "b": "to ${kwargs.to}: ${args.0}", "c": ["${id}"], "d": "$5"})).unwrap(),
            json!({"a": 5, "b": "to a@b: 5", "c": ["my job"], "d": "$5"})
        );
        assert!(mapped(json!({"a": "${args.7}"})).unwrap_err().contains("${args.7}"));
        assert!(mapped(json!({"a": "x ${args"})).unwrap_err().contains("unclosed"));
    }

    #[test]
    fn invalid_mappings_are_refused() {
        let pointers = |value: Value| Mapping::parse(&value).unwrap_err().into_iter().map(|f| f.pointer).collect::<Vec<_>>();
        assert_eq!(
            pointers(json!({"functions": {"a:b": {"params": {}}, "c": 1, "d:e": {"type": "echo", "x": 1}}, "y": 1})),
            ["/y", "/functions/a:b/type", "/functions/c", "/functions/d:e/x"]
        );
        let skipping = Mapping::parse(&json!({"functions": {"app.jobs:Mailer.send": {"skip": true}}})).unwrap();
        assert_eq!(skipping.tasks(&job()), Ok(None));
        assert!(Mapping::default().tasks(&job()).unwrap_err().contains("has no entry for its function"));
    }

    #[test]
    fn draft_skips_functions_with_invalid_names() {
        let odd = Job { function: "a:b; import os".into(), ..job() };
        assert_eq!(Mapping::draft([&odd])["functions"]["a:b; import os"], json!({"skip": true}));
    }
}
