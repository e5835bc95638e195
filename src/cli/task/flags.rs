//! The flags that describe a task, and the flag that each fault belongs to.

use clap::Args;
use serde_json::{Map, Value, json};

use super::params::ParamFlags;
use crate::cli::Failure;
use crate::cli::calendar_flags::CalendarFlags;
use crate::cli::call::{ApiClient, FaultSource};
use crate::cli::output_options::OutputOptions;
use crate::cli::words;
use crate::i18n::{Message, message};

/// A task's fields as flags.
#[derive(Debug, Default, PartialEq, Args)]
pub(super) struct TaskFlags {
    /// The task type; `belfry types` lists them.
    #[arg(long = "type", value_name = "TYPE")]
    task_type: Option<String>,
    /// Cron trigger: a cron expression (five fields, or six with seconds first), HH:MM, or an alias such as @daily.
    #[arg(long, value_name = "RULE", group = "when")]
    cron: Option<String>,
    /// Interval trigger, such as 5m, 90s, 1h30m, 2d.
    #[arg(long, value_name = "SPAN", group = "when")]
    every: Option<String>,
    /// Date trigger: one run at a date and time such as "2026-12-10 08:00".
    #[arg(long, value_name = "TIME", group = "when")]
    at: Option<String>,
    /// Idle trigger: once the machine has been idle for this long, such as 10m.
    #[arg(long, value_name = "SPAN", group = "when")]
    idle: Option<String>,
    /// IANA time zone of the trigger; by default the server's.
    #[arg(long, value_name = "ZONE", requires = "when")]
    tz: Option<String>,
    /// The display name.
    #[arg(long)]
    name: Option<String>,
    /// A description.
    #[arg(long)]
    description: Option<String>,
    /// A tag; repeatable.
    #[arg(long)]
    tag: Vec<String>,
    /// The time limit of a run, such as 5m.
    #[arg(long, value_name = "SPAN")]
    timeout: Option<String>,
    /// The total number of attempts.
    #[arg(long, value_name = "N")]
    attempts: Option<u32>,
    /// The queue of its runs.
    #[arg(long)]
    queue: Option<String>,
    /// What happens to a run beyond the limit of concurrent runs: skip, queue, cancel_running or allow.
    #[arg(long, value_name = "WORD")]
    on_overlap: Option<String>,
    /// Create it paused.
    #[arg(long)]
    paused: bool,
    /// Accept a date of --at that has passed; it is recorded as missed, or runs if it is late by no more than the grace time.
    #[arg(long, requires = "at")]
    allow_past: bool,
    #[command(flatten)]
    calendars: CalendarFlags,
    #[command(flatten)]
    params: ParamFlags,
}

impl TaskFlags {
    /// Applies the flags to a task.
    ///
    /// # Errors
    /// [`Failure::Usage`] for an invalid span; and those of the requests for parameter schemas.
    pub(super) async fn apply_to(
        &self,
        task: &mut Map<String, Value>,
        client: &ApiClient,
        output: &OutputOptions,
    ) -> Result<(), Failure> {
        let texts = [("type", &self.task_type), ("name", &self.name), ("description", &self.description)];
        for (field, given) in texts {
            if let Some(text) = given {
                task.insert(field.to_owned(), text.as_str().into());
            }
        }
        if !self.tag.is_empty() {
            task.insert("tags".to_owned(), self.tag.clone().into());
        }
        if self.paused {
            task.insert("enabled".to_owned(), false.into());
        }
        if self.allow_past {
            task.insert("allow_past".to_owned(), true.into());
        }
        if let Some(trigger) = self.trigger()? {
            task.insert("trigger".to_owned(), trigger);
        }
        task.extend(self.calendars.fields());
        self.apply_policy(task)?;
        if !self.params.is_empty() {
            let task_type = task.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
            let params = self.params.read(&task_type, client, output).await?;
            match (task.get_mut("params").and_then(Value::as_object_mut), params) {
                (Some(present), Value::Object(given)) => present.extend(given),
                (_, params) => drop(task.insert("params".to_owned(), params)),
            }
        }
        Ok(())
    }

    fn trigger(&self) -> Result<Option<Value>, Failure> {
        let mut trigger = match (&self.cron, &self.every, &self.at, &self.idle) {
            (Some(rule), ..) => json!({"type": "cron", "expression": rule}),
            (_, Some(every), ..) => interval(span("--every", every)?),
            (_, _, Some(at), _) => json!({"type": "date", "run_date": at}),
            (.., Some(idle)) => json!({"type": "idle", "idle_duration": span("--idle", idle)?}),
            _ => return Ok(None),
        };
        if let Some(zone) = &self.tz {
            trigger["timezone"] = zone.as_str().into();
        }
        Ok(Some(trigger))
    }

    fn apply_policy(&self, task: &mut Map<String, Value>) -> Result<(), Failure> {
        let mut policy = Map::new();
        if let Some(timeout) = &self.timeout {
            policy.insert("timeout_seconds".to_owned(), span("--timeout", timeout)?.into());
        }
        if let Some(queue) = &self.queue {
            policy.insert("queue".to_owned(), queue.as_str().into());
        }
        if let Some(on_overlap) = &self.on_overlap {
            policy.insert("on_overlap".to_owned(), on_overlap.as_str().into());
        }
        if let Some(attempts) = self.attempts {
            policy.insert("retry".to_owned(), json!({"max_attempts": attempts}));
        }
        if !policy.is_empty() {
            match task.get_mut("policy").and_then(Value::as_object_mut) {
                Some(present) => present.extend(policy),
                None => drop(task.insert("policy".to_owned(), Value::Object(policy))),
            }
        }
        Ok(())
    }

    /// The flag that set the value at a pointer, as it was written.
    pub(super) fn shown(&self, pointer: &str) -> Option<String> {
        let mut steps = pointer.trim_start_matches('/').split('/');
        let quoted = |flag: &str, value: &Option<String>| value.as_ref().map(|value| format!("{flag} \"{value}\""));
        match (steps.next()?, steps.next()) {
            ("type", _) => quoted("--type", &self.task_type),
            ("name", _) => quoted("--name", &self.name),
            ("description", _) => quoted("--description", &self.description),
            ("tags", _) => self.tag.first().map(|tag| format!("--tag \"{tag}\"")),
            ("trigger", Some("timezone")) => quoted("--tz", &self.tz),
            ("trigger", _) => quoted("--cron", &self.cron)
                .or_else(|| quoted("--every", &self.every))
                .or_else(|| quoted("--at", &self.at))
                .or_else(|| quoted("--idle", &self.idle)),
            ("policy", Some("timeout_seconds")) => quoted("--timeout", &self.timeout),
            ("policy", Some("queue")) => quoted("--queue", &self.queue),
            ("policy", Some("on_overlap")) => quoted("--on-overlap", &self.on_overlap),
            ("policy", Some("retry")) => self.attempts.map(|attempts| format!("--attempts {attempts}")),
            ("calendar" | "calendar_rule" | "on_closed" | "nth_working_day", _) => {
                self.calendars.shown(pointer.trim_start_matches('/'))
            }
            ("params", Some(name)) => self.params.shown(name),
            _ => None,
        }
    }

    /// What to add where a field is missing.
    fn missing(pointer: &str) -> Option<Message> {
        match (pointer, pointer.strip_prefix("/params/")) {
            ("/type", _) => Some(message!("cli.give_type")),
            ("/trigger", _) => Some(message!("cli.give_trigger")),
            ("/id", _) => Some(message!("cli.give_id")),
            (_, Some(name)) if !name.contains('/') => Some(message!("cli.give_param", name)),
            _ => None,
        }
    }
}

impl FaultSource for TaskFlags {
    fn describe_fault(&self, pointer: &str, message: &str) -> String {
        if let Some(flag) = self.shown(pointer) {
            return format!("{message}\n  --> {flag}");
        }
        match TaskFlags::missing(pointer) {
            Some(advice) => words(&message!("cli.advice", message, advice)),
            None => message.to_owned(),
        }
    }
}

/// An interval in the largest unit that divides it.
fn interval(seconds: i64) -> Value {
    const UNITS: [(&str, i64); 5] = [("weeks", 604_800), ("days", 86_400), ("hours", 3600), ("minutes", 60), ("seconds", 1)];
    let (unit, each) = UNITS.into_iter().find(|(_, each)| seconds % each == 0).unwrap_or(("seconds", 1));
    let mut trigger = json!({"type": "interval"});
    trigger[unit] = (seconds / each).into();
    trigger
}

/// Parses a span such as `1h30m` into seconds; a bare number is seconds.
pub(in crate::cli) fn span(flag: &str, text: &str) -> Result<i64, Failure> {
    parse_span(text).ok_or_else(|| Failure::Usage(words(&message!("cli.not_span", flag, text))))
}

/// Like [`span`]; `None` for an invalid span.
pub(in crate::cli) fn parse_span(text: &str) -> Option<i64> {
    let mut seconds: i64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let amount: i64 = rest.get(..digits)?.parse().ok()?;
        let unit = rest[digits..].len() - rest[digits..].trim_start_matches(|c: char| c.is_alphabetic()).len();
        let each = match &rest[digits..digits + unit] {
            "s" => 1,
            "" if seconds == 0 => 1,
            "m" | "min" => 60,
            "h" => 3600,
            "d" => 86_400,
            "w" => 604_800,
            _ => return None,
        };
        seconds = seconds.checked_add(amount.checked_mul(each)?)?;
        rest = &rest[digits + unit..];
    }
    Some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_parsed_into_seconds() {
        let read = ["90s", "5m", "1h30m", "2d", "1w", "45", "1min30s"].map(parse_span);
        assert_eq!(read, [Some(90), Some(300), Some(5400), Some(172_800), Some(604_800), Some(45), Some(90)]);
        for wrong in ["", "m", "5x", "-5m", "1.5h", "5 m x", "9999999999999999w", "1h30"] {
            assert_eq!(parse_span(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn fault_names_its_flag() {
        let flags = TaskFlags { cron: Some("0 25 * * *".into()), ..TaskFlags::default() };
        assert_eq!(flags.describe_fault("/trigger/expression", "hour: no"), "hour: no\n  --> --cron \"0 25 * * *\"");
        assert_eq!(
            flags.describe_fault("/type", "type: is required"),
            "type: is required; give --type; `belfry types` lists the task types"
        );
        assert_eq!(flags.describe_fault("/params/url", "url: is required"), "url: is required; give --param url=…");
    }
}
