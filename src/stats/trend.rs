//! The trend of the outcomes over the last 24 hours, 7 days or 30 days, in slots of the server's clock.

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;

use super::counts::{QUARTER_MS, success_rate};
use super::timeline::{HOURS, Slot, slots_between, start_of_day, start_of_hour};
use crate::domain::stats::Outcome;
use crate::domain::tag_scope::TagScope;
use crate::domain::text_enum::text_enum;
use crate::storage::{Reader, Result, tag_scope_stats};

/// Slots of a day in the trend of a week.
const SLOTS_A_DAY: i32 = 4;

text_enum! {
    /// How far back a trend goes.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
    pub enum TrendRange {
        /// 24 slots of an hour.
        #[default]
        Day = "day",
        /// 7 days in slots of 6 hours.
        Week = "week",
        /// 30 days.
        Month = "month",
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Trend {
    pub range: TrendRange,
    /// Oldest first; the last one contains now.
    pub slots: Vec<Slot>,
    /// Succeeded / (succeeded + failed), 0 to 1.
    pub success_rate: Option<f64>,
}

impl Trend {
    /// The trend of the outcomes of its range.
    pub fn new(range: TrendRange, now: DateTime<Utc>, zone: Tz, outcomes: &[Outcome]) -> Trend {
        Trend::from_slots(range, slots_between(&range.bounds(now, zone), outcomes))
    }

    /// The trend with these slots.
    pub fn from_slots(range: TrendRange, slots: Vec<Slot>) -> Trend {
        let by_status: Vec<_> = slots.iter().flat_map(|slot| slot.outcomes.iter().copied()).collect();
        Trend { range, slots, success_rate: success_rate(&by_status) }
    }
}

impl TrendRange {
    /// The start of each slot, and the end of the last.
    fn bounds(self, now: DateTime<Utc>, zone: Tz) -> Vec<DateTime<Utc>> {
        let hour = |back: i64| start_of_hour(now, zone) - Duration::hours(back);
        let day = |back: i64| start_of_day_before(now, zone, back);
        let end = HOURS as i64;
        match self {
            TrendRange::Day => (0..=end).map(|place| hour(end - 1 - place)).collect(),
            TrendRange::Week => (0..7).rev().flat_map(|back| quarters(day(back), day(back - 1))).chain([day(-1)]).collect(),
            TrendRange::Month => (-1..30).rev().map(day).collect(),
        }
    }

    /// The start of the first slot.
    pub fn begin(self, now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        self.bounds(now, zone).first().copied().unwrap_or(now)
    }
}

/// The starts of four slots of 6 hours; the last one is longer or shorter on the day of a clock change.
fn quarters(from: DateTime<Utc>, to: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
    (0..SLOTS_A_DAY).map(move |place| (from + Duration::hours(6) * place).min(to))
}

/// The start of the day so many days before today; of tomorrow for -1.
fn start_of_day_before(now: DateTime<Utc>, zone: Tz, days: i64) -> DateTime<Utc> {
    let noon = start_of_day(now, zone) + Duration::hours(12); // no clock change moves it to another day
    let local = noon.with_timezone(&zone).date_naive();
    let wanted = local.checked_sub_signed(Duration::days(days)).and_then(|date| date.and_hms_opt(12, 0, 0));
    let at = wanted.and_then(|noon| noon.and_local_timezone(zone).earliest());
    at.map_or(now, |at| start_of_day(at.to_utc(), zone))
}

/// The outcomes between two times, by quarter of an hour.
pub async fn outcomes(reader: &mut Reader, scope: &TagScope, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Outcome>> {
    tag_scope_stats::outcomes(reader, scope, from, to, QUARTER_MS).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::execution::Status;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn bounds_are_those_of_the_zone() {
        let (now, zone) = (at("2026-11-21T08:50:10Z"), Tz::Asia__Shanghai);
        let ends = |range: TrendRange, zone| {
            let bounds = range.bounds(now, zone);
            assert!(bounds.is_sorted());
            (bounds.len(), bounds[0], bounds[bounds.len() - 1])
        };
        assert_eq!(ends(TrendRange::Day, zone), (25, at("2026-11-20T09:00:00Z"), at("2026-11-21T09:00:00Z")));
        assert_eq!(ends(TrendRange::Week, zone), (29, at("2026-11-14T16:00:00Z"), at("2026-11-21T16:00:00Z")));
        assert_eq!(ends(TrendRange::Month, zone), (31, at("2026-10-22T16:00:00Z"), at("2026-11-21T16:00:00Z")));
        let clock_change = ends(TrendRange::Month, Tz::America__New_York);
        assert_eq!(clock_change, (31, at("2026-10-23T04:00:00Z"), at("2026-11-22T05:00:00Z")));
    }

    #[test]
    fn trend_sums_outcomes_and_their_success_rate() {
        let (now, zone) = (at("2026-11-21T08:50:10Z"), Tz::UTC);
        let outcome = |at_text, status, runs| Outcome { at: at(at_text), status, runs };
        let all = [
            outcome("2026-11-15T00:00:00Z", Status::Succeeded, 5),
            outcome("2026-11-15T05:45:00Z", Status::Failed, 1),
            outcome("2026-11-15T06:00:00Z", Status::Succeeded, 4),
            outcome("2026-11-14T23:45:00Z", Status::Failed, 9),
        ];
        let trend = Trend::new(TrendRange::Week, now, zone, &all);
        assert_eq!(trend.slots[0].outcomes, [(Status::Succeeded, 5), (Status::Failed, 1)]);
        assert_eq!((trend.slots[1].total(), trend.slots.len(), trend.success_rate), (4, 28, Some(0.9)));
    }
}
