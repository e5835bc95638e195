//! Explanations: why a trigger fires at a time, or why it does not.

use chrono::{DateTime, Utc};

use super::datetime::wall_text;
use super::{Bounds, Trigger, text};
use crate::i18n::{Message, message};

/// One condition of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name in answers.
    pub what: &'static str,
    /// Whether it speaks for a run.
    pub holds: bool,
    pub detail: Message,
}

impl Check {
    pub const fn new(what: &'static str, holds: bool, detail: Message) -> Self {
        Self { what, holds, detail }
    }
}

impl Trigger {
    /// Compares the parts of the trigger with a time, jitter left out.
    #[must_use]
    pub fn explain(&self, at: DateTime<Utc>, anchor: DateTime<Utc>) -> Vec<Check> {
        let zone = self.zone();
        let mut checks = match self {
            Self::Date(date) => {
                let detail = message!("why.run_date", time = wall_text(date.run_date, zone), zone = zone.name());
                vec![Check::new("run_date", date.run_date == at, detail)]
            }
            Self::Interval(interval) => {
                let on_grid = interval.next(at, anchor) == Some(at) || interval.bounds.end.is_some_and(|end| end < at);
                let start = interval.bounds.start.map_or(anchor, |start| start);
                let every = text::duration(interval.seconds);
                let detail = message!("why.interval", every, start = wall_text(start, zone), zone = zone.name());
                vec![Check::new("interval", on_grid, detail)]
            }
            Self::Cron(cron) => cron.explain(at),
            Self::Idle(_) => vec![Check::new("idle", false, message!("why.idle"))],
            Self::And(and) => return and.explain(at, anchor),
        };
        let Bounds { start, end } = self.bounds();
        let bound = |what, holds, at: DateTime<Utc>| Check::new(what, holds, message!("why.bound", time = wall_text(at, zone)));
        checks.extend(start.map(|start| bound("start_date", start <= at, start)));
        checks.extend(end.map(|end| bound("end_date", at <= end, end)));
        checks
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;
    use serde_json::json;

    use super::*;

    fn failed(trigger: serde_json::Value, at: &str) -> Vec<&'static str> {
        let trigger = Trigger::parse(&trigger, Tz::Asia__Shanghai).unwrap();
        let at: DateTime<Utc> = at.parse().unwrap();
        let anchor = "2026-01-01T00:00:00Z".parse().unwrap();
        let checks = trigger.explain(at, anchor);
        let fires = trigger.next_at_or_after(at, anchor) == Some(at);
        let failed: Vec<_> = checks.iter().filter(|check| !check.holds).map(|check| check.what).collect();
        assert!(!fires || failed.is_empty() || checks.iter().any(|check| check.what == "clock_change"), "{checks:?}");
        failed
    }

    #[test]
    fn each_field_of_a_cron_rule_is_compared() {
        let weekdays = json!({"type": "cron", "expression": "30 8 * 11 mon-fri"});
        assert_eq!(failed(weekdays.clone(), "2026-11-27T08:30:00+08:00"), [""; 0]);
        assert_eq!(failed(weekdays.clone(), "2026-11-28T08:30:00+08:00"), ["day"]);
        assert_eq!(failed(weekdays.clone(), "2026-12-01T09:31:01+08:00"), ["month", "hour", "minute", "second"]);
        let week = json!({"type": "cron", "week": 1, "year": 2025, "hour": 8});
        assert_eq!(failed(week, "2026-06-01T08:00:00+08:00"), ["year", "week"]);
        let bounded = json!({"type": "cron", "hour": 8, "start_date": "2026-11-01", "end_date": "2026-11-10"});
        assert_eq!(failed(bounded.clone(), "2026-10-31T08:00:00+08:00"), ["start_date"]);
        assert_eq!(failed(bounded, "2026-11-11T08:00:00+08:00"), ["end_date"]);
    }

    #[test]
    fn other_triggers_are_explained() {
        let interval = json!({"type": "interval", "hours": 1});
        assert_eq!(failed(interval.clone(), "2026-01-01T05:00:00Z"), [""; 0]);
        assert_eq!(failed(interval, "2026-01-01T05:00:01Z"), ["interval"]);
        let date = json!({"type": "date", "run_date": "2026-12-10 08:00:00"});
        assert_eq!(failed(date.clone(), "2026-12-10T08:00:00+08:00"), [""; 0]);
        assert_eq!(failed(date, "2026-12-10T09:00:00+08:00"), ["run_date"]);
        assert_eq!(failed(json!({"type": "idle"}), "2026-12-10T09:00:00+08:00"), ["idle"]);
    }

    #[test]
    fn clock_changes_are_named() {
        let in_new_york =
            |minute: u32| json!({"type": "cron", "expression": format!("{minute} 1 * * *"), "timezone": "America/New_York"});
        assert_eq!(failed(in_new_york(30), "2025-11-02T01:30:00-04:00"), [""; 0]);
        assert_eq!(failed(in_new_york(30), "2025-11-02T01:30:00-05:00"), ["clock_change"]);
        let skipped = json!({"type": "cron", "expression": "30 2 * * *", "timezone": "America/New_York"});
        assert_eq!(failed(skipped, "2025-03-09T03:00:00-04:00"), ["hour", "minute"], "fires at the end of the gap");
    }
}
