//! Test report and its representation in a result.

use serde_json::{Map, Value, json};

use crate::domain::input::truncate;
use crate::i18n::Message;

/// Maximum number of failed tests listed with details.
const FAILED_MAX: usize = 100;
/// Limits on the outcomes kept for comparison with the next run: number of tests, and bytes, because results are limited.
const CASES_MAX: usize = 5_000;
const CASES_BYTES_MAX: usize = 768 * 1024;
/// Maximum number of test names in an error message.
const NAMES_MAX: usize = 5;
const NAME_MAX: usize = 300;
const MESSAGE_MAX: usize = 1_000;

/// Outcome of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Failed,
    /// The test could not be completed.
    Error,
    Skipped,
}

/// One test.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Case {
    pub class: Option<String>,
    pub name: String,
    pub outcome: Outcome,
    /// Why the test did not pass.
    pub message: String,
    pub duration_ms: u64,
}

/// All tests of a run.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Report {
    pub cases: Vec<Case>,
    /// The report files.
    pub files: Vec<String>,
    /// Why the report is incomplete: invalid files, planned tests that did not run.
    pub faults: Vec<Message>,
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
    /// Class and name, which identify the test across runs.
    pub fn key(&self) -> String {
        let name = match self.class.as_deref().filter(|class| !class.is_empty()) {
            Some(class) => format!("{class}::{}", self.name),
            None => self.name.clone(),
        };
        truncate(&name, NAME_MAX)
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

    /// The percentage of passed tests among those not skipped, with two digits; `None` if all tests were skipped.
    pub fn pass_rate(&self) -> Option<f64> {
        let run = self.cases.len() - self.count(Outcome::Skipped);
        // Rounded down, so that 100 % means all tests.
        (run > 0).then(|| (self.count(Outcome::Passed) as f64 * 10_000.0 / run as f64).floor() / 100.0)
    }

    /// The failed tests with details.
    pub fn failed(&self) -> Vec<Value> {
        let to_json = |case: &Case| {
            json!({
                "name": truncate(&case.name, NAME_MAX),
                "class": case.class.as_deref().map(|class| truncate(class, NAME_MAX)),
                "outcome": case.outcome.as_str(),
                "message": truncate(case.message.trim(), MESSAGE_MAX),
                "duration_ms": case.duration_ms,
            })
        };
        self.failures().take(FAILED_MAX).map(to_json).collect()
    }

    /// Each test's outcome and duration, for comparison with the next run.
    pub fn outcomes(&self) -> Value {
        let mut bytes = 0;
        let kept = self.cases.iter().take(CASES_MAX).map(|case| (case.key(), case)).take_while(|(key, _)| {
            bytes += key.len() + 30;
            bytes < CASES_BYTES_MAX
        });
        Value::Object(kept.map(|(key, case)| (key, json!([case.outcome.as_str(), case.duration_ms]))).collect())
    }

    /// The names of the first failed tests.
    pub fn failed_names(&self) -> String {
        let mut names: Vec<String> = self.failures().take(NAMES_MAX).map(Case::key).collect();
        if self.failures().nth(NAMES_MAX).is_some() {
            names.push("…".to_owned());
        }
        names.join(", ")
    }

    pub fn summary(&self) -> String {
        let count =
            |outcome| format!("{} {}", self.count(outcome), if outcome == Outcome::Error { "errors" } else { outcome.as_str() });
        let counts = [Outcome::Passed, Outcome::Failed, Outcome::Error, Outcome::Skipped].map(count).join(", ");
        format!("{} tests: {counts}", self.cases.len())
    }
}
