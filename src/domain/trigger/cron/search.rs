//! Search for the next firing of a cron rule in a time zone, clock changes included.

use chrono_tz::Tz;

use super::rule::{ClockChangeClass, Rule};
use crate::domain::trigger::zone::{LocalTime, change_between, offset_at, resolve};

/// 1969-12-30: no zone is more than a day away from the first local time, 1970-01-01 00:00:00.
const EARLIEST: i64 = -2 * 86_400;
/// 10000-01-03: no zone is more than a day away from the last local time.
const LATEST: i64 = 253_402_473_600;

/// Returns the first firing at or after `from`, both in seconds since 1970.
///
/// Matching local times inside a gap fire once, at the first instant after it, or are dropped (hourly rules). Those inside an
/// overlap fire in the first pass, or in both (hourly and repeating rules).
pub(super) fn next_firing(rule: &Rule, zone: Tz, from: i64) -> Option<i64> {
    let from = from.max(EARLIEST);
    if from > LATEST {
        return None;
    }
    if zone == Tz::UTC {
        return rule.next_wall(from);
    }
    let offset = offset_at(zone, from);
    let wall = from + offset;
    if rule.class != ClockChangeClass::Hourly && is_end_of_matching_gap(rule, zone, from, wall) {
        return Some(from);
    }
    let in_order = first_firing_from_wall(rule, zone, wall, from);
    match rule.class {
        ClockChangeClass::Plain => in_order,
        ClockChangeClass::Repeating | ClockChangeClass::Hourly => earlier(in_order, first_of_second_pass(rule, zone, wall, from)),
    }
}

fn earlier(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Returns whether `from` is the first instant after a gap that contains a matching local time.
fn is_end_of_matching_gap(rule: &Rule, zone: Tz, from: i64, wall: i64) -> bool {
    let gap_start = from + offset_at(zone, from - 1);
    gap_start < wall && rule.next_wall(gap_start).is_some_and(|matching| matching < wall)
}

/// Returns the first firing at or after `from` among the local times from `wall` on; `wall` is the local time of `from`.
fn first_firing_from_wall(rule: &Rule, zone: Tz, mut wall: i64, from: i64) -> Option<i64> {
    loop {
        let matching = rule.next_wall(wall)?;
        match resolve(zone, matching) {
            LocalTime::Unique(instant) if instant >= from => return Some(instant),
            LocalTime::Unique(_) => wall = matching + 1,
            LocalTime::Ambiguous(first, _) if first >= from => return Some(first),
            LocalTime::Ambiguous(_, second) if rule.class != ClockChangeClass::Plain && second >= from => return Some(second),
            LocalTime::Ambiguous(first, second) => {
                let overlap_end = change_between(zone, first, second) + matching - first;
                wall = overlap_end.max(matching + 1);
            }
            LocalTime::InGap(end) if rule.class != ClockChangeClass::Hourly => return Some(end),
            LocalTime::InGap(end) => wall = (end + offset_at(zone, end)).max(matching + 1),
        }
    }
}

/// If `from` is in the first pass of an overlap, returns the first firing of the second pass, which starts at an earlier local
/// time.
fn first_of_second_pass(rule: &Rule, zone: Tz, wall: i64, from: i64) -> Option<i64> {
    let LocalTime::Ambiguous(first, second) = resolve(zone, wall) else { return None };
    if first != from {
        return None;
    }
    let overlap_start = change_between(zone, first, second) + wall - second;
    match resolve(zone, rule.next_wall(overlap_start)?) {
        LocalTime::Ambiguous(_, second) if second >= from => Some(second),
        _ => None,
    }
}
