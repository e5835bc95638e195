//! The times of digests: every day, or every week on one day, at a time of the day.

use chrono::{DateTime, NaiveTime, Timelike, Utc, Weekday};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::super::fault::Fault;
use super::super::input::Fields;
use super::super::trigger::{Trigger, parse_zone};
use super::quiet_hours::{parse_time, short};
use crate::i18n::message;

/// When a digest is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestTime {
    /// `None`: every day.
    pub weekday: Option<Weekday>,
    pub at: NaiveTime,
    /// `None`: the server's time zone.
    pub zone: Option<Tz>,
}

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Mon),
    ("tue", Weekday::Tue),
    ("wed", Weekday::Wed),
    ("thu", Weekday::Thu),
    ("fri", Weekday::Fri),
    ("sat", Weekday::Sat),
    ("sun", Weekday::Sun),
];

impl DigestTime {
    /// Reads `{"every": "day", "at": "08:00"}` or `{"every": "week", "weekday": "mon", "at": "08:00"}`, with `timezone`.
    ///
    /// # Errors
    /// Every fault, with pointers below `base`.
    pub fn parse(value: &Value, base: &str) -> Result<DigestTime, Vec<Fault>> {
        let mut f = Fields::new(value, base);
        let weekly = f.choice("every", &[("day", false), ("week", true)], false);
        let weekday = f.choice("weekday", &WEEKDAYS.map(|(name, day)| (name, Some(day))), None);
        if weekday.is_some() && !weekly {
            f.fault("weekday", message!("notify_rule.weekday_of_daily_digest"));
        }
        let text = f.text("at", 5, "08:00");
        let at = parse_time(&text).map_err(|message| f.fault("at", message)).unwrap_or_default();
        let zone = match f.text("timezone", 64, "") {
            name if name.is_empty() => None,
            name => parse_zone(&name).map_err(|message| f.fault("timezone", message)).ok(),
        };
        f.finish(DigestTime { weekday: weekly.then_some(weekday.unwrap_or(Weekday::Mon)), at, zone })
    }

    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut fields = match self.weekday {
            None => json!({"every": "day", "at": short(self.at)}),
            Some(day) => json!({"every": "week", "weekday": weekday_name(day), "at": short(self.at)}),
        };
        if let Some(zone) = self.zone {
            fields["timezone"] = zone.name().into();
        }
        fields
    }

    /// The first time after `after`. `zone` is the server's.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let zone = self.zone.unwrap_or(zone);
        let mut rule = json!({"type": "cron", "hour": self.at.hour(), "minute": self.at.minute(), "second": 0});
        if let Some(day) = self.weekday {
            rule["day_of_week"] = weekday_name(day).into();
        }
        Trigger::parse(&rule, zone).ok()?.next_after(after, after)
    }

    /// The start of the span that a digest at `at` tells of.
    #[must_use]
    pub fn span_start(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        at - chrono::Duration::days(if self.weekday.is_some() { 7 } else { 1 })
    }
}

/// `mon` to `sun`.
#[must_use]
pub fn weekday_name(day: Weekday) -> &'static str {
    WEEKDAYS[day.num_days_from_monday() as usize].0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(value: Value, after: &str) -> String {
        let after = DateTime::parse_from_rfc3339(after).unwrap().with_timezone(&Utc);
        DigestTime::parse(&value, "").unwrap().next_after(after, Tz::Asia__Shanghai).unwrap().to_rfc3339()
    }

    #[test]
    fn digests_are_due_at_a_time_of_the_day_or_week() {
        let daily = json!({"every": "day", "at": "08:30"});
        assert_eq!(next(daily.clone(), "2026-11-29T08:29:00+08:00"), "2026-11-29T00:30:00+00:00");
        assert_eq!(next(daily, "2026-11-29T08:30:00+08:00"), "2026-11-30T00:30:00+00:00");
        let weekly = json!({"every": "week", "weekday": "fri", "at": "17:00", "timezone": "Europe/Berlin"});
        assert_eq!(next(weekly, "2026-11-29T00:00:00Z"), "2026-12-04T16:00:00+00:00");
    }

    #[test]
    fn parse_reports_every_fault() {
        let faults = DigestTime::parse(&json!({"every": "day", "weekday": "mon", "at": "8", "timezone": "x"}), "/d").unwrap_err();
        let found: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(found, ["/d/weekday", "/d/at", "/d/timezone"]);
        for value in
            [json!({"every": "day", "at": "07:05"}), json!({"every": "week", "weekday": "sun", "at": "23:59", "timezone": "UTC"})]
        {
            assert_eq!(DigestTime::parse(&value, "").unwrap().to_json(), value);
        }
    }
}
