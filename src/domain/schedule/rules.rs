//! The parsed rules of a task, before they are bound to the calendars in force.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::Schedule;
use super::settings::{CalendarUse, ScheduleSettings};
use crate::domain::calendar::CalendarSet;
use crate::domain::fault::Fault;
use crate::domain::trigger::{Kind, Trigger};

/// One rule of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub trigger: Trigger,
    pub name: Option<String>,
    pub enabled: bool,
    /// Parameters that replace those of the task in its runs.
    pub params: Map<String, Value>,
}

/// The rules of a task. [`ScheduleRules::bind`] makes a [`Schedule`] of them, which knows the occurrences.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleRules {
    first: Rule,
    others: Vec<Rule>,
    calendar: Option<CalendarUse>,
}

impl Rule {
    /// An enabled rule with nothing of its own.
    pub fn from_trigger(trigger: Trigger) -> Rule {
        Rule { trigger, name: None, enabled: true, params: Map::new() }
    }
}

impl ScheduleRules {
    /// `None` without any rule.
    pub(super) fn new(rules: Vec<Rule>, calendar: Option<CalendarUse>) -> Option<ScheduleRules> {
        let mut rules = rules.into_iter();
        rules.next().map(|first| ScheduleRules { first, others: rules.collect(), calendar })
    }

    /// A single rule without calendars.
    pub fn from_trigger(trigger: Trigger) -> ScheduleRules {
        ScheduleRules { first: Rule::from_trigger(trigger), others: Vec::new(), calendar: None }
    }

    /// Parses a task's trigger, or the triggers of its rules. `zone` is the default for a trigger without a zone.
    ///
    /// # Errors
    /// The faults of invalid triggers.
    pub fn parse(trigger: &Value, settings: &ScheduleSettings, zone: Tz) -> Result<ScheduleRules, Vec<Fault>> {
        let calendar = settings.calendar.clone();
        let Some((first, others)) = settings.rules.split_first() else {
            let first = Rule::from_trigger(Trigger::parse(trigger, zone)?);
            return Ok(ScheduleRules { first, others: Vec::new(), calendar });
        };
        let parse = |rule: &super::RuleSettings| {
            let trigger = Trigger::parse(&rule.trigger, zone)?;
            Ok(Rule { trigger, name: rule.name.clone(), enabled: rule.enabled, params: rule.params.clone() })
        };
        let first = parse(first)?;
        let others = others.iter().map(parse).collect::<Result<_, Vec<Fault>>>()?;
        Ok(ScheduleRules { first, others, calendar })
    }

    /// The first rule's trigger.
    pub const fn first(&self) -> &Trigger {
        &self.first.trigger
    }

    pub(super) const fn first_rule(&self) -> &Rule {
        &self.first
    }

    /// Every rule, disabled ones included, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Whether there are several rules, or one with a name or parameters of its own.
    pub fn is_single(&self) -> bool {
        let first = &self.first;
        self.others.is_empty() && first.enabled && first.name.is_none() && first.params.is_empty()
    }

    pub const fn calendar(&self) -> Option<&CalendarUse> {
        self.calendar.as_ref()
    }

    /// The names of the calendars.
    pub fn calendar_names(&self) -> &[String] {
        self.calendar.as_ref().map_or(&[], |used| &used.names)
    }

    /// The kind of the first rule. Only a single rule is an idle one.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.first.trigger.kind()
    }

    /// The time zone in which the task's times are shown: that of the first rule.
    #[must_use]
    pub const fn zone(&self) -> Tz {
        self.first.trigger.zone()
    }

    /// One line, independent of language: the texts of the enabled rules.
    #[must_use]
    pub fn text(&self) -> String {
        if self.is_single() {
            return self.first.trigger.text();
        }
        let texts: Vec<String> = self.iter().filter(|rule| rule.enabled).map(|rule| rule.trigger.text()).collect();
        texts.join("; ")
    }

    /// The schedule under the calendars in force; `tags` are the task's, for freezes. Freezes that ended before `since` do not matter; what they
    /// held is due at their end.
    ///
    /// # Errors
    /// The name of a calendar that does not exist.
    pub fn bind(self, calendars: &CalendarSet, tags: &[String], since: Option<DateTime<Utc>>) -> Result<Schedule, String> {
        Schedule::new(self, calendars, tags, since)
    }
}
