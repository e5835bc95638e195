//! Comparison of two runs of a test suite.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::report::{Case, Outcome, Report};

/// Maximum number of tests listed per kind of change.
const CHANGES_MAX: usize = 100;
/// A test counts as slower if its duration has more than doubled and grown by more than this, in milliseconds.
const SLOWER_MS: u64 = 1_000;

/// Compares with a previous result; `None` if that is not the result of a test suite.
pub(super) fn compare(before: &Value, now: &Report) -> Option<Value> {
    let before = before.get("cases")?.as_object()?;
    let failed_before = |(key, case): &(String, &Case)| {
        outcome(before, key, case).is_some_and(|outcome| outcome == "failed" || outcome == "error")
    };
    let newly_failing = now.keyed().filter(|test| test.1.outcome.is_failure() && !failed_before(test));
    let newly_passing = now.keyed().filter(|test| test.1.outcome == Outcome::Passed && failed_before(test));
    let present: HashSet<String> = now.cases.iter().flat_map(|case| [case.short_key(), case.full_key()]).collect();
    let gone = before.keys().filter(|key| !present.contains(*key));
    Some(json!({
        "newly_failing": keys(newly_failing),
        "newly_passing": keys(newly_passing),
        "slower": now.keyed().filter_map(|(key, case)| slower(before, &key, case)).take(CHANGES_MAX).collect::<Vec<_>>(),
        "gone": gone.take(CHANGES_MAX).collect::<Vec<_>>(),
    }))
}

fn keys<'c>(tests: impl Iterator<Item = (String, &'c Case)>) -> Vec<String> {
    tests.take(CHANGES_MAX).map(|(key, _)| key).collect()
}

/// What the previous run says about a test. Its key may have been shorter or longer then, as other suites had the same test or not.
fn previous<'b>(before: &'b Map<String, Value>, key: &str, case: &Case) -> Option<&'b Value> {
    before.get(key).or_else(|| before.get(&case.full_key())).or_else(|| before.get(&case.short_key()))
}

fn outcome<'b>(before: &'b Map<String, Value>, key: &str, case: &Case) -> Option<&'b str> {
    previous(before, key, case)?.get(0)?.as_str()
}

fn slower(before: &Map<String, Value>, key: &str, case: &Case) -> Option<Value> {
    let passed = case.outcome == Outcome::Passed && outcome(before, key, case) == Some("passed");
    let previous_ms = previous(before, key, case)?.get(1)?.as_u64()?;
    let is_slower = passed && case.duration_ms > previous_ms.saturating_mul(2) && case.duration_ms - previous_ms > SLOWER_MS;
    is_slower.then(|| json!({"name": key, "before_ms": previous_ms, "now_ms": case.duration_ms}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(name: &str, outcome: Outcome, duration_ms: u64) -> Case {
        Case { class: Some("t".into()), outcome, duration_ms, ..Case::named(name) }
    }

    fn report(cases: Vec<Case>) -> Report {
        Report { cases, ..Report::default() }
    }

    #[test]
    fn compare_lists_changes_by_kind() {
        use Outcome::{Error, Failed, Passed, Skipped};
        let before = report(vec![
            case("breaks", Passed, 1),
            case("fixed", Error, 1),
            case("stays", Failed, 1),
            case("slow", Passed, 900),
            case("slowish", Passed, 400),
            case("gone", Passed, 1),
        ]);
        let now = report(vec![
            case("breaks", Failed, 1),
            case("fixed", Passed, 1),
            case("stays", Error, 1),
            case("slow", Passed, 2000),
            case("slowish", Passed, 1400),
            case("new", Failed, 1),
            case("skipped", Skipped, 1),
        ]);
        let compared = compare(&json!({"cases": before.outcomes()}), &now).unwrap();
        let expected = json!({
            "newly_failing": ["t::breaks", "t::new"], "newly_passing": ["t::fixed"],
            "slower": [{"name": "t::slow", "before_ms": 900, "now_ms": 2000}], "gone": ["t::gone"],
        });
        assert_eq!(compared, expected);
        assert_eq!(compare(&json!({"exit_code": 0}), &now), None);
    }

    #[test]
    fn tests_of_several_suites_are_told_apart() {
        let of = |suite: &str, outcome| Case { suite: Some(suite.to_owned()), ..case("same", outcome, 1) };
        let before = report(vec![of("one", Outcome::Passed), of("two", Outcome::Failed)]);
        let now = report(vec![of("one", Outcome::Failed), of("two", Outcome::Passed)]);
        let changes = |before: &Report, now: &Report| compare(&json!({"cases": before.outcomes()}), now).unwrap();
        let compared = changes(&before, &now);
        assert_eq!(compared["newly_failing"], json!(["one: t::same"]));
        assert_eq!(compared["newly_passing"], json!(["two: t::same"]));
        let single = report(vec![of("two", Outcome::Passed)]);
        let fewer = changes(&before, &single);
        assert_eq!((&fewer["newly_passing"], &fewer["gone"]), (&json!(["t::same"]), &json!(["one: t::same"])));
        assert_eq!(changes(&single, &now)["gone"], json!([]), "the same test had a shorter key");
    }
}
