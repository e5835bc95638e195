//! Triggers with conditions, compared with a second method that goes second by second or day by day.

use std::time::{Duration, Instant};

use belfry::domain::trigger::Trigger;
use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, TimeZone, Timelike, Utc, Weekday};
use chrono_tz::Tz;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{instant, trigger};

/// The seconds that are compared.
const SPAN: i64 = 2 * 3600;

fn anchor() -> DateTime<Utc> {
    instant("2025-01-01T00:00:00.250Z")
}

/// A trigger with conditions.
fn with_conditions(rules: &[Value]) -> Value {
    let mut all = rules[0].clone();
    all["and"] = rules[1..].into();
    all
}

/// The rules' own times in the second of `at`, if all have one; the first decides.
fn agreed(rules: &[Value], parsed: &[Trigger], at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let end = at + TimeDelta::seconds(1);
    let times: Option<Vec<_>> = parsed.iter().map(|one| one.next_at_or_after(at, anchor()).filter(|next| *next < end)).collect();
    let first = times?.first().copied();
    let zones: Vec<Tz> = parsed.iter().map(Trigger::zone).collect();
    first.filter(|_| zones.iter().all(|zone| agree_on_a_local_time(rules, &zones, *zone, at)))
}

/// Whether the cron rules of a zone match one local time: that of `at` or, at the end of a gap, one inside it.
fn agree_on_a_local_time(rules: &[Value], zones: &[Tz], zone: Tz, at: DateTime<Utc>) -> bool {
    let in_utc = |(rule, own): (&Value, &Tz)| {
        let mut rule = rule.clone();
        let is_cron = *own == zone && rule["type"] == "cron";
        rule["timezone"] = "UTC".into();
        is_cron.then(|| trigger(&rule))
    };
    let rules: Vec<Trigger> = rules.iter().zip(zones).filter_map(in_utc).collect();
    let wall = |at: DateTime<Utc>| zone.from_utc_datetime(&at.naive_utc()).naive_local().and_utc();
    let mut walls = vec![wall(at)];
    let mut earlier = wall(at) - TimeDelta::seconds(1);
    while earlier > wall(at - TimeDelta::seconds(1)) {
        walls.push(earlier);
        earlier -= TimeDelta::seconds(1);
    }
    walls.iter().any(|wall| rules.iter().all(|rule| rule.next_at_or_after(*wall, anchor()) == Some(*wall)))
}

fn any_rule() -> impl Strategy<Value = Value> {
    let zone = || prop::sample::select(vec!["America/New_York", "UTC", "Asia/Shanghai"]);
    let second = prop::sample::select(vec!["0", "*", "*/2", "1-59/2", "0,30", "*/7"]);
    let minute = prop::sample::select(vec!["0", "*", "*/5", "0,30", "15-45", "59", "*/7"]);
    let hour = prop::sample::select(vec!["*", "1-3", "2", "3", "*/2", "2,3", "1"]);
    let day = prop::sample::select(vec!["*", "sun", "mon-fri", "sat,sun"]);
    let cron = (second, minute, hour, day, zone()).prop_map(|(second, minute, hour, day, zone)| {
        json!({"type": "cron", "expression": format!("{second} {minute} {hour} * * {day}"), "timezone": zone})
    });
    let interval = (prop::sample::select(vec![1, 7, 60, 90, 300, 420, 3600]), 0..600_i64, any::<bool>()).prop_map(
        |(seconds, start, has_start)| {
            let mut rule = json!({"type": "interval", "seconds": seconds, "timezone": "UTC"});
            if has_start {
                let start = instant("2025-01-01T00:00:00.500Z") + TimeDelta::seconds(start);
                rule["start_date"] = start.to_rfc3339().into();
            }
            rule
        },
    );
    prop_oneof![4 => cron, 2 => interval]
}

/// Just before a clock change forward, one back, and an ordinary time.
fn any_start() -> impl Strategy<Value = DateTime<Utc>> {
    let starts = ["2025-03-09T06:00:00Z", "2025-11-02T05:00:00Z", "2025-06-14T23:30:00Z"];
    prop::sample::select(starts.map(instant).to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn conditions_agree_second_by_second(rules in prop::collection::vec(any_rule(), 2..=4), from in any_start()) {
        let parsed: Vec<Trigger> = rules.iter().map(trigger).collect();
        let end = from + TimeDelta::seconds(SPAN);
        let expected: Vec<_> = (0..SPAN).filter_map(|second| agreed(&rules, &parsed, from + TimeDelta::seconds(second))).collect();
        let all = trigger(&with_conditions(&rules));
        let first = all.next_at_or_after(from, anchor());
        let found: Vec<_> = std::iter::successors(first, |at| all.next_after(*at, anchor())).take_while(|at| *at < end).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn conditions_agree_day_by_day(day in 1_u32..=31, weekdays in prop::collection::btree_set(0_usize..7, 1..4), week in 1_u32..=53) {
        const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let names: Vec<&str> = weekdays.iter().map(|day| NAMES[*day]).collect();
        let rules = [
            json!({"type": "cron", "day": day, "hour": 8}),
            json!({"type": "cron", "expression": format!("* * * * {}", names.join(","))}),
            json!({"type": "cron", "week": format!("*,{week}"), "hour": "*", "minute": "*"}),
            json!({"type": "interval", "hours": 8, "start_date": "2020-01-01"}),
        ];
        let start = NaiveDate::from_ymd_opt(2025, 1, 1).expect("a date");
        let matches = |date: &NaiveDate| date.day() == day && weekdays.contains(&(date.weekday().num_days_from_monday() as usize));
        let days = start.iter_days().take(4 * 365).filter(matches);
        let expected: Vec<_> = days.map(|date| date.and_hms_opt(8, 0, 0).expect("a time").and_utc()).collect();
        let all = trigger(&with_conditions(&rules));
        let found: Vec<_> = all.preview(start.and_hms_opt(0, 0, 0).expect("a time").and_utc(), expected.len()).iter().map(|at| at.to_utc()).collect();
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn impossible_combinations_answer_at_once() {
    let cron = |expression: &str, zone: &str| json!({"type": "cron", "expression": expression, "timezone": zone});
    let interval = |start: &str| json!({"type": "interval", "seconds": 2, "start_date": start});
    for rules in [
        [cron("*/2 * * * * *", "UTC"), cron("1-59/2 * * * * *", "UTC")],
        [cron("*/2 * * * * *", "UTC"), cron("1-59/2 * * * * *", "Asia/Shanghai")],
        [cron("0 8 * * *", "UTC"), cron("0 8 * * *", "Asia/Shanghai")],
        [cron("0 0 30 * *", "UTC"), cron("* * * 2 *", "UTC")],
        [interval("2026-01-01T00:00:00Z"), interval("2026-01-01T00:00:01Z")],
        [cron("0 0 * * *", "UTC"), json!({"type": "date", "run_date": "2030-01-01 00:00:01"})],
    ] {
        let all = trigger(&with_conditions(&rules));
        let started = Instant::now();
        assert!(all.preview(instant("2026-01-01T00:00:00Z"), 5).is_empty(), "{rules:?}");
        assert!(started.elapsed() < Duration::from_millis(500), "{rules:?}: {:?}", started.elapsed());
    }
}

#[test]
fn a_date_and_an_interval_may_be_conditions() {
    let date = json!({"type": "date", "run_date": "2026-03-02 08:00:00.700"});
    let all = trigger(&with_conditions(&[json!({"type": "cron", "expression": "08:00"}), date]));
    assert_eq!(all.preview(instant("2026-01-01T00:00:00Z"), 5), [instant("2026-03-02T08:00:00Z")]);
    let every_90 = json!({"type": "interval", "minutes": 90, "start_date": "2026-03-01"});
    let all = trigger(&with_conditions(&[json!({"type": "cron", "expression": "0 * * * sat"}), every_90]));
    for at in all.preview(instant("2026-03-01T00:00:00Z"), 20) {
        assert_eq!((at.weekday(), at.hour() % 3, at.minute()), (Weekday::Sat, 0, 0));
    }
}

#[test]
fn a_condition_without_a_zone_has_that_of_the_trigger() {
    let base = json!({"type": "cron", "expression": "08:00", "timezone": "Asia/Shanghai"});
    let all = trigger(&with_conditions(&[base, json!({"type": "cron", "expression": "0 8 1 * *"})]));
    assert_eq!(all.preview(instant("2026-03-02T00:00:00Z"), 1), [instant("2026-04-01T08:00:00+08:00")]);
}

#[test]
fn invalid_conditions_are_refused_at_their_place() {
    let base = json!({"type": "cron", "expression": "08:00"});
    let refused = |conditions: Value, base: &Value| {
        let mut all = base.clone();
        all["and"] = conditions;
        let faults = Trigger::parse(&all, Tz::UTC).expect_err("is refused");
        (faults[0].pointer.clone(), faults[0].message.to_string())
    };
    for (conditions, pointer, text) in [
        (json!("08:00"), "/trigger/and", "must be a list"),
        (json!([base, base, base, base]), "/trigger/and", "at most 3"),
        (json!([{"type": "cron", "hour": 25}]), "/trigger/and/0/hour", "25 is not between 0 and 23"),
        (json!([base, {"type": "idle"}]), "/trigger/and/1/type", "idle"),
        (json!([{"type": "cron", "hour": 8, "jitter": 5}]), "/trigger/and/0/jitter", "jitter"),
        (json!([with_conditions(&[base.clone(), base.clone()])]), "/trigger/and/0/and", "unknown field"),
        (json!([8]), "/trigger/and/0", "must be an object"),
    ] {
        let (at, message) = refused(conditions, &base);
        assert!(at == pointer && message.contains(text), "{at}: {message}");
    }
    let (at, _) = refused(json!([base]), &json!({"type": "idle"}));
    assert_eq!(at, "/trigger/and");
    assert_eq!(trigger(&with_conditions(std::slice::from_ref(&base))), trigger(&base), "an empty list is none");
}
