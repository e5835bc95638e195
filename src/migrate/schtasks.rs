//! Windows Task Scheduler: tasks exported as XML, one (`Task`) or all of them (`Tasks`).

mod action;
mod duration;
mod rule;
mod trigger;
mod xml;

use serde_json::{Value, json};

use self::xml::Element;
use super::policy::{ON_TIME_SECONDS, PolicyBuilder};
use super::{Entry, Found, ImportContext, PREVIEW_COUNT, to_name};
use crate::i18n::{Message, message};

/// The time limit of a task that sets none: three days, in seconds.
const DEFAULT_TIMEOUT: i64 = 259_200;

/// Reads an export. `name` names a task that does not name itself.
///
/// # Errors
/// The text is not such an export.
pub fn read(text: &str, name: &str, context: ImportContext<'_>) -> Result<Found, Message> {
    let root = xml::parse(text)?;
    let tasks: Vec<&Element> = match root.name.as_str() {
        "Task" => vec![&root],
        "Tasks" => root.children.iter().filter(|child| child.name == "Task").collect(),
        other => return Err(message!("schtasks.not_an_export", element = other)),
    };
    let mut found = Found::default();
    for task in tasks {
        let path = path(task, name);
        let place = message!("migrate.job", id = &path);
        entries(task, &path, place, context, &mut found);
    }
    Ok(found)
}

/// The path of a task in the scheduler's folders, without the leading backslash.
fn path(task: &Element, name: &str) -> String {
    let own = task.find(&["RegistrationInfo", "URI"]).or(task.comment.as_deref());
    own.unwrap_or(name).trim_start_matches('\\').to_owned()
}

/// Adds the tasks for all triggers that fire, and reports the others.
fn entries(task: &Element, path: &str, place: Message, context: ImportContext<'_>, found: &mut Found) {
    let params = match action::params(task) {
        Ok(params) => params,
        Err(reason) => return found.leave_out(place, reason),
    };
    let triggers = task.child("Triggers").map(|triggers| triggers.children.as_slice()).unwrap_or_default();
    if triggers.is_empty() {
        return found.leave_out(place, message!("schtasks.no_trigger"));
    }
    let (mut tasks, mut firings) = (Vec::new(), Vec::new());
    for element in triggers {
        match trigger::read(element, context) {
            Ok(read) => {
                firings.extend(read.rule.firings(context.now, PREVIEW_COUNT));
                tasks.extend(read.triggers.into_iter().map(|trigger| build(task, path, &params, trigger, read.is_enabled)));
            }
            Err(reason) => found.leave_out(place.clone(), reason),
        }
    }
    if tasks.is_empty() {
        return;
    }
    let id = context.origin.id(&format!("schtasks-{path}"));
    for (number, task) in tasks.iter_mut().enumerate() {
        task["id"] = if number == 0 { id.clone().into() } else { format!("{id}-{}", number + 1).into() };
    }
    firings.sort();
    firings.dedup();
    firings.truncate(PREVIEW_COUNT);
    found.entries.push(Entry { place, command: action::command(task), tasks, notes: remarks(task), firings });
}

fn build(task: &Element, path: &str, params: &Value, trigger: Value, is_enabled: bool) -> Value {
    let name = path.rsplit('\\').next().unwrap_or(path);
    let mut built = json!({"id": "", "name": to_name(name), "type": "send_cmd", "trigger": trigger, "params": params, "policy": policy(task)});
    if let Some(description) = task.find(&["RegistrationInfo", "Description"]) {
        built["description"] = description.chars().take(4000).collect::<String>().into();
    }
    if !is_enabled || !task.is_true(&["Settings", "Enabled"], true) {
        built["enabled"] = false.into();
    }
    built
}

fn policy(task: &Element) -> Value {
    let timeout = match task.find(&["Settings", "ExecutionTimeLimit"]) {
        Some(text) => duration::seconds(text),
        None => Some(DEFAULT_TIMEOUT),
    };
    let is_parallel = task.find(&["Settings", "MultipleInstancesPolicy"]) == Some("Parallel");
    let catch_up = if task.is_true(&["Settings", "StartWhenAvailable"], false) { None } else { Some(ON_TIME_SECONDS) };
    let policy = PolicyBuilder::default().overlap(is_parallel).timeout(timeout).catch_up(catch_up);
    let restart = |name: &str| task.find(&["Settings", "RestartOnFailure", name]);
    let count = restart("Count").and_then(|count| count.parse().ok()).unwrap_or(0);
    policy.retry(count, restart("Interval").and_then(duration::seconds).unwrap_or(60)).build()
}

/// What Windows does and a task does not.
fn remarks(task: &Element) -> Vec<Message> {
    let mut notes = Vec::new();
    let principal = |name: &str| task.find(&["Principals", "Principal", name]);
    if let Some(user) = principal("UserId").or(principal("GroupId")) {
        notes.push(message!("schtasks.user", user));
    }
    if let Some(policy @ ("Queue" | "StopExisting")) = task.find(&["Settings", "MultipleInstancesPolicy"]) {
        notes.push(message!("schtasks.overlap", policy));
    }
    for condition in ["RunOnlyIfIdle", "RunOnlyIfNetworkAvailable", "WakeToRun"] {
        if task.is_true(&["Settings", condition], false) {
            notes.push(message!("schtasks.condition", condition));
        }
    }
    notes
}

#[cfg(test)]
mod tests;
