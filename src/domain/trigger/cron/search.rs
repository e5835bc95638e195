//! From wall times to fires: what a rule does in a zone whose clocks change.

use chrono_tz::Tz;

use super::rule::{Class, Rule};
use crate::domain::trigger::zone::{Wall, change_between, offset_at, resolve};

/// 1969-12-30: no zone is further than a day from the first wall time, 1970-01-01 00:00:00.
const EARLIEST: i64 = -2 * 86_400;
/// 10000-01-03: no zone is further than a day from the last wall time.
const LATEST: i64 = 253_402_473_600;

/// The first fire at or after `from`, both in seconds since 1970.
///
/// In a gap the matching wall times fire together at the first instant after it, or are dropped
/// (hourly); in an overlap they fire in the first pass, or in both (hourly, repeating).
pub(super) fn next_fire(rule: &Rule, zone: Tz, from: i64) -> Option<i64> {
    let from = from.max(EARLIEST);
    if from > LATEST {
        return None;
    }
    if zone == Tz::UTC {
        return rule.next_wall(from);
    }
    let offset = offset_at(zone, from);
    let wall = from + offset;
    if rule.class != Class::Hourly && ends_matching_gap(rule, zone, from, wall) {
        return Some(from);
    }
    let in_order = first_from_wall(rule, zone, wall, from);
    match rule.class {
        Class::Plain => in_order,
        Class::Repeating | Class::Hourly => earlier(in_order, second_pass(rule, zone, wall, from)),
    }
}

fn earlier(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Whether `from` is the first instant after a gap that holds a matching wall time.
fn ends_matching_gap(rule: &Rule, zone: Tz, from: i64, wall: i64) -> bool {
    let gap_start = from + offset_at(zone, from - 1);
    gap_start < wall && rule.next_wall(gap_start).is_some_and(|matching| matching < wall)
}

/// The first fire of the wall times from `wall` on, which is the wall time of the instant `from`.
fn first_from_wall(rule: &Rule, zone: Tz, mut wall: i64, from: i64) -> Option<i64> {
    loop {
        let matching = rule.next_wall(wall)?;
        match resolve(zone, matching) {
            Wall::Once(instant) if instant >= from => return Some(instant),
            Wall::Once(_) => wall = matching + 1,
            Wall::Twice(first, _) if first >= from => return Some(first),
            Wall::Twice(_, second) if rule.class != Class::Plain && second >= from => return Some(second),
            Wall::Twice(first, second) => {
                let overlap_end = change_between(zone, first, second) + matching - first;
                wall = overlap_end.max(matching + 1);
            }
            Wall::Skipped(end) if rule.class != Class::Hourly => return Some(end),
            Wall::Skipped(end) => wall = (end + offset_at(zone, end)).max(matching + 1),
        }
    }
}

/// In the first pass of an overlap: the first fire of its second pass, which begins again at an earlier wall time.
fn second_pass(rule: &Rule, zone: Tz, wall: i64, from: i64) -> Option<i64> {
    let Wall::Twice(first, second) = resolve(zone, wall) else { return None };
    if first != from {
        return None;
    }
    let overlap_start = change_between(zone, first, second) + wall - second;
    match resolve(zone, rule.next_wall(overlap_start)?) {
        Wall::Twice(_, second) if second >= from => Some(second),
        _ => None,
    }
}
