//! The worked cases of `tests/data/golden.jsonl`. The expected firings are `policy` if present, otherwise `expect`.

use belfry::domain::trigger::Trigger;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::{instant, trigger};

const CASES: &str = include_str!("../data/golden.jsonl");

fn expected_firings(case: &Value) -> Vec<DateTime<Utc>> {
    let answer = case.get("policy").unwrap_or(&case["expect"]);
    answer.as_array().expect("a list").iter().map(|text| instant(text.as_str().expect("a text"))).collect()
}

/// A firing with jitter is at most `jitter` after its scheduled time, in order, and not past `until`.
fn check_jitter(id: &str, case: &Value, rule: &Trigger, expected: &[DateTime<Utc>]) {
    let max = TimeDelta::seconds(case["trigger"]["jitter"].as_i64().unwrap_or(0));
    let fires: Vec<_> = expected.iter().map(|at| rule.fire_time(*at, id, expected[0])).collect();
    assert!(fires.is_sorted(), "{id}: {fires:?}");
    let until = case.get("until").and_then(Value::as_str).map(instant);
    for (at, fire) in expected.iter().zip(&fires) {
        assert!(at <= fire && *fire <= *at + max, "{id}: {at} fires at {fire}");
        assert!(until.is_none_or(|until| *fire <= until), "{id}: {fire} is past {until:?}");
    }
}

#[test]
fn every_worked_case_matches() {
    let mut wrong = Vec::new();
    let mut count_checked = 0;
    for line in CASES.lines() {
        let case: Value = serde_json::from_str(line).expect("a case");
        let id = case["id"].as_str().expect("an id");
        let rule = trigger(&case["trigger"]);
        let after = instant(case["after"].as_str().expect("an instant"));
        let count = usize::try_from(case["count"].as_u64().expect("a count")).expect("a small count");
        let (expected, found) = (expected_firings(&case), rule.preview(after, count));
        if found != expected {
            wrong.push(format!("{line}\n    expected {expected:?}\n    found    {found:?}"));
        }
        check_jitter(id, &case, &rule, &expected);
        count_checked += 1;
    }
    assert!(wrong.is_empty(), "{} of {count_checked}:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(count_checked, 700);
}
