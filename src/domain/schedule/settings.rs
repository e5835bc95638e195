//! Schedule settings: the rules and the calendars of a task, as they are given and stored.

use serde_json::{Map, Value, json};

use crate::domain::text_enum::text_enum;
use crate::i18n::{Message, message};

/// The most rules of a task.
pub const MAX_RULES: usize = 20;
/// The most calendars of a task.
pub const MAX_CALENDARS: usize = 5;
/// The names of the settings among a task's fields, in order.
pub const FIELDS: [&str; 5] = ["triggers", "calendar", "calendar_rule", "on_closed", "nth_working_day"];

/// The schedule of a task besides its trigger; by default one rule and no calendar.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScheduleSettings {
    /// Empty: the task's trigger is its only rule. Otherwise the trigger is that of the first rule.
    pub rules: Vec<RuleSettings>,
    pub calendar: Option<CalendarUse>,
}

/// One of several rules.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleSettings {
    pub trigger: Value,
    pub name: Option<String>,
    pub enabled: bool,
    /// Parameters that replace those of the task in its runs.
    pub params: Map<String, Value>,
}

/// What calendars mean to a task. Without names it says only what happens in a freeze.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CalendarUse {
    pub names: Vec<String>,
    pub rule: CalendarRule,
    pub on_closed: OnClosed,
    /// Only on this working day of the month, 1 to 23 from its start, -1 to -23 from its end.
    pub nth_working_day: Option<i32>,
}

text_enum! {
    /// The days on which a task with calendars runs.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub enum CalendarRule {
        /// On working days.
        #[default]
        Only = "only",
        /// On the other days.
        Except = "except",
        /// On the last working day before a holiday.
        BeforeHoliday = "before_holiday",
        /// On the first working day after a holiday.
        AfterHoliday = "after_holiday",
    }
}

text_enum! {
    /// What becomes of an occurrence while a calendar is closed.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub enum OnClosed {
        /// It is recorded as skipped.
        #[default]
        Skip = "skip",
        /// It moves to the next working day, at the same time of day.
        NextWorkingDay = "next_working_day",
        /// It moves to the working day before, at the same time of day.
        PreviousWorkingDay = "previous_working_day",
        /// It runs once when the calendar opens.
        Hold = "hold",
    }
}

impl ScheduleSettings {
    /// Whether the trigger alone decides.
    pub fn is_simple(&self) -> bool {
        self.rules.is_empty() && self.calendar.is_none()
    }

    /// The settings that differ from the defaults, by the names of the task's fields.
    pub fn to_json(&self) -> Map<String, Value> {
        let mut map = Map::new();
        if !self.rules.is_empty() {
            map.insert("triggers".into(), self.rules.iter().map(RuleSettings::to_json).collect());
        }
        let Some(calendar) = &self.calendar else { return map };
        let names = &calendar.names;
        if !names.is_empty() {
            map.insert("calendar".into(), json!(names));
        }
        if calendar.rule != CalendarRule::default() {
            map.insert("calendar_rule".into(), calendar.rule.as_str().into());
        }
        if calendar.on_closed != OnClosed::default() {
            map.insert("on_closed".into(), calendar.on_closed.as_str().into());
        }
        if let Some(nth) = calendar.nth_working_day {
            map.insert("nth_working_day".into(), nth.into());
        }
        map
    }
}

impl RuleSettings {
    fn to_json(&self) -> Value {
        let mut map = Map::from_iter([("trigger".to_owned(), self.trigger.clone())]);
        if let Some(name) = &self.name {
            map.insert("name".into(), name.as_str().into());
        }
        if !self.enabled {
            map.insert("enabled".into(), false.into());
        }
        if !self.params.is_empty() {
            map.insert("params".into(), Value::Object(self.params.clone()));
        }
        Value::Object(map)
    }
}

impl CalendarUse {
    /// A combination that means nothing, with its field.
    pub(super) fn fault(&self) -> Option<(&'static str, Message)> {
        let moves = matches!(self.on_closed, OnClosed::NextWorkingDay | OnClosed::PreviousWorkingDay);
        let is_selective = self.nth_working_day.is_some() || self.rule != CalendarRule::Only;
        if self.names.is_empty() {
            // Without a calendar, what happens in a freeze is all that can be said.
            let needing = [
                ("calendar_rule", self.rule != CalendarRule::Only),
                ("nth_working_day", self.nth_working_day.is_some()),
                ("on_closed", moves),
            ];
            return needing
                .into_iter()
                .find(|(_, is_given)| *is_given)
                .map(|(name, _)| (name, message!("schedule.needs_calendar")));
        }
        if self.nth_working_day.is_some() && self.rule != CalendarRule::Only {
            return Some(("nth_working_day", message!("schedule.nth_with_rule", rule = self.rule.as_str())));
        }
        if is_selective && moves {
            return Some(("on_closed", message!("schedule.nothing_to_move", value = self.on_closed.as_str())));
        }
        (self.rule == CalendarRule::Except && self.on_closed == OnClosed::Hold)
            .then(|| ("on_closed", message!("schedule.nothing_to_move", value = self.on_closed.as_str())))
    }
}
