//! Clock changes: from wall times to instants and back.
//!
//! Wall times and instants are whole seconds since 1970-01-01 00:00:00, the former as if the
//! wall were in UTC. The zone data of `chrono-tz` ends with the year 2099; a later date takes
//! the rules of a year before it in which the same day falls on the same weekday.

use chrono::offset::LocalResult;
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, Offset, TimeZone};
use chrono_tz::{GapInfo, Tz};

use super::text::cut;

/// What a wall time means in a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wall {
    /// One instant, as nearly always.
    Once(i64),
    /// Clocks went back: the instant of the first and of the second pass.
    Twice(i64, i64),
    /// Clocks went forward over it: the first instant after the gap.
    Skipped(i64),
}

impl Wall {
    /// The one instant a date stands for: the first pass, or the first instant after a gap.
    pub(crate) fn first(self) -> i64 {
        match self {
            Self::Once(instant) | Self::Twice(instant, _) | Self::Skipped(instant) => instant,
        }
    }
}

/// Reads an IANA zone name. Offsets, `local` and paths are no zone names.
///
/// # Errors
/// A message naming the unknown zone.
pub fn parse_zone(name: &str) -> Result<Tz, String> {
    name.parse().map_err(|_| format!("unknown zone '{}'", cut(name)))
}

/// Seconds to add to an instant for the wall time of `zone`.
pub(crate) fn offset_at(zone: Tz, instant: i64) -> i64 {
    naive(instant - years_back(instant) * DAY)
        .map_or(0, |utc| i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()))
}

/// The instants that a wall time stands for.
pub(crate) fn resolve(zone: Tz, wall: i64) -> Wall {
    let back = years_back(wall) * DAY;
    let Some(local) = naive(wall - back) else { return Wall::Once(wall) };
    let seconds = |offset: &<Tz as TimeZone>::Offset| wall - i64::from(offset.fix().local_minus_utc());
    match zone.offset_from_local_datetime(&local) {
        LocalResult::Single(offset) => Wall::Once(seconds(&offset)),
        LocalResult::Ambiguous(first, second) => {
            let (first, second) = (seconds(&first), seconds(&second));
            Wall::Twice(first.min(second), first.max(second))
        }
        LocalResult::None => Wall::Skipped(gap_end(zone, local).map_or(wall, |end| end + back)),
    }
}

/// The instant of the clock change later than `from` and not later than `until`; the two must differ in offset.
pub(crate) fn change_between(zone: Tz, mut from: i64, mut until: i64) -> i64 {
    let before = offset_at(zone, from);
    while until - from > 1 {
        let middle = from + (until - from) / 2;
        if offset_at(zone, middle) == before { from = middle } else { until = middle }
    }
    until
}

const DAY: i64 = 86_400;
/// 2100-01-01 00:00:00.
const DATA_END: i64 = 4_102_444_800;

fn naive(seconds: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp(seconds, 0).map(|instant| instant.naive_utc())
}

/// The gap starts where the offset before it ends: that is the instant of the change.
fn gap_end(zone: Tz, local: NaiveDateTime) -> Option<i64> {
    let (begin, before) = GapInfo::new(&local, &zone)?.begin?;
    Some(begin.and_utc().timestamp() - i64::from(before.fix().local_minus_utc()))
}

/// Days to go back from a date after the zone data to one within that has the same clock changes.
fn years_back(seconds: i64) -> i64 {
    if seconds < DATA_END { 0 } else { days_to_twin(seconds).unwrap_or(0) }
}

/// The common years from 2089 to 2099 begin on every weekday, and come after the last year listed by hand (2087, Morocco).
fn days_to_twin(seconds: i64) -> Option<i64> {
    let date = naive(seconds)?.date();
    let leap_day = date.month() == 2 && date.day() == 29;
    let seen = if leap_day { date.checked_sub_days(Days::new(1))? } else { date };
    (2089..=2099)
        .filter(|year| year % 4 != 0)
        .filter_map(|year| NaiveDate::from_ymd_opt(year, seen.month(), seen.day()))
        .find(|twin| twin.weekday() == seen.weekday())
        .map(|twin| (seen - twin).num_days())
}
