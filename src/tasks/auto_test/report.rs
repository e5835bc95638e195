//! What a test suite reported, and how it goes into a result.

use serde_json::{Map, Value, json};

use crate::domain::input::cut;

/// Failed tests that are told with all that is known of them.
const FAILED_MAX: usize = 100;
/// Tests whose outcome is kept for the next run to compare with, and the bytes of their names: a result has its limit.
const CASES_MAX: usize = 5_000;
const CASES_BYTES_MAX: usize = 768 * 1024;
/// Names in an error message.
const NAMES_MAX: usize = 5;
const NAME_MAX: usize = 300;
const MESSAGE_MAX: usize = 1_000;

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Failed,
    /// It could not be carried out to its end.
    Error,
    Skipped,
}

/// One test.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Case {
    pub class: Option<String>,
    pub name: String,
    pub outcome: Outcome,
    /// Why it did not pass.
    pub message: String,
    pub duration_ms: u64,
}

/// All tests of a run.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Report {
    pub cases: Vec<Case>,
    /// The files it was read from.
    pub files: Vec<String>,
    /// Why it is not whole: a file that does not read, tests that were planned and did not run.
    pub faults: Vec<String>,
}

impl Outcome {
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Failed => "failed",
            Outcome::Error => "error",
            Outcome::Skipped => "skipped",
        }
    }

    pub fn is_failure(self) -> bool {
        matches!(self, Outcome::Failed | Outcome::Error)
    }
}

impl Case {
    /// Its class and name, by which the next run finds it again.
    pub fn key(&self) -> String {
        let name = match self.class.as_deref().filter(|class| !class.is_empty()) {
            Some(class) => format!("{class}::{}", self.name),
            None => self.name.clone(),
        };
        cut(&name, NAME_MAX)
    }
}

impl Report {
    pub fn failures(&self) -> impl Iterator<Item = &Case> {
        self.cases.iter().filter(|case| case.outcome.is_failure())
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.cases.iter().filter(|case| case.outcome == outcome).count()
    }

    pub fn totals(&self) -> Value {
        let mut totals = Map::from_iter([("total".to_owned(), self.cases.len().into())]);
        for outcome in [Outcome::Passed, Outcome::Failed, Outcome::Error, Outcome::Skipped] {
            totals.insert(outcome.as_str().to_owned(), self.count(outcome).into());
        }
        totals.into()
    }

    /// Of the tests that were not skipped, the share that passed, in percent with two digits; `None` where there are none.
    pub fn pass_rate(&self) -> Option<f64> {
        let run = self.cases.len() - self.count(Outcome::Skipped);
        // Rounded down: only all is a hundred percent.
        (run > 0).then(|| (self.count(Outcome::Passed) as f64 * 10_000.0 / run as f64).floor() / 100.0)
    }

    /// The failed tests, each with its reason.
    pub fn failed(&self) -> Vec<Value> {
        let told = |case: &Case| {
            json!({
                "name": cut(&case.name, NAME_MAX),
                "class": case.class.as_deref().map(|class| cut(class, NAME_MAX)),
                "outcome": case.outcome.as_str(),
                "message": cut(case.message.trim(), MESSAGE_MAX),
                "duration_ms": case.duration_ms,
            })
        };
        self.failures().take(FAILED_MAX).map(told).collect()
    }

    /// Each test's outcome and duration, for the next run to compare with.
    pub fn outcomes(&self) -> Value {
        let mut bytes = 0;
        let kept = self.cases.iter().take(CASES_MAX).map(|case| (case.key(), case)).take_while(|(key, _)| {
            bytes += key.len() + 30;
            bytes < CASES_BYTES_MAX
        });
        Value::Object(kept.map(|(key, case)| (key, json!([case.outcome.as_str(), case.duration_ms]))).collect())
    }

    /// The first failed tests by name.
    pub fn names(&self) -> String {
        let mut names: Vec<String> = self.failures().take(NAMES_MAX).map(Case::key).collect();
        if self.failures().nth(NAMES_MAX).is_some() {
            names.push("…".to_owned());
        }
        names.join(", ")
    }

    pub fn in_words(&self) -> String {
        let of =
            |outcome| format!("{} {}", self.count(outcome), if outcome == Outcome::Error { "errors" } else { outcome.as_str() });
        let counts = [Outcome::Passed, Outcome::Failed, Outcome::Error, Outcome::Skipped].map(of).join(", ");
        format!("{} tests: {counts}", self.cases.len())
    }
}
