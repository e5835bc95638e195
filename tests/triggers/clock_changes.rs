//! Triggers at clock changes: gaps, overlaps, dates and intervals; and the years past the zone data.

use belfry::domain::trigger::{Trigger, format_datetime, parse_datetime};
use chrono::TimeDelta;
use chrono_tz::Tz;
use serde_json::json;

use crate::{cron, instant, trigger};

/// Returns the firings of a rule between two local times, as local times with their offsets.
fn fires(rule: &Trigger, from: &str, until: &str) -> Vec<String> {
    let zone = rule.zone();
    let after = parse_datetime(from, zone).expect("a start");
    let end = parse_datetime(until, zone).expect("an end");
    let shown = rule.preview(after, 1000).into_iter().take_while(|at| *at < end);
    shown.map(|at| at.format("%d %H:%M %:z").to_string()).collect()
}

fn day(expression: &str, zone: &str, date: &str, expected: &[&str]) {
    let rule = cron(expression, zone);
    let start = parse_datetime(date, rule.zone()).expect("a date");
    let next_day = format_datetime(start + TimeDelta::hours(26), rule.zone());
    let found = fires(&rule, date, &next_day[..10]);
    assert_eq!(found, expected, "{expression} in {zone} on {date}");
}

#[test]
fn rule_in_a_gap_fires_once_at_its_end() {
    for rule in ["02:30", "0,30 2 * * *", "*/15 2 * * *", "0 2,3 * * *"] {
        let rule = cron(rule, "America/New_York");
        assert_eq!(fires(&rule, "2025-03-09", "2025-03-09 12:00"), ["09 03:00 -04:00"]);
    }
    day("@daily", "America/Sao_Paulo", "2018-11-04", &["04 01:00 -02:00"]);
    day("15 2 * * *", "Australia/Lord_Howe", "2025-10-05", &["05 02:30 +11:00"]);
}

#[test]
fn hourly_rule_drops_times_in_a_gap() {
    let rule = cron("30 * * * *", "America/New_York");
    assert_eq!(fires(&rule, "2025-03-09 01:00", "2025-03-09 04:00"), ["09 01:30 -05:00", "09 03:30 -04:00"]);
    let all = cron("30 0-23 * * *", "America/New_York");
    assert_eq!(fires(&all, "2025-03-09 01:00", "2025-03-09 04:00"), ["09 01:30 -05:00", "09 03:30 -04:00"]);
    let rule = cron("0 */2 * * *", "Europe/Berlin");
    let expected = ["30 00:00 +01:00", "30 03:00 +02:00", "30 04:00 +02:00", "30 06:00 +02:00"];
    assert_eq!(fires(&rule, "2025-03-30", "2025-03-30 07:00"), expected);
}

#[test]
fn skipped_day_is_a_gap() {
    let rule = cron("08:00", "Pacific/Apia");
    let expected = ["29 08:00 -10:00", "31 00:00 +14:00", "31 08:00 +14:00"];
    assert_eq!(fires(&rule, "2011-12-29", "2011-12-31 23:00"), expected);
    let hourly = cron("0 * 30 12 *", "Pacific/Apia");
    let after = instant("2011-12-01T00:00:00Z");
    assert_eq!(hourly.next_after(after, after), Some(instant("2012-12-30T00:00:00+14:00")));
}

#[test]
fn rule_in_an_overlap_fires_in_the_first_pass_or_in_both() {
    let new_york = "America/New_York";
    day("30 1 * * *", new_york, "2025-11-02", &["02 01:30 -04:00"]);
    day("0,30 1 * * *", new_york, "2025-11-02", &["02 01:00 -04:00", "02 01:30 -04:00"]);
    let twice = ["02 01:00 -04:00", "02 01:30 -04:00", "02 01:00 -05:00", "02 01:30 -05:00"];
    day("*/30 1 * * *", new_york, "2025-11-02", &twice);
    let hourly = cron("30 * * * *", new_york);
    assert_eq!(fires(&hourly, "2025-11-02 01:00", "2025-11-02 02:00"), ["02 01:30 -04:00", "02 01:30 -05:00"]);
    let even = cron("0 */2 * * *", "Europe/Berlin");
    assert_eq!(fires(&even, "2025-10-26", "2025-10-26 05:00"), ["26 00:00 +02:00", "26 02:00 +02:00", "26 04:00 +01:00"]);
}

#[test]
fn overlap_of_half_an_hour_fires_in_both_passes() {
    // Lord Howe goes back from 02:00 to 01:30.
    day("45 1 * * *", "Australia/Lord_Howe", "2025-04-06", &["06 01:45 +11:00"]);
    day(
        "*/15 1 * * *",
        "Australia/Lord_Howe",
        "2025-04-06",
        &["06 01:00 +11:00", "06 01:15 +11:00", "06 01:30 +11:00", "06 01:45 +11:00", "06 01:30 +10:30", "06 01:45 +10:30"],
    );
}

#[test]
fn absent_fields_count_as_stars() {
    let rule = |value| fires(&trigger(&value), "2025-11-02 01:00", "2025-11-02 03:00").len();
    assert_eq!(rule(json!({"type": "cron", "hour": 1, "second": 5, "timezone": "America/New_York"})), 120);
    assert_eq!(rule(json!({"type": "cron", "hour": 1, "minute": "0-59", "timezone": "America/New_York"})), 60);
    assert_eq!(rule(json!({"type": "cron", "hour": 1, "minute": "10/20", "timezone": "America/New_York"})), 6);
}

#[test]
fn search_can_start_inside_an_overlap() {
    let new_york = Tz::America__New_York;
    let next = |expression: &str, after: &str| {
        let rule = cron(expression, "America/New_York");
        let after = instant(after);
        rule.next_at_or_after(after, after).map(|at| format_datetime(at, new_york))
    };
    let first = |text: &str| Some(text.to_owned());
    // After the last firing of the first pass, the second pass starts at an earlier local time.
    assert_eq!(next("*/30 1 * * *", "2025-11-02T01:45:00-04:00"), first("2025-11-02T01:00:00.000-05:00"));
    assert_eq!(next("*/30 1 * * *", "2025-11-02T01:15:00-05:00"), first("2025-11-02T01:30:00.000-05:00"));
    assert_eq!(next("*/30 1 * * *", "2025-11-02T01:45:00-05:00"), first("2025-11-03T01:00:00.000-05:00"));
    // A plain rule does not fire in the second pass, but continues right after it.
    assert_eq!(next("0,30 1-2 * * *", "2025-11-02T01:15:00-05:00"), first("2025-11-02T02:00:00.000-05:00"));
    // Exactly at the end of a gap, and a millisecond later.
    assert_eq!(next("30 2 * * *", "2025-03-09T03:00:00-04:00"), first("2025-03-09T03:00:00.000-04:00"));
    assert_eq!(next("30 2 * * *", "2025-03-09T03:00:00.001-04:00"), first("2025-03-10T02:30:00.000-04:00"));
}

#[test]
fn dates_use_the_end_of_a_gap_and_the_first_pass() {
    let new_york = Tz::America__New_York;
    assert_eq!(parse_datetime("2025-03-09 02:30", new_york), Ok(instant("2025-03-09T03:00:00-04:00")));
    assert_eq!(parse_datetime("2025-11-02 01:30:00.5", new_york), Ok(instant("2025-11-02T01:30:00.500-04:00")));
    let rule =
        trigger(&json!({"type": "cron", "minute": "*/30", "end_date": "2025-11-02 01:30", "timezone": "America/New_York"}));
    assert_eq!(fires(&rule, "2025-11-02 01:00", "2025-11-03"), ["02 01:00 -04:00", "02 01:30 -04:00"]);
}

#[test]
fn intervals_are_elapsed_time() {
    let rule =
        trigger(&json!({"type": "interval", "hours": 24, "start_date": "2025-03-08 08:00", "timezone": "America/New_York"}));
    assert_eq!(fires(&rule, "2025-03-08", "2025-03-10"), ["08 08:00 -05:00", "09 09:00 -04:00"]);
}

#[test]
fn summer_time_continues_past_the_zone_data() {
    for year in [2099, 2100, 2101, 2104, 2400, 9998] {
        let after = instant(&format!("{year}-07-01T00:00:00Z"));
        let at = cron("08:00", "America/New_York").next_after(after, after).expect("a fire");
        assert_eq!(format_datetime(at, Tz::America__New_York), format!("{year}-07-01T08:00:00.000-04:00"));
        let at = cron("08:00", "Australia/Sydney").next_after(after, after).expect("a fire");
        assert_eq!(format_datetime(at, Tz::Australia__Sydney), format!("{year}-07-02T08:00:00.000+10:00"));
    }
    // 9 March 2104 is the second Sunday of the month.
    let rule = cron("30 2 * * *", "America/New_York");
    let after = instant("2104-03-09T00:00:00Z");
    assert_eq!(rule.next_after(after, after), Some(instant("2104-03-09T03:00:00-04:00")));
}
