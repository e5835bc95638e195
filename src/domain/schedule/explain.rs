//! Why a schedule has an occurrence at a time, or has none.

use chrono::{DateTime, Utc};

use super::{Note, Schedule};
use crate::domain::trigger::Check;
use crate::i18n::message;

impl Schedule {
    /// Compares the parts of a rule, and the calendars, with a scheduled time: of several rules those of the one that has an
    /// occurrence then, else of the first that is enabled.
    #[must_use]
    pub fn explain(&self, at: DateTime<Utc>, anchor: DateTime<Utc>) -> Vec<Check> {
        if self.is_simple() {
            return self.rules().first().explain(at, anchor);
        }
        if self.next_at_or_after(at, anchor) != Some(at) {
            let rule = self.rules().iter().find(|rule| rule.enabled);
            let Some(rule) = rule else { return vec![Check::new("rule", false, message!("schedule.no_rule"))] };
            let mut checks = rule.trigger.explain(at, anchor);
            if let Note::Closed(closing) = self.unplanned(at).note {
                checks.push(Check::new("calendar", false, closing.message()));
            }
            return checks;
        }
        let one = self.planned(at, at, anchor);
        let mut checks = one.rule.trigger.explain(one.original, anchor);
        let original = one.original.with_timezone(&self.zone()).format("%Y-%m-%d %H:%M:%S").to_string();
        match &one.note {
            Note::Closed(closing) => checks.push(Check::new("calendar", false, closing.message())),
            Note::Moved => checks.push(Check::new("calendar", true, message!("why.moved", original))),
            Note::Held => checks.push(Check::new("calendar", true, message!("why.held", original))),
            Note::Regular if self.calendar.is_some() => checks.push(Check::new("calendar", true, message!("why.open"))),
            Note::Regular => {}
        }
        checks
    }
}
