//! gocron (ouqiang/gocron): the tasks of its tables `task`, `task_host` and `host`, on MySQL, PostgreSQL or SQLite.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Map, Value, json};

use super::cron_rule::{CronRule, Dialect};
use super::policy::{ON_TIME_SECONDS, PolicyBuilder};
use super::table::TableRow;
use super::{Entry, Found, ImportContext, PREVIEW_COUNT, chains, escape_templates, to_id, to_name};
use crate::i18n::{Message, message};

/// The tables, without the prefix that gocron's settings may give them: tasks, links to hosts, hosts.
pub const TABLES: [&str; 3] = ["task", "task_host", "host"];
/// A request of gocron has at most this long, in seconds.
const HTTP_TIMEOUT: i64 = 300;
/// The delay before a retry where none is set, in seconds.
const RETRY_DELAY: i64 = 60;

/// Converts the rows of the three tables.
pub fn read(tasks: &[TableRow], links: &[TableRow], hosts: &[TableRow], context: ImportContext<'_>) -> Found {
    let names: HashMap<&str, &str> =
        hosts.iter().filter_map(|host| Some((host.text("id")?, host.text("alias").or(host.text("name"))?))).collect();
    let hosts = |task: &TableRow| -> Vec<&str> {
        let own = links.iter().filter(|link| link.text("task_id") == task.text("id"));
        own.filter_map(|link| names.get(link.text("host_id")?).copied()).collect()
    };
    let mut found = Found::default();
    let tasks: Vec<&TableRow> = tasks.iter().filter(|task| !is_deleted(task)).collect();
    for task in &tasks {
        found.add(place(task), entry(task, &hosts(task), context));
    }
    let children = tasks.iter().map(|task| {
        // A weak dependency runs however its parent ended.
        let on = if task.integer("dependency_status") == Some(2) { "always" } else { "success" };
        (id(task, context), task.text("dependency_task_id").unwrap_or_default(), on)
    });
    chains::link(&mut found, children, |child| context.origin.id(&format!("gocron-{child}")));
    found
}

/// Deleted tasks stay in the table with their time of deletion; no time is the first year.
fn is_deleted(task: &TableRow) -> bool {
    task.text("deleted").is_some_and(|at| !at.starts_with("000"))
}

fn place(task: &TableRow) -> Message {
    message!("migrate.named_job", id = task.text("id").unwrap_or_default(), name = task.text("name").unwrap_or_default())
}

fn id(task: &TableRow, context: ImportContext<'_>) -> String {
    context.origin.id(&format!("gocron-{}", task.text("id").unwrap_or_default()))
}

fn entry(row: &TableRow, hosts: &[&str], context: ImportContext<'_>) -> Result<Entry, Message> {
    let command = row.text("command").map(str::trim).filter(|command| !command.is_empty());
    let command = command.ok_or_else(|| message!("migrate.no_command"))?;
    let is_http = row.integer("protocol") == Some(1);
    let (trigger, firings, mut notes) = schedule(row, context)?;
    if !is_http && !hosts.is_empty() {
        notes.push(message!("gocron.hosts", hosts = hosts.join(", ")));
    }
    if row.is_set("notify_status") {
        notes.push(message!("gocron.notify"));
    }
    let tags: Vec<String> = row.text("tag").map(to_id).into_iter().collect();
    let params = if is_http { request(row, command) } else { json!({"command": escape_templates(command)}) };
    let mut task = json!({"id": id(row, context), "name": to_name(row.text("name").unwrap_or_default()), "tags": tags,
        "type": if is_http { "http_request" } else { "send_cmd" }, "trigger": trigger, "params": params, "policy": policy(row)});
    if let Some(remark) = row.text("remark") {
        task["description"] = remark.into();
    }
    if row.integer("status") == Some(0) {
        task["enabled"] = false.into();
    }
    Ok(Entry { place: place(row), command: command.to_owned(), tasks: vec![task], notes, firings })
}

/// A POST sends the query of its URL as a form.
fn request(row: &TableRow, command: &str) -> Value {
    let timeout = row.integer("timeout").filter(|seconds| (1..=HTTP_TIMEOUT).contains(seconds)).unwrap_or(HTTP_TIMEOUT);
    let mut params = Map::from_iter([("timeout_seconds".to_owned(), json!(timeout)), ("expect_status".to_owned(), json!([200]))]);
    let (url, query) = command.split_once('?').unwrap_or((command, ""));
    if row.integer("http_method") == Some(2) {
        params.insert("method".to_owned(), "POST".into());
        params.insert("url".to_owned(), escape_templates(url).into());
        params.insert("headers".to_owned(), json!({"Content-Type": "application/x-www-form-urlencoded"}));
        params.insert("text".to_owned(), escape_templates(query).into());
    } else {
        params.insert("url".to_owned(), escape_templates(command).into());
    }
    Value::Object(params)
}

fn policy(row: &TableRow) -> Value {
    let delay = row.integer("retry_interval").filter(|seconds| *seconds > 0).unwrap_or(RETRY_DELAY);
    let policy = PolicyBuilder::default().overlap(row.integer("multi") != Some(0)).timeout(row.integer("timeout"));
    policy.catch_up(Some(ON_TIME_SECONDS)).retry(row.integer("retry_times").unwrap_or(0), delay).build()
}

type Schedule = (Value, Vec<DateTime<Utc>>, Vec<Message>);

fn schedule(row: &TableRow, context: ImportContext<'_>) -> Result<Schedule, Message> {
    let (zone, now) = (context.zone, context.now);
    if row.integer("level") == Some(2) {
        let (trigger, firings) = chains::only_by_chain(context);
        return Ok((trigger, firings, vec![message!("migrate.only_by_chain")]));
    }
    let spec = row.text("spec").unwrap_or_default().trim();
    if spec == "@reboot" {
        return Err(message!("crontab.reboot"));
    }
    if let Some(text) = spec.strip_prefix("@every ") {
        let seconds = go_duration(text.trim()).ok_or_else(|| message!("gocron.duration", text))?;
        let trigger = json!({"type": "interval", "seconds": seconds, "timezone": zone.name()});
        // Both count from their own start.
        let firings = super::firings(&trigger, zone, now, PREVIEW_COUNT)?;
        return Ok((trigger, firings, vec![message!("gocron.every")]));
    }
    let rule = CronRule::parse(spec, Dialect::Robfig)?;
    Ok((rule.trigger(zone)?, rule.firings(zone, now, PREVIEW_COUNT), Vec::new()))
}

/// Parses a duration as Go writes it, such as `1h30m`, in whole seconds of at least one.
fn go_duration(text: &str) -> Option<i64> {
    let (mut total, mut rest) = (Duration::zero(), text);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, unit) = rest.split_at(end);
        let unit_end = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        let millis: i64 = match &unit[..unit_end] {
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1000,
            "ms" => 1,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = u32::try_from(fraction.len()).ok().filter(|digits| *digits <= 9)?;
        let fraction =
            if fraction.is_empty() { 0 } else { fraction.parse::<i64>().ok()?.checked_mul(millis)? / 10_i64.pow(digits) };
        total += Duration::milliseconds(whole.parse::<i64>().ok()?.checked_mul(millis)?.checked_add(fraction)?);
        rest = &unit[unit_end..];
    }
    // Go's package rounds down to whole seconds, and up to one.
    (total > Duration::zero()).then(|| total.num_seconds().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_durations_are_whole_seconds() {
        for (text, seconds) in
            [("30s", Some(30)), ("1h30m", Some(5400)), ("1.5h", Some(5400)), ("500ms", Some(1)), ("x", None), ("", None)]
        {
            assert_eq!(go_duration(text), seconds, "{text}");
        }
    }
}
