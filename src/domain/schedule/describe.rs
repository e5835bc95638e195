//! Descriptions of schedules: their rules in words, with what the calendars mean to them.

use super::rules::{Rule, ScheduleRules};
use super::settings::{CalendarRule, CalendarUse, OnClosed};
use crate::domain::calendar::CN;
use crate::domain::trigger::Trigger;
use crate::i18n::{Language, Message, message};

impl ScheduleRules {
    /// Returns one sentence.
    #[must_use]
    pub fn describe(&self, language: Language) -> String {
        let one = |rule: &Rule| {
            let text = under_calendar(&rule.trigger, self.calendar(), language);
            match &rule.name {
                Some(name) => message!("schedule.named", name, text).text(language),
                None => text,
            }
        };
        let texts: Vec<String> = self.iter().filter(|rule| rule.enabled).map(one).collect();
        match texts.is_empty() {
            true => message!("schedule.no_rule").text(language),
            false => texts.join(if language == Language::Chinese { "；" } else { "; " }),
        }
    }
}

fn under_calendar(trigger: &Trigger, used: Option<&CalendarUse>, language: Language) -> String {
    let text = trigger.describe(language);
    let Some(used) = used else { return text };
    let days = days(used);
    let moves = matches!(used.on_closed, OnClosed::NextWorkingDay | OnClosed::PreviousWorkingDay);
    let main = match days {
        None => text,
        Some(_) if moves => text,
        Some(days) => match daily_time(&text, language) {
            Some(time) => capitalized(&message!("schedule.days_at", days, time).text(language)),
            None => message!("schedule.only_on", text, days).text(language),
        },
    };
    let closed = match used.on_closed {
        OnClosed::Skip => None,
        OnClosed::NextWorkingDay => Some(message!("schedule.moves_on")),
        OnClosed::PreviousWorkingDay => Some(message!("schedule.moves_back")),
        OnClosed::Hold => Some(message!("schedule.holds")),
    };
    let closed = closed.map(|closed| closed.text(language)).unwrap_or_default();
    let calendars = match &used.names[..] {
        [] => None,
        [name] if name == CN && used.rule == CalendarRule::Only && !moves => Some(message!("schedule.with_make_up_days")),
        [name] if name == CN => None,
        names => Some(message!("schedule.by_calendars", calendars = names.join(", "))),
    };
    let calendars = calendars.map(|calendars| calendars.text(language)).unwrap_or_default();
    format!("{main}{closed}{calendars}")
}

/// The time in the description of a rule that fires every day.
fn daily_time(text: &str, language: Language) -> Option<&str> {
    match language {
        Language::English => text.strip_prefix("Every day at "),
        Language::Chinese => text.strip_prefix("每天 "),
    }
}

/// The days on which the task runs; `None`: no calendar is named.
fn days(used: &CalendarUse) -> Option<Message> {
    if used.names.is_empty() {
        return None;
    }
    Some(match (used.nth_working_day, used.rule) {
        (Some(1), _) => message!("schedule.first_working_day"),
        (Some(-1), _) => message!("schedule.last_working_day"),
        (Some(nth), _) if nth > 0 => message!("schedule.nth_working_day", nth),
        (Some(nth), _) => message!("schedule.nth_last_working_day", nth = -nth),
        (None, CalendarRule::Only) => message!("schedule.working_days"),
        (None, CalendarRule::Except) => message!("schedule.other_days"),
        (None, CalendarRule::BeforeHoliday) => message!("schedule.before_holiday"),
        (None, CalendarRule::AfterHoliday) => message!("schedule.after_holiday"),
    })
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
