//! Interval triggers: fire on a fixed grid of elapsed time.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::Bounds;
use super::datetime::{LAST_MILLIS, ceil_millis, truncate_to_millis};
use super::input::Reader;
use crate::domain::fault::Fault;
use crate::i18n::message;

const KEYS: [&str; 9] = ["weeks", "days", "hours", "minutes", "seconds", "start_date", "end_date", "timezone", "jitter"];
/// The keys that add up to the interval, with their length in seconds.
const UNITS: [(&str, u64); 5] = [("weeks", 604_800), ("days", 86_400), ("hours", 3600), ("minutes", 60), ("seconds", 1)];
/// 36600 days.
const MAX_SECONDS: u64 = 36_600 * 86_400;

/// Fires at start + k × interval, in elapsed time; the grid never shifts.
#[derive(Debug, Clone, PartialEq)]
pub struct Interval {
    /// 1 second to 36600 days.
    pub seconds: u64,
    pub bounds: Bounds,
    /// Seconds.
    pub jitter: u64,
    pub zone: Tz,
}

impl Interval {
    pub(crate) fn parse(object: &Map<String, Value>, zone: Tz) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(object, &KEYS);
        let zone = reader.zone(zone);
        let seconds = total_seconds(&mut reader);
        let (bounds, jitter) = (reader.bounds(zone), reader.jitter());
        reader.finish(seconds.map(|seconds| Self { seconds, bounds, jitter, zone }))
    }

    /// The first firing at or after `after`. Without a start date the grid begins one interval after `anchor`.
    pub(crate) fn next(&self, after: DateTime<Utc>, anchor: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let step = i64::try_from(self.seconds).ok()?.checked_mul(1000)?;
        let first = match self.bounds.start {
            Some(start) => start.timestamp_millis(),
            None => truncate_to_millis(anchor).timestamp_millis().checked_add(step)?,
        };
        let late = ceil_millis(after).checked_sub(first)?.max(0);
        let steps = late / step + i64::from(late % step != 0);
        let millis = steps.checked_mul(step)?.checked_add(first).filter(|millis| *millis <= LAST_MILLIS)?;
        let at = DateTime::from_timestamp_millis(millis)?;
        self.bounds.end.is_none_or(|end| at <= end).then_some(at)
    }
}

fn total_seconds(reader: &mut Reader<'_>) -> Option<u64> {
    let mut total: Option<u64> = Some(0);
    let mut valid = true;
    for (key, seconds) in UNITS {
        if reader.value(key).is_none() {
            continue;
        }
        match reader.integer(key, 0, MAX_SECONDS / seconds) {
            Some(count) => total = total.and_then(|sum| sum.checked_add(count.checked_mul(seconds)?)),
            None => valid = false,
        }
    }
    if !valid {
        return None;
    }
    match total {
        Some(0) => reader.trigger_fault(message!("interval.too_short")),
        Some(seconds) if seconds <= MAX_SECONDS => return Some(seconds),
        _ => reader.trigger_fault(message!("interval.too_long", days = MAX_SECONDS / 86_400)),
    }
    None
}
