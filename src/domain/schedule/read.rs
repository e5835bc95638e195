//! Reading of schedules: the trigger or the rules of a task, and its calendars, with every fault at its field.

use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::rules::{Rule, ScheduleRules};
use super::settings::{CalendarRule, CalendarUse, MAX_CALENDARS, MAX_RULES, OnClosed, RuleSettings, ScheduleSettings};
use crate::domain::fault::Fault;
use crate::domain::input::{Fields, display_value};
use crate::domain::task_id::check_id;
use crate::domain::trigger::{self, Kind, Trigger};
use crate::i18n::message;

/// The most working days of a month.
const MAX_NTH: i64 = 23;
const MAX_NAME: usize = 100;

/// What was read from a task: the first trigger as given, the settings, and the parsed rules.
#[derive(Debug, Clone, PartialEq)]
pub struct TakenSchedule {
    pub trigger: Value,
    pub settings: ScheduleSettings,
    pub rules: ScheduleRules,
}

impl ScheduleSettings {
    /// Takes the trigger and the settings from the fields of a task; `None` if a fault was recorded.
    pub fn take(f: &mut Fields, zone: Tz) -> Option<TakenSchedule> {
        let trigger = f.take_nullable("trigger").filter(|given| !given.is_null()).map(plain);
        let list = f.take("triggers").filter(is_given);
        let calendar = take_calendar(f);
        let (trigger, list) = match list {
            None => {
                let Some(trigger) = trigger else {
                    f.fault("trigger", message!("value.required"));
                    return None;
                };
                let first = Rule::from_trigger(f.collect(Trigger::parse(&trigger, zone))?);
                (trigger, vec![(None, first)])
            }
            Some(list) => {
                let list = take_rules(f, &list, zone)?;
                let first = list.first().map(|(settings, _)| settings.trigger.clone())?;
                if trigger.is_some_and(|given| given != first) {
                    f.fault("trigger", message!("schedule.trigger_and_triggers"));
                }
                (first, list.into_iter().map(|(settings, rule)| (Some(settings), rule)).collect())
            }
        };
        let (rules, parsed): (Vec<_>, Vec<_>) = list.into_iter().unzip();
        let mut rules: Vec<RuleSettings> = rules.into_iter().flatten().collect();
        // A single rule with nothing of its own is the simple case.
        if matches!(&rules[..], [only] if only.name.is_none() && only.enabled && only.params.is_empty()) {
            rules.clear();
        }
        let parsed = ScheduleRules::new(parsed, calendar.clone()?)?;
        if parsed.kind() == Kind::Idle && parsed.calendar().is_some() {
            f.fault("calendar", message!("schedule.idle_without_calendar"));
        }
        let settings = ScheduleSettings { rules, calendar: calendar? };
        Some(TakenSchedule { trigger, settings, rules: parsed })
    }

    /// Parses stored settings.
    ///
    /// # Errors
    /// The faults of invalid settings, which only a manual change of the database can cause.
    pub fn parse(value: &Value) -> Result<ScheduleSettings, Vec<Fault>> {
        let mut f = Fields::new(value, "");
        let list = f.take("triggers").filter(is_given);
        let rules = list.and_then(|list| take_rules(&mut f, &list, Tz::UTC)).unwrap_or_default();
        let rules = rules.into_iter().map(|(settings, _)| settings).collect();
        let calendar = take_calendar(&mut f).unwrap_or_default();
        f.finish(ScheduleSettings { rules, calendar })
    }
}

/// Some clients send an empty list for a field that they leave out.
fn is_given(list: &Value) -> bool {
    !matches!(list, Value::Array(items) if items.is_empty())
}

/// A trigger as it is kept: an `@every` expression is kept as the interval that it means.
fn plain(trigger: Value) -> Value {
    match trigger.as_object().and_then(trigger::as_interval) {
        Some(Ok(interval)) => Value::Object(interval),
        _ => trigger,
    }
}

type ReadRule = (RuleSettings, Rule);

fn take_rules(f: &mut Fields, list: &Value, zone: Tz) -> Option<Vec<ReadRule>> {
    let Value::Array(items) = list else {
        f.fault("triggers", message!("value.not_list", value = display_value(list)));
        return None;
    };
    if items.len() > MAX_RULES {
        f.fault("triggers", message!("schedule.rule_count", count = items.len(), max = MAX_RULES));
        return None;
    }
    let read = |(place, item)| f.collect(read_rule(item, &format!("/triggers/{place}"), zone, items.len() > 1));
    let rules: Vec<Option<ReadRule>> = items.iter().enumerate().map(read).collect();
    rules.into_iter().collect()
}

fn read_rule(item: &Value, base: &str, zone: Tz, is_one_of_several: bool) -> Result<ReadRule, Vec<Fault>> {
    if !item.is_object() {
        return Err(vec![Fault::new(base, message!("value.not_object_but", value = display_value(item)).of("triggers"))]);
    }
    let mut f = Fields::new(item, base);
    let name = Some(f.text("name", MAX_NAME, "")).filter(|name| !name.is_empty());
    let enabled = f.boolean("enabled", true);
    let params = match f.take("params") {
        None => Map::new(),
        Some(Value::Object(map)) => map,
        Some(other) => {
            f.fault("params", message!("value.not_object_but", value = display_value(&other)));
            Map::new()
        }
    };
    let Some(trigger) = f.take_nullable("trigger").filter(|given| !given.is_null()).map(plain) else {
        f.fault("trigger", message!("value.required"));
        return Err(f.finish(()).err().unwrap_or_default());
    };
    let parsed = f.collect(Trigger::parse(&trigger, zone).map_err(|faults| below(base, faults)));
    if parsed.as_ref().is_some_and(|rule| is_one_of_several && rule.kind() == Kind::Idle) {
        f.fault("trigger", message!("schedule.idle_alone"));
    }
    let Some(parsed) = parsed else { return Err(f.finish(()).err().unwrap_or_default()) };
    let rule = Rule { trigger: parsed, name: name.clone(), enabled, params: params.clone() };
    f.finish((RuleSettings { trigger, name, enabled, params }, rule))
}

/// The faults of a trigger with pointers below a rule.
fn below(base: &str, faults: Vec<Fault>) -> Vec<Fault> {
    faults.into_iter().map(|fault| Fault { pointer: format!("{base}{}", fault.pointer), ..fault }).collect()
}

/// The use of calendars, if any; `None` after a fault.
fn take_calendar(f: &mut Fields) -> Option<Option<CalendarUse>> {
    let names = take_names(f);
    let rules = CalendarRule::ALL.map(|rule| (rule.as_str(), Some(rule)));
    let rule = f.choice("calendar_rule", &rules, None);
    let actions = OnClosed::ALL.map(|action| (action.as_str(), Some(action)));
    let on_closed = f.choice("on_closed", &actions, None);
    let nth = match f.take("nth_working_day").map(|value| (value.as_i64(), value)) {
        None => None,
        Some((Some(nth), _)) if nth != 0 && (-MAX_NTH..=MAX_NTH).contains(&nth) => i32::try_from(nth).ok(),
        Some((_, value)) => {
            f.fault("nth_working_day", message!("schedule.nth_range", value = display_value(&value), max = MAX_NTH));
            return None;
        }
    };
    let names = names?;
    if names.is_empty() && rule.is_none() && on_closed.is_none() && nth.is_none() {
        return Some(None);
    }
    let used =
        CalendarUse { names, rule: rule.unwrap_or_default(), on_closed: on_closed.unwrap_or_default(), nth_working_day: nth };
    match used.fault() {
        Some((name, message)) => {
            f.fault(name, message);
            None
        }
        None => Some((used != CalendarUse::default()).then_some(used)),
    }
}

/// A name or a list of names, each once.
fn take_names(f: &mut Fields) -> Option<Vec<String>> {
    let mut names = match f.take("calendar") {
        None => return Some(Vec::new()),
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
            list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        Some(other) => {
            f.fault("calendar", message!("schedule.not_calendars", value = display_value(&other)));
            return None;
        }
    };
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    if names.len() > MAX_CALENDARS {
        f.fault("calendar", message!("value.too_many", count = names.len(), max = MAX_CALENDARS));
        return None;
    }
    if let Some(message) = names.iter().find_map(|name| check_id(name).err()) {
        f.fault("calendar", message);
        return None;
    }
    Some(names)
}
