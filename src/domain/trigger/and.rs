//! Conditions: a trigger with `and` fires only at those of its times at which each condition also fires, in the same second, as an
//! `AndTrigger` of APScheduler.
//!
//! Cron rules of one time zone are searched as one rule with the fields of all, so that impossible combinations answer at once. Times
//! that a clock change moves to the end of a gap agree only if the rules agree on a local time inside the gap or at its end.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::{Bounds, Check, Cron, Kind, Trigger, input};
use crate::domain::fault::Fault;
use crate::domain::input::display_value;
use crate::i18n::{Message, message};

/// The key of the conditions.
pub(super) const KEY: &str = "and";
/// The most conditions of a trigger.
pub const MAX_CONDITIONS: usize = 3;
/// The most times at which the rules are compared in one search. Rules that agree more rarely never fire.
const MAX_LEAPS: usize = 2000;

/// A trigger with conditions.
#[derive(Debug, Clone, PartialEq)]
pub struct And {
    /// Decides the time to the millisecond, the time zone and the jitter.
    pub base: Box<Trigger>,
    /// 1 to 3, neither idle nor with conditions or jitter of their own.
    pub conditions: Vec<Trigger>,
    /// The base first, then what else must agree.
    parts: Vec<Part>,
}

/// What is searched together.
#[derive(Debug, Clone, PartialEq)]
enum Part {
    /// Cron rules of one time zone, and the rule with the fields of all.
    Joint {
        rules: Vec<Cron>,
        all: Cron,
    },
    Other(Trigger),
}

impl And {
    /// Parses a trigger whose object has conditions.
    pub(super) fn parse(object: &Map<String, Value>, given: &Value, zone: Tz) -> Result<Trigger, Vec<Fault>> {
        let mut base = object.clone();
        base.shift_remove(KEY);
        let base = Trigger::parse(&Value::Object(base), zone);
        // A condition without a zone has that of the trigger.
        let conditions = parse_conditions(given, base.as_ref().map_or(zone, Trigger::zone));
        let (base, conditions) = match (base, conditions) {
            (Ok(base), Ok(conditions)) => (base, conditions),
            (base, conditions) => {
                let mut faults = base.err().unwrap_or_default();
                faults.extend(conditions.err().unwrap_or_default());
                return Err(faults);
            }
        };
        if conditions.is_empty() {
            return Ok(base);
        }
        if base.kind() == Kind::Idle {
            return Err(vec![Fault::new(pointer(""), message!("trigger.and_idle").of(KEY))]);
        }
        let parts = to_parts(&base, &conditions);
        Ok(Trigger::And(And { base: Box::new(base), conditions, parts }))
    }

    pub(super) fn next(&self, after: DateTime<Utc>, anchor: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let (base, others) = self.parts.split_first()?;
        let mut at = base.next(after, anchor)?;
        for _ in 0..MAX_LEAPS {
            let second = start_of_second(at);
            let mut latest = second;
            for part in others {
                latest = latest.max(start_of_second(part.next(latest, anchor)?));
            }
            if latest == second {
                return Some(at);
            }
            at = base.next(latest, anchor)?;
        }
        None
    }

    pub(super) fn text(&self) -> String {
        let texts: Vec<String> = self.all().map(Trigger::text).collect();
        texts.join(" & ")
    }

    /// The base and the conditions.
    pub(super) fn all(&self) -> impl Iterator<Item = &Trigger> {
        std::iter::once(&*self.base).chain(&self.conditions)
    }

    pub(super) fn explain(&self, at: DateTime<Utc>, anchor: DateTime<Utc>) -> Vec<Check> {
        let mut checks = self.base.explain(at, anchor);
        for condition in &self.conditions {
            let holds = agrees(condition, at, anchor);
            checks.push(Check::new(KEY, holds, message!("why.condition", rule = condition.text())));
            if !holds {
                checks.extend(condition.explain(at, anchor).into_iter().filter(|check| !check.holds));
            }
        }
        checks
    }
}

impl Part {
    fn new(trigger: &Trigger) -> Part {
        match trigger {
            Trigger::Cron(cron) => Part::Joint { rules: vec![cron.clone()], all: cron.clone() },
            other => Part::Other(other.clone()),
        }
    }

    /// Adds a cron rule of the same time zone; `false`: the part is of another.
    fn join(&mut self, trigger: &Trigger) -> bool {
        let (Part::Joint { rules, all }, Trigger::Cron(cron)) = (self, trigger) else { return false };
        if all.zone != cron.zone {
            return false;
        }
        all.rule = all.rule.intersection(&cron.rule);
        all.bounds = Bounds {
            start: all.bounds.start.max(cron.bounds.start),
            end: [all.bounds.end, cron.bounds.end].into_iter().flatten().min(),
        };
        rules.push(cron.clone());
        true
    }

    fn next(&self, after: DateTime<Utc>, anchor: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let (rules, all) = match self {
            Part::Other(trigger) => return trigger.next_at_or_after(after, anchor),
            Part::Joint { rules, all } => (rules, all),
        };
        let mut at = all.next(after)?;
        // At the end of a gap, one of the rules may not fire.
        for _ in 0..MAX_LEAPS {
            if rules.len() == 1 || rules.iter().all(|rule| rule.next(at) == Some(at)) {
                return Some(at);
            }
            at = all.next(at.checked_add_signed(TimeDelta::seconds(1))?)?;
        }
        None
    }
}

fn to_parts(base: &Trigger, conditions: &[Trigger]) -> Vec<Part> {
    let mut parts = vec![Part::new(base)];
    for condition in conditions {
        if !parts.iter_mut().any(|part| part.join(condition)) {
            parts.push(Part::new(condition));
        }
    }
    parts
}

fn parse_conditions(given: &Value, zone: Tz) -> Result<Vec<Trigger>, Vec<Fault>> {
    let refuse = |message: Message| Err(vec![Fault::new(pointer(""), message.of(KEY))]);
    let Value::Array(items) = given else { return refuse(message!("value.not_list", value = display_value(given))) };
    if items.len() > MAX_CONDITIONS {
        return refuse(message!("value.too_many", count = items.len(), max = MAX_CONDITIONS));
    }
    let (mut conditions, mut faults) = (Vec::new(), Vec::new());
    for (place, item) in items.iter().enumerate() {
        let below = |pointer: &str| format!("{}/{KEY}/{place}{}", input::BASE, pointer.trim_start_matches(input::BASE));
        match Trigger::parse_without_conditions(item, zone) {
            Err(found) => faults.extend(found.into_iter().map(|fault| Fault { pointer: below(&fault.pointer), ..fault })),
            Ok(condition) if condition.kind() == Kind::Idle => {
                faults.push(Fault::new(below("/type"), message!("trigger.condition_idle").of(KEY)));
            }
            Ok(condition) if condition.jitter() > 0 => {
                faults.push(Fault::new(below("/jitter"), message!("trigger.condition_jitter").of(KEY)));
            }
            Ok(condition) => conditions.push(condition),
        }
    }
    if faults.is_empty() { Ok(conditions) } else { Err(faults) }
}

fn pointer(below: &str) -> String {
    format!("{}/{KEY}{below}", input::BASE)
}

/// Whether a condition fires in the second of a time.
fn agrees(condition: &Trigger, at: DateTime<Utc>, anchor: DateTime<Utc>) -> bool {
    let second = start_of_second(at);
    condition.next_at_or_after(second, anchor).is_some_and(|next| start_of_second(next) == second)
}

fn start_of_second(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(at.timestamp(), 0).unwrap_or(at)
}
