//! Time zones: conversion between local times and instants.
//!
//! Both are whole seconds since 1970-01-01 00:00:00; a local time counts as if it were in UTC. The zone data of `chrono-tz` ends
//! with the year 2099; a later date follows the rules of an earlier year in which the same day falls on the same weekday.

use chrono::offset::LocalResult;
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, Offset, TimeZone};
use chrono_tz::{GapInfo, Tz};

use super::text::truncate;
use super::zone_names;
use crate::i18n::{Message, message};

/// The instants that a local time stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LocalTime {
    /// One instant, the usual case.
    Unique(i64),
    /// Clocks go back: the instants of the first and the second pass.
    Ambiguous(i64, i64),
    /// Clocks go forward past it: the first instant after the gap.
    InGap(i64),
}

impl LocalTime {
    /// Returns the instant to use for a single date: the first pass, or the first instant after a gap.
    pub(crate) fn first(self) -> i64 {
        match self {
            Self::Unique(instant) | Self::Ambiguous(instant, _) | Self::InGap(instant) => instant,
        }
    }
}

/// Parses an IANA zone name. Offsets, `local` and paths are refused.
///
/// # Errors
/// A message with the unknown name, and the name to write if it is clear what is meant.
pub fn parse_zone(name: &str) -> Result<Tz, Message> {
    name.parse().map_err(|_| match zone_names::advice(name) {
        Some(advice) => message!("trigger.unknown_zone_write", zone = truncate(name), advice),
        None => message!("trigger.unknown_zone", zone = truncate(name)),
    })
}

/// Returns the UTC offset of `zone` at an instant, in seconds.
pub(crate) fn offset_at(zone: Tz, instant: i64) -> i64 {
    naive(instant - days_to_shift(instant) * DAY)
        .map_or(0, |utc| i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()))
}

/// Returns the instants that a local time stands for in `zone`.
pub(crate) fn resolve(zone: Tz, wall: i64) -> LocalTime {
    let back = days_to_shift(wall) * DAY;
    let Some(local) = naive(wall - back) else { return LocalTime::Unique(wall) };
    let seconds = |offset: &<Tz as TimeZone>::Offset| wall - i64::from(offset.fix().local_minus_utc());
    match zone.offset_from_local_datetime(&local) {
        LocalResult::Single(offset) => LocalTime::Unique(seconds(&offset)),
        LocalResult::Ambiguous(first, second) => {
            let (first, second) = (seconds(&first), seconds(&second));
            LocalTime::Ambiguous(first.min(second), first.max(second))
        }
        LocalResult::None => LocalTime::InGap(gap_end(zone, local).map_or(wall, |end| end + back)),
    }
}

/// Returns the instant of the clock change after `from` and not after `until`; their offsets must differ.
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
const ZONE_DATA_END: i64 = 4_102_444_800;

fn naive(seconds: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp(seconds, 0).map(|instant| instant.naive_utc())
}

/// Returns the instant at which the gap around `local` ends, that is, the instant of the clock change.
fn gap_end(zone: Tz, local: NaiveDateTime) -> Option<i64> {
    let (begin, before) = GapInfo::new(&local, &zone)?.begin?;
    Some(begin.and_utc().timestamp() - i64::from(before.fix().local_minus_utc()))
}

/// Returns the days between a date past the zone data and an earlier date with the same clock changes; 0 within the zone data.
fn days_to_shift(seconds: i64) -> i64 {
    if seconds < ZONE_DATA_END { 0 } else { days_to_equivalent_date(seconds).unwrap_or(0) }
}

/// The common years from 2089 to 2099 start on every weekday, and come after the last irregular year in the data (2087, Morocco).
fn days_to_equivalent_date(seconds: i64) -> Option<i64> {
    let date = naive(seconds)?.date();
    let leap_day = date.month() == 2 && date.day() == 29;
    let same_weekday = if leap_day { date.checked_sub_days(Days::new(1))? } else { date };
    (2089..=2099)
        .filter(|year| year % 4 != 0)
        .filter_map(|year| NaiveDate::from_ymd_opt(year, same_weekday.month(), same_weekday.day()))
        .find(|equivalent| equivalent.weekday() == same_weekday.weekday())
        .map(|equivalent| (same_weekday - equivalent).num_days())
}
