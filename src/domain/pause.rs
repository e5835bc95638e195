//! Pauses: since when and until when the trigger of a task does not fire, who paused it, and why.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::fault::Fault;
use super::input::Fields;
use super::trigger::parse_timestamp;
use crate::i18n::message;

/// The longest reason, in characters.
pub const MAX_REASON: usize = 500;
/// How far ahead a pause may end.
const MAX_LENGTH: TimeDelta = TimeDelta::days(3660);
/// The most characters of a time.
const MAX_TIME: usize = 64;

/// A pause of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    pub since: DateTime<Utc>,
    /// When the task resumes by itself; `None`: when somebody resumes it.
    pub until: Option<DateTime<Utc>>,
    /// Empty: none was given.
    pub reason: String,
    /// The account that paused the task.
    pub by: String,
    /// The rule's time of the first occurrence that is not on record; `None`: the rule has no further one.
    pub rule_at: Option<DateTime<Utc>>,
    /// The same with jitter.
    pub run_at: Option<DateTime<Utc>>,
    /// When the scheduler has to record occurrences or to end the pause; `None`: never.
    pub event_at: Option<DateTime<Utc>>,
}

impl Pause {
    /// A pause from `since` on, without an end, whose occurrences are not looked for yet.
    pub fn new(since: DateTime<Utc>, by: &str) -> Self {
        Self { since, until: None, reason: String::new(), by: by.to_owned(), rule_at: None, run_at: None, event_at: None }
    }

    /// The pause with its first occurrence that is not on record.
    #[must_use]
    pub fn with_next(self, rule_at: Option<DateTime<Utc>>, run_at: Option<DateTime<Utc>>) -> Self {
        let event_at = run_at.into_iter().chain(self.until).min();
        Self { rule_at, run_at, event_at, ..self }
    }

    /// From when on its occurrences are not decided; `None`: none will be.
    #[must_use]
    pub fn undecided_from(&self) -> Option<DateTime<Utc>> {
        self.run_at.into_iter().chain(self.until).min()
    }

    /// Whether a time lies before the end.
    #[must_use]
    pub fn lasts_at(&self, at: DateTime<Utc>) -> bool {
        self.until.is_none_or(|until| at < until)
    }
}

/// What a request to pause a task asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PauseRequest {
    /// The end as given; a time without an offset is read in the task's zone.
    pub until: Option<String>,
    pub reason: String,
}

impl PauseRequest {
    /// Reads the body of a request; null is an empty one.
    ///
    /// # Errors
    /// Every fault, with pointers into `value`.
    pub fn parse(value: &Value) -> Result<Self, Vec<Fault>> {
        let empty = Value::Object(serde_json::Map::new());
        let mut f = Fields::new(if value.is_null() { &empty } else { value }, "");
        let request = Self::read(&mut f);
        f.finish(request)
    }

    /// Reads the fields `until` and `reason` of a larger body.
    pub fn read(f: &mut Fields) -> Self {
        let until = Some(f.text("until", MAX_TIME, "")).filter(|text| !text.is_empty());
        Self { until, reason: f.text("reason", MAX_REASON, "").trim().to_owned() }
    }

    /// Whether nothing but a pause is asked for.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.until.is_none() && self.reason.is_empty()
    }

    /// Checks the end before it is read in the zone of each task.
    ///
    /// # Errors
    /// A time that cannot be read, has passed in every zone, or is more than ten years ahead.
    pub fn check(&self, now: DateTime<Utc>) -> Result<(), Fault> {
        self.end(Tz::UTC, now - TimeDelta::days(1)).map(drop)
    }

    /// The end of the pause. `zone` is the task's.
    ///
    /// # Errors
    /// A time that cannot be read, has passed, or is more than ten years ahead.
    pub fn end(&self, zone: Tz, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Fault> {
        let Some(text) = &self.until else { return Ok(None) };
        let fault = |message: crate::i18n::Message| Fault::new("/until", message.of("until"));
        let until = parse_timestamp(text, zone).map_err(fault)?;
        match until {
            until if until <= now => Err(fault(message!("value.not_in_future"))),
            until if until - now > MAX_LENGTH => Err(fault(message!("pause.too_long", days = MAX_LENGTH.num_days()))),
            until => Ok(Some(until)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn end_is_read_in_the_zone_of_the_task_and_bounded() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap(); // 2027-01-15 08:00 UTC
        let end = |until: &str| {
            let request = PauseRequest::parse(&json!({"until": until, "reason": " holidays "})).unwrap();
            assert_eq!(request.reason, "holidays");
            request.end(Tz::Asia__Shanghai, now).map(|end| end.unwrap().to_rfc3339()).map_err(|fault| fault.pointer)
        };
        assert_eq!(end("2027-01-16 08:00").unwrap(), "2027-01-16T00:00:00+00:00");
        assert_eq!(end("2027-01-16T08:00:00Z").unwrap(), "2027-01-16T08:00:00+00:00");
        for refused in ["2027-01-15T08:00:00Z", "2026-01-01", "2040-01-01", "tomorrow"] {
            assert_eq!(end(refused), Err("/until".to_owned()), "{refused}");
        }
    }

    #[test]
    fn request_reads_nothing_as_a_plain_pause() {
        for plain in [json!(null), json!({}), json!({"until": "", "reason": "  "})] {
            assert!(PauseRequest::parse(&plain).unwrap().is_plain(), "{plain}");
        }
        let long = "x".repeat(MAX_REASON + 1);
        for refused in [json!({"until": 5}), json!({"until": null}), json!({"reason": long}), json!({"for": "1h"}), json!([])] {
            assert!(PauseRequest::parse(&refused).is_err(), "{refused}");
        }
    }
}
