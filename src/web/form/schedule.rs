//! Rules and calendars in the task form. The first rule has the fields of the trigger; the further ones are rows
//! (`/triggers/1/trigger`, `/triggers/1/name`, …), in which a trigger is an expression or JSON. Blank rows are skipped and the
//! others renumbered from 1, so that the pointer of a fault identifies its row.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Values, pretty, put_members, text_of, to_trigger};
use crate::domain::calendar::CN;
use crate::domain::fault::Fault;
use crate::domain::input::json_syntax;
use crate::domain::json;
use crate::domain::task::Task;
use crate::domain::text_enum::text_enum;
use crate::web::urls::Pairs;

/// Number of blank rows shown after those in use.
const SPARE: usize = 3;
/// Maximum number of rows read; above the limit of rules, so that too many are rejected instead of dropped.
const MOST_ROWS: usize = 60;

const MEMBERS: [&str; 4] = ["trigger", "name", "params", "enabled"];
const CALENDAR: [&str; 4] = ["/calendar", "/calendar_rule", "/on_closed", "/nth_working_day"];

/// One row as submitted.
type Row<'f> = BTreeMap<&'f str, &'f str>;

/// Whether the form has a field of this name.
pub fn is_field(name: &str) -> bool {
    name == "/triggers" || CALENDAR.contains(&name) || row_and_member(name).is_some()
}

/// Whether a field decides when the task runs.
pub fn is_rule(name: &str) -> bool {
    name.starts_with("/trigger") || is_field(name)
}

/// Splits a field name into row and member.
fn row_and_member(name: &str) -> Option<(usize, &str)> {
    let (row, member) = name.strip_prefix("/triggers/")?.split_once('/')?;
    MEMBERS.contains(&member).then_some(())?;
    Some((row.parse().ok().filter(|row| *row < MOST_ROWS)?, member))
}

/// The row of the first rule, and the further rows that are not blank, in order.
fn rows(form: &Pairs) -> (Row<'_>, Vec<Row<'_>>) {
    let mut rows: BTreeMap<usize, Row<'_>> = BTreeMap::new();
    for (name, value) in &form.0 {
        if let Some((row, member)) = row_and_member(name) {
            rows.entry(row).or_default().insert(member, value.trim());
        }
    }
    let first = rows.remove(&0).unwrap_or_default();
    let used =
        |row: &Row<'_>| ["trigger", "name", "params"].iter().any(|member| row.get(member).is_some_and(|text| !text.is_empty()));
    (first, rows.into_values().filter(used).collect())
}

/// Converts the form to the rules and calendars of a task, by the names of its fields, not yet validated.
pub fn to_schedule(form: &Pairs) -> Value {
    Value::Object(to_fields(form).0)
}

/// As [`to_schedule`], with the faults of parameters that are not valid JSON, which are left out.
pub fn to_fields(form: &Pairs) -> (Map<String, Value>, Vec<Fault>) {
    let (first, others) = rows(form);
    let (mut map, mut faults) = (Map::new(), Vec::new());
    let trigger = to_trigger(form);
    let zone = trigger.get("timezone").cloned();
    let own = to_rule(&first, 0, &mut faults);
    if own.is_empty() && others.is_empty() {
        map.insert("trigger".into(), trigger);
    } else {
        let mut rules = vec![with_trigger(trigger, own)];
        for (place, row) in others.iter().enumerate() {
            let trigger = read_trigger(row.get("trigger").copied().unwrap_or_default(), zone.as_ref());
            rules.push(with_trigger(trigger, to_rule(row, place + 1, &mut faults)));
        }
        map.insert("triggers".into(), rules.into());
    }
    put_calendar(form, &mut map);
    (map, faults)
}

fn with_trigger(trigger: Value, mut rule: Map<String, Value>) -> Value {
    rule.shift_insert(0, "trigger".into(), trigger);
    Value::Object(rule)
}

/// The members of a rule besides its trigger.
fn to_rule(row: &Row<'_>, place: usize, faults: &mut Vec<Fault>) -> Map<String, Value> {
    let mut rule = Map::new();
    let given = |member: &str| row.get(member).copied().filter(|text| !text.is_empty());
    rule.extend(given("name").map(|name| ("name".to_owned(), name.into())));
    if given("enabled") == Some("false") {
        rule.insert("enabled".into(), false.into());
    }
    match given("params").map(json::read_typed) {
        None => {}
        Some(Ok(params)) => drop(rule.insert("params".into(), params)),
        Some(Err(error)) => faults.push(Fault::new(format!("/triggers/{place}/params"), json_syntax(&error))),
    }
    rule
}

/// A trigger as JSON, or an expression in the time zone of the first rule.
fn read_trigger(text: &str, zone: Option<&Value>) -> Value {
    if text.starts_with('{')
        && let Ok(trigger) = json::read_typed(text)
    {
        return trigger;
    }
    let mut trigger = Map::from_iter([("type".to_owned(), "cron".into()), ("expression".to_owned(), text.into())]);
    trigger.extend(zone.map(|zone| ("timezone".to_owned(), zone.clone())));
    Value::Object(trigger)
}

/// The conditions of a trigger: one a line, each an expression or JSON.
pub fn to_conditions(lines: &str) -> Value {
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| read_trigger(line, None)).collect()
}

/// The lines from which [`to_conditions`] reads the same conditions.
pub fn conditions_text(conditions: &[Value]) -> String {
    let lines: Vec<String> = conditions.iter().map(|condition| trigger_text(condition, None)).collect();
    lines.join("\n")
}

fn put_calendar(form: &Pairs, map: &mut Map<String, Value>) {
    let on_closed = form.get("/on_closed").filter(|action| *action != "skip");
    let Some(names) = form.get("/calendar") else {
        // Without a calendar only freezes are left, in which a run may be held.
        map.extend(on_closed.filter(|action| *action == "hold").map(|action| ("on_closed".to_owned(), action.into())));
        return;
    };
    let names: Vec<&str> = names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    map.insert("calendar".into(), names.into());
    let nth = form.get("/nth_working_day").map(super::number_or_text);
    match form.get("/calendar_rule") {
        None | Some("only") => {}
        Some("first") => drop(map.insert("nth_working_day".into(), 1.into())),
        Some("last") => drop(map.insert("nth_working_day".into(), (-1).into())),
        Some("nth") => drop(map.insert("nth_working_day".into(), nth.unwrap_or_else(|| "".into()))),
        Some(rule) => drop(map.insert("calendar_rule".into(), rule.into())),
    }
    map.extend(on_closed.map(|action| ("on_closed".to_owned(), action.into())));
}

/// Whether a task has these rules and calendars.
pub fn is_of(schedule: &Value, task: &Task) -> bool {
    let mut own = task.schedule.to_json();
    if task.schedule.rules.is_empty() {
        own.insert("trigger".into(), task.trigger.clone());
    }
    *schedule == Value::Object(own)
}

/// Returns the submitted values of the rows, numbered as in [`to_fields`].
pub fn submitted(form: &Pairs) -> Values {
    let (first, others) = rows(form);
    let mut values = Values::new();
    for (place, row) in std::iter::once(first).chain(others).enumerate() {
        values.extend(row.into_iter().map(|(member, text)| (format!("/triggers/{place}/{member}"), text.to_owned())));
    }
    values
}

/// Converts the rules of a task to field values.
pub fn to_values(rules: &[Value]) -> Values {
    let mut values = Values::new();
    let zone = rules.first().and_then(|rule| rule["trigger"].get("timezone"));
    for (place, rule) in rules.iter().enumerate() {
        match rule["trigger"].as_object() {
            Some(trigger) if place == 0 => put_members(&mut values, "/trigger", trigger),
            _ => drop(values.insert(format!("/triggers/{place}/trigger"), trigger_text(&rule["trigger"], zone))),
        }
        for member in ["name", "enabled", "params"] {
            let text = match &rule[member] {
                Value::Null => continue,
                params @ Value::Object(_) => pretty(params),
                value => text_of(value),
            };
            values.insert(format!("/triggers/{place}/{member}"), text);
        }
    }
    values
}

/// An expression as it is, if [`read_trigger`] reads the same trigger from it; else JSON.
fn trigger_text(trigger: &Value, zone: Option<&Value>) -> String {
    match trigger["expression"].as_str() {
        Some(text) if read_trigger(text, zone) == *trigger => text.to_owned(),
        _ => trigger.to_string(),
    }
}

/// The values of the calendar fields, of the names of a task's fields.
pub fn put_calendar_values(values: &mut Values, name: &str, value: &Value) {
    match (name, value) {
        ("calendar", Value::Array(names)) => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            values.insert("/calendar".into(), names.join(","));
        }
        ("nth_working_day", Value::Number(nth)) => {
            let rule = match nth.as_i64() {
                Some(1) => "first",
                Some(-1) => "last",
                _ => "nth",
            };
            values.insert("/calendar_rule".into(), rule.into());
            values.insert("/nth_working_day".into(), nth.to_string());
        }
        (name, value) => drop(values.insert(format!("/{name}"), text_of(value))),
    }
}

/// Returns the names of the submitted fields of rows.
pub fn row_fields(form: &Pairs) -> impl Iterator<Item = &str> {
    form.0
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| row_and_member(name).is_some_and(|(_, member)| member != "enabled"))
}

/// Returns the rows of further rules to show: those in use, then blank ones.
pub fn row_numbers(values: &Values) -> Vec<usize> {
    let used = values.keys().filter_map(|name| row_and_member(name)).map(|(row, _)| row).max().unwrap_or(0);
    (1..=used + SPARE).collect()
}

/// Whether the task has several rules, or one with a name or parameters.
pub fn has_rules(values: &Values) -> bool {
    values.iter().any(|(name, text)| row_and_member(name).is_some_and(|(_, member)| member != "enabled") && !text.is_empty())
}

text_enum! {
    /// A ready schedule for a new task.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum ScheduleTemplate {
        WorkingDays = "working_days",
        LastWorkingDay = "last_working_day",
        WorkingHours = "working_hours",
    }
}

impl ScheduleTemplate {
    /// The field values that it fills in.
    pub fn values(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let (expression, rule) = match self {
            ScheduleTemplate::WorkingDays => ("08:00", "only"),
            ScheduleTemplate::LastWorkingDay => ("18:00", "last"),
            ScheduleTemplate::WorkingHours => ("*/10 9-17 * * *", "only"),
        };
        [("/trigger/type", "cron"), ("/trigger/expression", expression), ("/calendar", CN), ("/calendar_rule", rule)].into_iter()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn form(pairs: &[(&str, &str)]) -> Pairs {
        Pairs(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    const TRIGGER: [(&str, &str); 2] = [("/trigger/type", "cron"), ("/trigger/expression", "08:00")];

    #[test]
    fn a_single_rule_is_a_trigger() {
        let blank = [("/triggers/0/name", ""), ("/triggers/0/enabled", "true"), ("/triggers/1/trigger", " "), ("/calendar", "")];
        let read = to_schedule(&form(&[&TRIGGER[..], &blank[..]].concat()));
        assert_eq!(read, json!({"trigger": {"type": "cron", "expression": "08:00"}}));
    }

    #[test]
    fn rules_and_calendars_round_trip_through_the_form() {
        let task = json!({"triggers": [
                {"trigger": {"type": "cron", "expression": "08:00", "timezone": "Asia/Shanghai",
                    "and": [{"type": "cron", "expression": "* * * * mon"}, {"type": "interval", "days": 2}]}, "name": "morning"},
                {"trigger": {"type": "cron", "expression": "0 20 * * *", "timezone": "Asia/Shanghai"}, "enabled": false,
                    "params": {"a": 1}},
                {"trigger": {"type": "interval", "hours": 1}}],
            "calendar": ["cn", "office"], "on_closed": "hold", "nth_working_day": -2});
        let values = super::super::to_values(task.as_object().expect("an object"));
        assert_eq!(values["/triggers/1/trigger"], "0 20 * * *");
        assert_eq!(values["/trigger/and"], "* * * * mon\n{\"type\":\"interval\",\"days\":2}");
        assert_eq!(to_schedule(&Pairs(values.into_iter().collect())), task);
    }

    #[test]
    fn plain_choices_stand_for_working_days() {
        let chosen = |rule: &str| {
            let fields = [("/calendar", "cn"), ("/calendar_rule", rule), ("/on_closed", "skip")];
            let Value::Object(mut map) = to_schedule(&form(&[&TRIGGER[..], &fields[..]].concat())) else { unreachable!() };
            map.shift_remove("trigger");
            Value::Object(map)
        };
        assert_eq!(chosen("only"), json!({"calendar": ["cn"]}));
        assert_eq!(chosen("last"), json!({"calendar": ["cn"], "nth_working_day": -1}));
        assert_eq!(chosen("before_holiday"), json!({"calendar": ["cn"], "calendar_rule": "before_holiday"}));
    }

    #[test]
    fn blank_rows_are_skipped_and_faults_are_at_their_rows() {
        let rows = [("/triggers/3/trigger", "09:00"), ("/triggers/3/params", "{"), ("/triggers/9/name", "x")];
        let form = form(&[&TRIGGER[..], &rows[..]].concat());
        let (fields, faults) = to_fields(&form);
        assert_eq!((fields["triggers"].as_array().map(Vec::len), faults[0].pointer.as_str()), (Some(3), "/triggers/1/params"));
        assert_eq!(submitted(&form)["/triggers/2/name"], "x");
    }
}
