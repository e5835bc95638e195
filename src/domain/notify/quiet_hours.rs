//! Quiet hours: a time of the day in which only urgent messages are sent.

use chrono::{DateTime, NaiveTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::super::fault::Fault;
use super::super::input::{Fields, quoted};
use super::super::trigger::parse_zone;
use crate::i18n::{Message, message};

/// From and to a time of the day, also over midnight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuietHours {
    pub from: NaiveTime,
    /// Exclusive; differs from `from`.
    pub to: NaiveTime,
    /// `None`: the server's time zone.
    pub zone: Option<Tz>,
}

impl QuietHours {
    /// Reads `{"from": "22:00", "to": "07:00", "timezone": "Asia/Shanghai"}`.
    ///
    /// # Errors
    /// Every fault, with pointers below `base`.
    pub fn parse(value: &Value, base: &str) -> Result<QuietHours, Vec<Fault>> {
        let mut f = Fields::new(value, base);
        let [from, to] = ["from", "to"].map(|name| {
            let text = f.text(name, 5, "");
            let time = parse_time(&text);
            time.map_err(|message| f.fault(name, message)).unwrap_or_default()
        });
        let zone = match f.text("timezone", 64, "") {
            name if name.is_empty() => None,
            name => parse_zone(&name).map_err(|message| f.fault("timezone", message)).ok(),
        };
        if from == to && value.get("from").is_some() && value.get("from") == value.get("to") {
            f.fault("to", message!("notify_rule.quiet_hours_empty"));
        }
        f.finish(QuietHours { from, to, zone })
    }

    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut fields = json!({"from": short(self.from), "to": short(self.to)});
        if let Some(zone) = self.zone {
            fields["timezone"] = zone.name().into();
        }
        fields
    }

    /// The end of the quiet hours that hold at `now`; `None` if none hold. `zone` is the server's.
    #[must_use]
    pub fn end(&self, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let zone = self.zone.unwrap_or(zone);
        if !self.is_quiet(now, zone) {
            return None;
        }
        // Minute by minute, so that clocks that go forward or back cannot deceive: quiet hours last two days at most.
        let minute = now.timestamp().div_euclid(60);
        let end = (1..=2 * 24 * 60).map(|ahead| DateTime::from_timestamp((minute + ahead) * 60, 0));
        end.flatten().find(|at| !self.is_quiet(*at, zone))
    }

    fn is_quiet(&self, at: DateTime<Utc>, zone: Tz) -> bool {
        let time = at.with_timezone(&zone).time();
        match self.from < self.to {
            true => self.from <= time && time < self.to,
            false => self.from <= time || time < self.to,
        }
    }
}

/// Reads `HH:MM`.
///
/// # Errors
/// Says that it is no time of the day.
pub fn parse_time(text: &str) -> Result<NaiveTime, Message> {
    let parsed = NaiveTime::parse_from_str(text, "%H:%M").ok().filter(|_| text.len() == 5);
    parsed.ok_or_else(|| message!("notify_rule.not_a_time_of_day", value = quoted(text, 20)))
}

/// `HH:MM`.
#[must_use]
pub fn short(time: NaiveTime) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

/// A time as the later of two.
#[must_use]
pub fn not_before(now: DateTime<Utc>, quiet_until: Option<DateTime<Utc>>) -> DateTime<Utc> {
    quiet_until.filter(|until| *until - now > TimeDelta::zero()).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hours(from: &str, to: &str, zone: &str) -> QuietHours {
        QuietHours::parse(&json!({"from": from, "to": to, "timezone": zone}), "").unwrap()
    }

    fn end(hours: &QuietHours, now: &str) -> Option<String> {
        let now = DateTime::parse_from_rfc3339(now).unwrap().with_timezone(&Utc);
        hours.end(now, Tz::UTC).map(|at| at.to_rfc3339())
    }

    #[test]
    fn quiet_hours_end_the_next_morning() {
        let night = hours("22:00", "07:00", "Asia/Shanghai");
        assert_eq!(end(&night, "2026-11-29T22:00:00+08:00").as_deref(), Some("2026-11-29T23:00:00+00:00"));
        assert_eq!(end(&night, "2026-11-29T06:59:59+08:00").as_deref(), Some("2026-11-28T23:00:00+00:00"));
        assert_eq!((end(&night, "2026-11-29T07:00:00+08:00"), end(&night, "2026-11-29T21:59:59+08:00")), (None, None));
        let noon = hours("12:00", "13:30", "UTC");
        assert_eq!(end(&noon, "2026-11-29T12:00:30Z").as_deref(), Some("2026-11-29T13:30:00+00:00"));
    }

    #[test]
    fn quiet_hours_follow_the_clock_when_it_changes() {
        // Clocks go forward from 02:00 to 03:00 on 2026-03-29: an end within the gap comes at 03:00.
        let spring = hours("23:00", "02:30", "Europe/Berlin");
        assert_eq!(end(&spring, "2026-03-29T01:59:00+01:00").as_deref(), Some("2026-03-29T01:00:00+00:00"));
        // Clocks go back from 03:00 to 02:00 on 2026-10-25: the first 02:30 ends them.
        assert_eq!(end(&spring, "2026-10-25T01:00:00+02:00").as_deref(), Some("2026-10-25T00:30:00+00:00"));
    }

    #[test]
    fn parse_reports_every_fault() {
        let faults = QuietHours::parse(&json!({"from": "7:00", "to": "25:00", "timezone": "Mars", "days": 1}), "/q").unwrap_err();
        let found: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(found, ["/q/from", "/q/to", "/q/timezone", "/q/days"]);
        let same = QuietHours::parse(&json!({"from": "07:00", "to": "07:00"}), "/q").unwrap_err();
        assert_eq!(same[0].pointer, "/q/to");
        let hours = hours("22:00", "06:00", "Asia/Tokyo");
        assert_eq!(QuietHours::parse(&hours.to_json(), ""), Ok(hours));
    }

    proptest! {
        #[test]
        fn the_end_is_the_first_minute_that_is_not_quiet(
            from in 0u32..1440, length in 1u32..1440, at in 1_767_225_600i64..1_798_761_600, zone in 0usize..4
        ) {
            let zone = [Tz::UTC, Tz::Europe__Berlin, Tz::America__New_York, Tz::Australia__Lord_Howe][zone];
            let time = |minutes: u32| NaiveTime::from_hms_opt(minutes / 60 % 24, minutes % 60, 0).unwrap();
            let hours = QuietHours { from: time(from), to: time((from + length) % 1440), zone: Some(zone) };
            let now = DateTime::from_timestamp(at, 0).unwrap();
            match hours.end(now, Tz::UTC) {
                None => prop_assert!(!hours.is_quiet(now, zone)),
                Some(end) => {
                    prop_assert!(hours.is_quiet(now, zone) && end > now && !hours.is_quiet(end, zone));
                    prop_assert!(hours.is_quiet(end - TimeDelta::seconds(1), zone));
                }
            }
        }
    }
}
