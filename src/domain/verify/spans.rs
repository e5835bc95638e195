//! The rules of a task over time.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::ZoneHistory;
use crate::domain::schedule::{CalendarHistory, Closing, FIELDS, Note, Schedule, ScheduleRules, ScheduleSettings};
use crate::domain::trigger::Check;

/// The definition of a task after a change.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    pub at: DateTime<Utc>,
    /// The settable fields, as in the task's versions.
    pub content: Value,
}

/// A time during which a task had the same rules, under the same calendars.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleSpan {
    pub from: DateTime<Utc>,
    /// The next change or the deletion; `None`: the rule is in force.
    pub until: Option<DateTime<Utc>>,
    pub(super) schedule: Schedule,
    pub(super) anchor: DateTime<Utc>,
    pub(super) enabled: bool,
}

impl RuleSpan {
    /// Whether the task was not paused.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// The rule of a task as it is now, in the time before the task existed; `None` for a task of which nothing is known.
    #[must_use]
    pub fn before(spans: &[RuleSpan]) -> Option<RuleSpan> {
        let (first, last) = (spans.first()?, spans.last()?);
        Some(RuleSpan { from: DateTime::UNIX_EPOCH, until: Some(first.from), ..last.clone() })
    }

    /// The rules in one line, independent of language.
    #[must_use]
    pub fn text(&self) -> String {
        self.schedule.text()
    }

    /// Compares the parts of the rules and the calendars with a time, jitter left out.
    #[must_use]
    pub fn explain(&self, at: DateTime<Utc>) -> Vec<Check> {
        self.schedule.explain(at, self.anchor)
    }

    /// The time of the occurrence, jitter included, that is planned at `at` with or without jitter; `None`: there is none.
    #[must_use]
    pub fn run_time(&self, task_id: &str, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self.schedule.next_at_or_after(at, self.anchor) {
            Some(rule_at) if rule_at == at => Some(self.schedule.fire_time(at, task_id, self.anchor)),
            _ => is_fire_time(self, task_id, at).then_some(at),
        }
    }

    /// The rule's time of the occurrence whose time with jitter is `run_at`.
    #[must_use]
    pub fn rule_time(&self, task_id: &str, run_at: DateTime<Utc>) -> DateTime<Utc> {
        last_rule_time(self, run_at)
            .filter(|rule_at| self.schedule.fire_time(*rule_at, task_id, self.anchor) == run_at)
            .unwrap_or(run_at)
    }

    /// The occurrences, jitter included, of the rule's times from `from` (inclusive) to `to` (exclusive) within the span.
    pub fn firings<'s>(
        &'s self,
        task_id: &'s str,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> impl Iterator<Item = DateTime<Utc>> + 's {
        let to = self.until.map_or(to, |until| until.min(to));
        self.times(task_id, from, to).filter(move |run_at| *run_at < to)
    }

    /// The same up to `until` (inclusive), which may lie after the span.
    pub(super) fn times<'s>(
        &'s self,
        task_id: &'s str,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> impl Iterator<Item = DateTime<Utc>> + 's {
        self.occurrences(task_id, from, until).map(|(run_at, _)| run_at)
    }

    /// The same with the rule's times.
    pub(super) fn occurrences<'s>(
        &'s self,
        task_id: &'s str,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>)> + 's {
        let first = self.schedule.next_at_or_after(self.from.max(from), self.anchor);
        std::iter::successors(first, |rule_at| self.schedule.next_after(*rule_at, self.anchor))
            .take_while(move |rule_at| *rule_at <= until)
            .map(|rule_at| (self.schedule.fire_time(rule_at, task_id, self.anchor), rule_at))
            .filter(move |(run_at, _)| *run_at <= until)
    }

    /// The number of its occurrences from the first to the last, both included.
    pub(super) fn count(&self, task_id: &str, first: DateTime<Utc>, last: DateTime<Utc>) -> usize {
        self.times(task_id, self.rule_time(task_id, first), last).filter(|run_at| *run_at >= first).count()
    }

    /// Whether it has no occurrence after a time.
    fn is_over(&self, at: DateTime<Utc>) -> bool {
        self.schedule.next_after(at, self.anchor).is_none()
    }

    /// Whether a calendar or a freeze closes the occurrence at a rule's time.
    pub(super) fn closed(&self, rule_at: DateTime<Utc>) -> Closed {
        if self.schedule.is_simple() {
            return Closed::Open;
        }
        match self.schedule.planned(rule_at, rule_at, self.anchor).note {
            Note::Closed(Closing::Freeze { .. }) => Closed::ByFreeze,
            Note::Closed(_) => Closed::ByCalendar,
            _ => Closed::Open,
        }
    }
}

/// The spans of a task's definitions, oldest first. `zones`: those of the server; `deleted_at` ends the last span. Definitions
/// whose trigger cannot be parsed end the spans before them. A task with calendars has a span for each of their versions, and one
/// that names no zone for each zone of the server, until its rules have no further occurrence: another zone does not begin them anew.
pub fn rule_spans(
    definitions: &[Definition],
    zones: &ZoneHistory,
    deleted_at: Option<DateTime<Utc>>,
    calendars: &CalendarHistory,
) -> Vec<RuleSpan> {
    let mut spans: Vec<RuleSpan> = Vec::new();
    let (mut rules, mut anchor, mut last_tags) = (Map::new(), DateTime::UNIX_EPOCH, &Value::Null);
    let mut over_in = None;
    for (place, definition) in definitions.iter().enumerate() {
        let given = rule_fields(&definition.content);
        let enabled = definition.content["enabled"].as_bool().unwrap_or(true);
        let tags = &definition.content["tags"];
        let is_same = given == rules;
        if !is_same {
            (rules, anchor) = (given, definition.at);
            over_in = None;
        }
        if is_same && tags == last_tags && spans.last().is_some_and(|last| last.enabled == enabled) {
            continue;
        }
        last_tags = tags;
        if let Some(last) = spans.last_mut().filter(|last| last.until.is_none()) {
            last.until = Some(definition.at);
        }
        let differs = |other: &Definition| {
            let content = &other.content;
            content["tags"] != *tags || content["enabled"].as_bool().unwrap_or(true) != enabled || rule_fields(content) != rules
        };
        let next = definitions[place + 1..].iter().find(|other| differs(other));
        let until = next.map(|next| next.at).or(deleted_at);
        let in_zones = match over_in {
            Some(zone) => vec![(definition.at, zone)],
            None => zones.between(definition.at, until).collect(),
        };
        over_in = push_spans(&mut spans, definition, &rules, (&in_zones, calendars, anchor), until).or(over_in);
    }
    if let Some(last) = spans.last_mut().filter(|last| last.until.is_none()) {
        last.until = deleted_at;
    }
    spans
}

/// The rules and calendars among the fields of a task.
fn rule_fields(content: &Value) -> Map<String, Value> {
    let names = std::iter::once("trigger").chain(FIELDS);
    names.filter_map(|name| Some((name.to_owned(), content.get(name)?.clone()))).collect()
}

/// A zone of the server, and since when it had it.
type SinceZone = (DateTime<Utc>, Tz);

/// Adds the spans of a definition: one, or one for each zone of the server and each state of its calendars. Returns the zone in which its
/// rules were over when the server's zone changed.
fn push_spans(
    spans: &mut Vec<RuleSpan>,
    definition: &Definition,
    rules: &Map<String, Value>,
    (in_zones, calendars, anchor): (&[SinceZone], &CalendarHistory, DateTime<Utc>),
    until: Option<DateTime<Utc>>,
) -> Option<Tz> {
    let mut fields = rules.clone();
    let trigger = fields.shift_remove("trigger").unwrap_or_default();
    let settings = ScheduleSettings::parse(&Value::Object(fields)).ok()?;
    let tags = definition.content["tags"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let tags: Vec<String> = tags.map(str::to_owned).collect();
    let enabled = definition.content["enabled"].as_bool().unwrap_or(true);
    let mut last_parsed = None;
    for (place, (zone_from, zone)) in in_zones.iter().enumerate() {
        let parsed = ScheduleRules::parse(&trigger, &settings, *zone).ok()?;
        if parsed.calendar_names().is_empty() && last_parsed.as_ref() == Some(&parsed) {
            continue;
        }
        if place > 0 && spans.last().is_some_and(|last| last.is_over(*zone_from)) {
            return Some(in_zones[place - 1].1);
        }
        last_parsed = Some(parsed.clone());
        let until = in_zones.get(place + 1).map(|(next, _)| *next).or(until);
        // Later definitions without other rules continue the span.
        let until = if parsed.calendar_names().is_empty() { Some(*zone_from) } else { until };
        for (from, set) in calendars.between(*zone_from, until) {
            if let Some(last) = spans.last_mut().filter(|last| last.until.is_none()) {
                last.until = Some(from);
            }
            if let Ok(schedule) = parsed.clone().bind(set, &tags, Some(from)) {
                spans.push(RuleSpan { from, until: None, schedule, anchor, enabled });
            }
        }
    }
    None
}

/// Whether an occurrence is closed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Closed {
    #[default]
    Open,
    ByCalendar,
    ByFreeze,
}

/// Whether a rule fires at a time, jitter included.
pub(super) fn is_fire_time(span: &RuleSpan, task_id: &str, at: DateTime<Utc>) -> bool {
    last_rule_time(span, at).is_some_and(|rule_at| span.schedule.fire_time(rule_at, task_id, span.anchor) == at)
}

/// The last of a rule's times, without jitter, at or before a time; `None`: there is none within a year.
fn last_rule_time(span: &RuleSpan, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    const LOOK_BACK_SECONDS: [i64; 5] = [1, 60, 3_600, 86_400, 366 * 86_400];
    let last_before = |seconds: i64| {
        let first = span.schedule.next_at_or_after(at - TimeDelta::seconds(seconds), span.anchor);
        std::iter::successors(first, |rule_at| span.schedule.next_after(*rule_at, span.anchor))
            .take_while(|rule_at| *rule_at <= at)
            .last()
    };
    LOOK_BACK_SECONDS.into_iter().find_map(last_before)
}
