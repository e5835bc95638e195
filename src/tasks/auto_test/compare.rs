//! Comparison of two runs of a test suite.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::report::{Case, Outcome, Report};

/// Maximum number of tests listed per kind of change.
const CHANGES_MAX: usize = 100;
/// A test counts as slower if its duration has more than doubled and grown by more than this, in milliseconds.
const SLOWER_MS: u64 = 1_000;

/// Compares with a previous result; `None` if that is not the result of a test suite.
pub(super) fn compare(before: &Value, now: &Report) -> Option<Value> {
    let before = before.get("cases")?.as_object()?;
    let failed_before = |case: &&Case| outcome(before, case).is_some_and(|outcome| outcome == "failed" || outcome == "error");
    let newly_failing = now.failures().filter(|case| !failed_before(case));
    let newly_passing = now.cases.iter().filter(|case| case.outcome == Outcome::Passed).filter(failed_before);
    let present: HashMap<String, &Case> = now.cases.iter().map(|case| (case.key(), case)).collect();
    let gone = before.keys().filter(|key| !present.contains_key(*key));
    Some(json!({
        "newly_failing": case_keys(newly_failing),
        "newly_passing": case_keys(newly_passing),
        "slower": now.cases.iter().filter_map(|case| slower(before, case)).take(CHANGES_MAX).collect::<Vec<_>>(),
        "gone": gone.take(CHANGES_MAX).collect::<Vec<_>>(),
    }))
}

fn case_keys<'c>(cases: impl Iterator<Item = &'c Case>) -> Vec<String> {
    cases.take(CHANGES_MAX).map(Case::key).collect()
}

fn outcome<'b>(before: &'b Map<String, Value>, case: &Case) -> Option<&'b str> {
    before.get(&case.key())?.get(0)?.as_str()
}

fn slower(before: &Map<String, Value>, case: &Case) -> Option<Value> {
    let passed = case.outcome == Outcome::Passed && outcome(before, case) == Some("passed");
    let previous_ms = before.get(&case.key())?.get(1)?.as_u64()?;
    let is_slower = passed && case.duration_ms > previous_ms.saturating_mul(2) && case.duration_ms - previous_ms > SLOWER_MS;
    is_slower.then(|| json!({"name": case.key(), "before_ms": previous_ms, "now_ms": case.duration_ms}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(name: &str, outcome: Outcome, duration_ms: u64) -> Case {
        Case { class: Some("t".into()), name: name.into(), outcome, message: String::new(), duration_ms }
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
}
