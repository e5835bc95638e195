//! Mapping from job functions to tasks: gives each function a task type and parameters with placeholders for the job's arguments.
//! A draft that calls the functions with Python can be generated from the jobs.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::apscheduler::{Job, Trigger};
use super::policy::PolicyBuilder;
use super::{Entry, Found, ImportContext, PREVIEW_COUNT, escape_templates, to_id, to_name};
use crate::domain::fault::{Fault, pointer_step};
use crate::domain::input::display_value;
use crate::i18n::{Message, message};

/// Fields of an entry that leaves its jobs out.
const SKIP_KEYS: [&str; 2] = ["skip", "reason"];
/// Task fields that a mapping entry may set.
const TASK_KEYS: [&str; 7] = ["type", "params", "name", "description", "tags", "policy", "chain"];

/// The mapping entries by function.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mapping {
    functions: Map<String, Value>,
}

impl Mapping {
    /// Parses a mapping: an object `functions` with entries `{type, params, …}` or `{skip: true, reason}`. All faults are reported.
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
            for name in entry.keys().filter(|name| !SKIP_KEYS.contains(&name.as_str()) && !TASK_KEYS.contains(&name.as_str())) {
                faults.push(Fault::new(format!("{pointer}/{}", pointer_step(name)), message!("value.unknown_field").of(name)));
            }
            if !is_skipped(entry) && !entry.get("type").is_some_and(Value::is_string) {
                faults.push(Fault::new(format!("{pointer}/type"), message!("mapping.type_required").of("type")));
            }
        }
        if faults.is_empty() { Ok(Mapping { functions: functions.clone() }) } else { Err(faults) }
    }

    /// Returns a draft mapping for jobs that calls each function with Python in a process of its own, with the job's arguments. A
    /// function that no other process can import is skipped; `translate` puts the reason into words.
    pub fn draft<'j>(jobs: impl IntoIterator<Item = &'j Job>, translate: impl Fn(&Message) -> String) -> Value {
        let functions: BTreeSet<&str> = jobs.into_iter().map(|job| job.function.as_str()).collect();
        let entry =
            |function: &str| python_call(function).unwrap_or_else(|reason| json!({"skip": true, "reason": translate(&reason)}));
        let entries: Map<String, Value> = functions.into_iter().map(|function| (function.to_owned(), entry(function))).collect();
        json!({"functions": entries})
    }

    /// Converts a job to a task; the triggers inside an OrTrigger are its rules. `None` if the mapping skips the job.
    ///
    /// # Errors
    /// Why the job cannot be migrated.
    pub fn task(&self, job: &Job) -> Result<Option<Value>, Message> {
        let entry = self.functions.get(&job.function).and_then(Value::as_object);
        let entry = entry.ok_or_else(|| match python_call(&job.function) {
            Ok(_) => message!("mapping.no_entry", function = &job.function),
            Err(reason) => reason,
        })?;
        if is_skipped(entry) {
            return Ok(None);
        }
        task(entry, job, &to_id(&job.id), job.triggers()?).map(Some)
    }

    /// Converts jobs, and reports those that are left out.
    pub fn migrate(&self, jobs: &[Job], context: ImportContext<'_>, found: &mut Found) {
        for job in jobs {
            let place = message!("migrate.job", id = &job.id);
            match self.task(job) {
                Ok(None) => found.note(place, self.skip_reason(job)),
                Ok(Some(task)) => found.add(place.clone(), entry(job, task, place, context)),
                Err(reason) => found.leave_out(place, reason),
            }
        }
    }

    fn skip_reason(&self, job: &Job) -> Message {
        let reason = self.functions.get(&job.function).and_then(|entry| entry.get("reason")).and_then(Value::as_str);
        reason.map_or_else(|| message!("mapping.skipped"), |reason| message!("mapping.skipped_because", reason))
    }
}

fn is_skipped(entry: &Map<String, Value>) -> bool {
    entry.get("skip") == Some(&Value::Bool(true))
}

/// Adds the comparison and the id of the origin to the task of a job.
fn entry(job: &Job, mut task: Value, place: Message, context: ImportContext<'_>) -> Result<Entry, Message> {
    let mut notes = job.notes.clone();
    let local = |at: DateTime<Utc>, zone: Tz| at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %:z").to_string();
    match (&job.trigger, job.overdue(context.now)) {
        (Trigger::Date(at, zone), _) if *at < context.now => {
            return Err(message!("apscheduler.date_passed", at = local(*at, *zone)));
        }
        (_, Some(at)) => notes.push(message!("apscheduler.overdue", at = local(at, context.zone))),
        _ => {}
    }
    task["id"] = context.origin.id(task["id"].as_str().unwrap_or_default()).into();
    Ok(Entry { place, command: job.function.clone(), tasks: vec![task], notes, firings: job.firings(context.now, PREVIEW_COUNT) })
}

/// Returns the draft entry for a function. The coroutine that an async function returns is awaited. Anything but a Python name is
/// refused, so that no other code gets into the program.
///
/// # Errors
/// Why no other process can import the function.
fn python_call(function: &str) -> Result<Value, Message> {
    let plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_');
    let found = function.split_once(':').filter(|(module, name)| module.split('.').chain(name.split('.')).all(plain));
    let (module, name) = found.ok_or_else(|| message!("mapping.not_importable", function))?;
    if module == "__main__" {
        return Err(message!("mapping.in_main", function));
    }
    let top = name.split('.').next().unwrap_or(name);
    let program = format!(
        "import asyncio, inspect, json, sys; from {module} import {top}; \
         result = {name}(*json.loads(sys.argv[1]), **json.loads(sys.argv[2])); \
         inspect.iscoroutine(result) and asyncio.run(result)"
    );
    Ok(json!({"type": "send_cmd", "params": {"command": ["python3", "-c", program, "${args:json}", "${kwargs:json}"]}}))
}

fn task(entry: &Map<String, Value>, job: &Job, id: &str, mut triggers: Vec<Value>) -> Result<Value, Message> {
    let mut task = Map::new();
    task.insert("id".to_owned(), id.into());
    if !job.name.is_empty() && job.name != job.id {
        task.insert("name".to_owned(), to_name(&job.name).into());
    }
    for name in TASK_KEYS {
        if let Some(value) = entry.get(name) {
            let filled = if name == "params" { fill(value, job)? } else { value.clone() };
            task.insert(name.to_owned(), filled);
        }
    }
    if triggers.len() > 1 {
        let rules = triggers.into_iter().map(|trigger| json!({"trigger": trigger}));
        task.insert("triggers".to_owned(), rules.collect());
    } else {
        task.insert("trigger".to_owned(), triggers.pop().unwrap_or_default());
    }
    if job.next_run.is_none() {
        task.insert("enabled".to_owned(), false.into());
    }
    let policy = PolicyBuilder::default().max_instances(job.max_instances).coalesce(job.coalesce);
    let mut policy = policy.catch_up(job.misfire_grace_seconds).build();
    if let (Some(policy), Some(Value::Object(own))) = (policy.as_object_mut(), task.get("policy")) {
        policy.extend(own.clone());
    }
    task.insert("policy".to_owned(), policy);
    Ok(Value::Object(task))
}

/// Replaces `${args}`, `${args.0}`, `${kwargs}`, `${kwargs.name}`, `${id}` and `${name}`, each optionally followed by `:json`. A text
/// that consists of a single placeholder becomes the value itself.
fn fill(value: &Value, job: &Job) -> Result<Value, Message> {
    match value {
        Value::String(text) => fill_text(text, job),
        Value::Array(items) => items.iter().map(|item| fill(item, job)).collect(),
        Value::Object(map) => {
            map.iter().map(|(name, item)| Ok((name.clone(), fill(item, job)?))).collect::<Result<_, Message>>().map(Value::Object)
        }
        other => Ok(other.clone()),
    }
}

fn fill_text(text: &str, job: &Job) -> Result<Value, Message> {
    if let Some(path) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).filter(|path| !path.contains('}')) {
        return argument(path, job).map(without_templates);
    }
    let mut filled = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        filled.push_str(&rest[..at]);
        let end = rest[at..].find('}').ok_or_else(|| message!("mapping.unclosed", text))?;
        let value = without_templates(argument(&rest[at + 2..at + end], job)?);
        filled.push_str(&value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        rest = &rest[at + end + 1..];
    }
    filled.push_str(rest);
    Ok(filled.into())
}

fn argument(path: &str, job: &Job) -> Result<Value, Message> {
    let (path, as_json) = path.strip_suffix(":json").map_or((path, false), |path| (path, true));
    let missing = || message!("mapping.no_argument", argument = format!("${{{path}}}"));
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
        Value::String(text) => escape_templates(&text).into(),
        Value::Array(items) => items.into_iter().map(without_templates).collect(),
        Value::Object(map) => Value::Object(map.into_iter().map(|(name, item)| (name, without_templates(item))).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate::apscheduler::{Cron, Expression, Field};

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

    fn mapped(params: Value) -> Result<Value, Message> {
        let mapping =
            Mapping::parse(&json!({"functions": {"app.jobs:Mailer.send": {"type": "echo", "params": params}}})).unwrap();
        Ok(mapping.task(&job())?.unwrap()["params"].clone())
    }

    #[test]
    fn job_is_converted_to_a_task() {
        let mapping = Mapping::parse(&Mapping::draft([&job()], Message::to_string)).unwrap();
        let task = mapping.task(&job()).unwrap().unwrap();
        assert_eq!((&task["id"], &task["name"], &task["enabled"]), (&json!("my-job"), &json!("My job"), &json!(false)));
        assert_eq!(task["policy"], json!({"max_instances": 3, "coalesce": false, "misfire_grace_seconds": null}));
        let program = "import asyncio, inspect, json, sys; from app.jobs import Mailer; \
            result = Mailer.send(*json.loads(sys.argv[1]), **json.loads(sys.argv[2])); \
            inspect.iscoroutine(result) and asyncio.run(result)";
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
        assert!(mapped(json!({"a": "${args.7}"})).unwrap_err().to_string().contains("${args.7}"));
        assert!(mapped(json!({"a": "x ${args"})).unwrap_err().to_string().contains("unclosed"));
    }

    #[test]
    fn invalid_mappings_are_refused() {
        let pointers = |value: Value| Mapping::parse(&value).unwrap_err().into_iter().map(|f| f.pointer).collect::<Vec<_>>();
        assert_eq!(
            pointers(json!({"functions": {"a:b": {"params": {}}, "c": 1, "d:e": {"type": "echo", "x": 1}}, "y": 1})),
            ["/y", "/functions/a:b/type", "/functions/c", "/functions/d:e/x"]
        );
        let skipping = Mapping::parse(&json!({"functions": {"app.jobs:Mailer.send": {"skip": true}}})).unwrap();
        assert_eq!(skipping.task(&job()), Ok(None));
        assert!(Mapping::default().task(&job()).unwrap_err().to_string().contains("has no entry for its function"));
    }

    #[test]
    fn draft_skips_functions_with_invalid_names() {
        for (function, reason) in
            [("a:b; import os", "not importable"), ("__main__:f", "__main__"), ("app:f.<locals>.<lambda>", "not importable")]
        {
            let odd = Job { function: function.into(), ..job() };
            let draft = Mapping::draft([&odd], Message::to_string);
            assert_eq!(draft["functions"][function]["skip"], json!(true));
            assert!(draft["functions"][function]["reason"].as_str().unwrap().contains(reason), "{draft}");
            assert_eq!(Mapping::parse(&draft).unwrap().task(&odd), Ok(None));
            assert!(Mapping::default().task(&odd).unwrap_err().to_string().contains(reason));
        }
    }
}
