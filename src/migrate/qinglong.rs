//! qinglong (青龙): the jobs of its SQLite database, with the environment variables of all jobs.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::cron_rule::{CronRule, Dialect};
use super::crontab::program_name;
use super::policy::{ON_TIME_SECONDS, PolicyBuilder};
use super::table::TableRow;
use super::{Entry, Found, ImportContext, PREVIEW_COUNT, escape_templates, to_id, to_name};
use crate::i18n::{Message, message};

/// The tables of the jobs and of the environment variables.
pub const TABLES: [&str; 2] = ["Crontabs", "Envs"];
/// The folder of the scripts that `task` runs.
pub const SCRIPTS: &str = "/ql/data/scripts";

/// The programs that `task` uses, by the ending of a script.
const INTERPRETERS: [(&str, &str); 5] =
    [(".js", "node"), (".mjs", "node"), (".ts", "ts-node-transpile-only"), (".py", "python3"), (".sh", "bash")];

/// Converts the rows of both tables. `scripts` is the folder of the scripts; `with_environment`: whether the tasks get the variables.
pub fn read(
    jobs: &[TableRow],
    variables: &[TableRow],
    scripts: &str,
    with_environment: bool,
    context: ImportContext<'_>,
) -> Found {
    let environment = if with_environment { environment(variables) } else { BTreeMap::new() };
    let importer = Importer { scripts, environment, context };
    let mut found = Found::default();
    for job in jobs {
        found.add(place(job), importer.entry(job));
    }
    found
}

fn place(job: &TableRow) -> Message {
    let name = job.text("name").or(job.text("command")).unwrap_or_default();
    message!("migrate.named_job", id = job.text("id").unwrap_or_default(), name)
}

/// The enabled variables; several values of one name are joined by `&`, as qinglong does.
fn environment(rows: &[TableRow]) -> BTreeMap<String, String> {
    let mut rows: Vec<&TableRow> = rows.iter().filter(|row| row.integer("status").unwrap_or(0) == 0).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.integer("position").unwrap_or(0)));
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in rows.into_iter().filter_map(|row| Some((row.text("name")?, row.text("value")?))) {
        let joined = all.entry(name.to_owned()).or_default();
        if !joined.is_empty() {
            joined.push('&');
        }
        joined.push_str(value);
    }
    all
}

struct Importer<'i> {
    scripts: &'i str,
    environment: BTreeMap<String, String>,
    context: ImportContext<'i>,
}

impl Importer<'_> {
    fn entry(&self, job: &TableRow) -> Result<Entry, Message> {
        let given = job.text("command").map(str::trim).filter(|command| !command.is_empty());
        let given = given.ok_or_else(|| message!("migrate.no_command"))?;
        let command = command(given)?;
        let zone = self.context.zone;
        let mut rules = Vec::new();
        for schedule in schedules(job) {
            rules.push(CronRule::parse(&schedule, Dialect::CrontabSeconds)?);
        }
        if rules.is_empty() {
            return Err(message!("qinglong.no_schedule"));
        }
        let base = self.context.origin.id(&format!("qinglong-{}", job.text("id").unwrap_or_default()));
        let name =
            job.text("name").map(str::to_owned).or_else(|| program_name(given, &BTreeMap::new())).unwrap_or_else(|| base.clone());
        let params = self.params(job, command);
        let mut tasks = Vec::new();
        for (place, rule) in rules.iter().enumerate() {
            let id = if place == 0 { base.clone() } else { format!("{base}-{}", place + 1) };
            let mut task = json!({"id": id, "name": to_name(&name), "tags": labels(job), "type": "send_cmd",
                "trigger": rule.trigger(zone)?, "params": params, "policy": policy(job)});
            if job.is_set("isdisabled") {
                task["enabled"] = false.into();
            }
            tasks.push(task);
        }
        let mut firings: Vec<_> = rules.iter().flat_map(|rule| rule.firings(zone, self.context.now, PREVIEW_COUNT)).collect();
        firings.sort();
        firings.dedup();
        firings.truncate(PREVIEW_COUNT);
        Ok(Entry { place: place(job), command: given.to_owned(), tasks, notes: Vec::new(), firings })
    }

    fn params(&self, job: &TableRow, command: String) -> Value {
        let steps = [job.text("task_before").map(str::to_owned), Some(command), job.text("task_after").map(str::to_owned)];
        let command = steps.into_iter().flatten().map(|step| step.replace("\r\n", "\n")).collect::<Vec<_>>().join("\n");
        let mut params = Map::from_iter([
            ("command".to_owned(), Value::from(escape_templates(&command))),
            ("shell".to_owned(), "bash".into()),
            ("cwd".to_owned(), self.scripts.into()),
        ]);
        if !self.environment.is_empty() {
            let values = self.environment.iter().map(|(name, value)| (name.clone(), Value::from(escape_templates(value))));
            params.insert("env".to_owned(), values.collect());
        }
        Value::Object(params)
    }
}

/// The schedule and the additional ones.
fn schedules(job: &TableRow) -> Vec<String> {
    let extra: Value = job.text("extra_schedules").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let extra = extra.as_array().into_iter().flatten().filter_map(|one| one.get("schedule").unwrap_or(one).as_str());
    let all = job.text("schedule").into_iter().chain(extra);
    all.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect()
}

fn labels(job: &TableRow) -> Vec<String> {
    let labels: Value = job.text("labels").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    labels
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|label| !label.is_empty())
        .map(to_id)
        .take(20)
        .collect()
}

fn policy(job: &TableRow) -> Value {
    let overlap = job.is_set("allow_multiple_instances");
    PolicyBuilder::default().overlap(overlap).timeout(None).catch_up(Some(ON_TIME_SECONDS)).build()
}

/// Replaces qinglong's own command `task SCRIPT` by the program for the script.
///
/// # Errors
/// What only qinglong itself can run.
fn command(given: &str) -> Result<String, Message> {
    let words: Vec<&str> = given.split_whitespace().collect();
    match words.first().copied().unwrap_or_default() {
        "ql" => Err(message!("qinglong.own_command", command = given)),
        "task" => script(given, &words[1..]),
        _ => Ok(given.to_owned()),
    }
}

fn script(given: &str, words: &[&str]) -> Result<String, Message> {
    let mut limit = None;
    let mut rest = words;
    while let [option, more @ ..] = rest {
        rest = match (*option, more) {
            ("-l", more) => more,
            ("-m", [time, more @ ..]) => {
                limit = Some(*time);
                more
            }
            _ => break,
        };
    }
    let (script, arguments) = rest.split_first().ok_or_else(|| message!("qinglong.task_form", command = given))?;
    let interpreter = INTERPRETERS.iter().find(|(ending, _)| script.ends_with(ending)).map(|(_, program)| *program);
    let interpreter = interpreter.ok_or_else(|| message!("qinglong.task_form", command = given))?;
    let arguments = match arguments {
        [] | ["now"] => &[],
        ["--", more @ ..] | ["now", "--", more @ ..] => more,
        _ => return Err(message!("qinglong.task_form", command = given)),
    };
    let limit = limit.map(|time| format!("timeout {time} ")).unwrap_or_default();
    Ok([&[&*format!("{limit}{interpreter}"), script], arguments].concat().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn task_command_becomes_the_program_of_the_script() {
        for (given, expected) in [
            ("task demo.js", "node demo.js"),
            ("task shop/sign.py now", "python3 shop/sign.py"),
            ("task -m 1h a.sh -- -x 1", "timeout 1h bash a.sh -x 1"),
            ("curl -fsS https://example.com", "curl -fsS https://example.com"),
        ] {
            assert_eq!(command(given).as_deref(), Ok(expected));
        }
        for given in ["ql repo https://example.com/x.git", "task a.js conc COOKIE 1-3", "task a.rb", "task"] {
            assert!(command(given).is_err(), "{given}");
        }
    }

    #[test]
    fn values_of_one_name_are_joined_in_order() {
        let row = |values: &[(&str, &str)]| {
            values.iter().map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned()))).collect::<TableRow>()
        };
        let rows = [
            row(&[("name", "A"), ("value", "low"), ("status", "0"), ("position", "1")]),
            row(&[("name", "A"), ("value", "high"), ("status", "0"), ("position", "2")]),
            row(&[("name", "B"), ("value", "off"), ("status", "1"), ("position", "3")]),
        ];
        assert_eq!(environment(&rows), BTreeMap::from([("A".to_owned(), "high&low".to_owned())]));
    }
}
