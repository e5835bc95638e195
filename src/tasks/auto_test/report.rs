//! Test report and its representation in a result.

use std::collections::HashMap;

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
    /// The suite, with those around it.
    pub suite: Option<String>,
    pub class: Option<String>,
    pub name: String,
    pub outcome: Outcome,
    /// Why the test did not pass.
    pub message: String,
    pub duration_ms: u64,
    /// Whether the test failed first and passed when it was run again.
    pub flaky: bool,
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
    /// A passed test without a suite, a class and a duration.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            suite: None,
            class: None,
            name: name.into(),
            outcome: Outcome::Passed,
            message: String::new(),
            duration_ms: 0,
            flaky: false,
        }
    }

    /// Class and name.
    pub fn short_key(&self) -> String {
        truncate(&self.class_and_name(), NAME_MAX)
    }

    /// Suite, class and name.
    pub fn full_key(&self) -> String {
        let name = self.class_and_name();
        truncate(&self.suite.as_ref().map_or_else(|| name.clone(), |suite| format!("{suite}: {name}")), NAME_MAX)
    }

    fn class_and_name(&self) -> String {
        match self.class.as_deref().filter(|class| !class.is_empty()) {
            Some(class) => format!("{class}::{}", self.name),
            None => self.name.clone(),
        }
    }
}

impl Report {
    /// The tests with the key that identifies each across runs: class and name, with the suite before them where tests of several
    /// suites have both in common.
    pub fn keyed(&self) -> impl Iterator<Item = (String, &Case)> {
        // The suite of each short key, and whether it is the only one.
        let mut suites: HashMap<String, (Option<&str>, bool)> = HashMap::new();
        for case in &self.cases {
            let (suite, single) = suites.entry(case.short_key()).or_insert((case.suite.as_deref(), true));
            *single &= *suite == case.suite.as_deref();
        }
        let key = move |case: &Case| {
            let short = case.short_key();
            if suites.get(&short).is_some_and(|(_, single)| !single) { case.full_key() } else { short }
        };
        self.cases.iter().map(move |case| (key(case), case))
    }

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
                "suite": case.suite.as_deref().map(|suite| truncate(suite, NAME_MAX)),
                "outcome": case.outcome.as_str(),
                "message": truncate(case.message.trim(), MESSAGE_MAX),
                "duration_ms": case.duration_ms,
            })
        };
        self.failures().take(FAILED_MAX).map(to_json).collect()
    }

    /// The tests that passed only when they were run again.
    pub fn flaky(&self) -> Vec<String> {
        self.keyed().filter(|(_, case)| case.flaky).take(FAILED_MAX).map(|(key, _)| key).collect()
    }

    /// Each test's outcome and duration, for comparison with the next run. Of tests with the same key, a failed one counts.
    pub fn outcomes(&self) -> Value {
        let mut bytes = 0;
        let kept = self.keyed().take(CASES_MAX).take_while(|(key, _)| {
            bytes += key.len() + 30;
            bytes < CASES_BYTES_MAX
        });
        let mut outcomes = Map::new();
        for (key, case) in kept {
            if case.outcome.is_failure() || !outcomes.contains_key(&key) {
                outcomes.insert(key, json!([case.outcome.as_str(), case.duration_ms]));
            }
        }
        Value::Object(outcomes)
    }

    /// The names of the first failed tests.
    pub fn failed_names(&self) -> String {
        let failed = self.keyed().filter(|(_, case)| case.outcome.is_failure());
        let mut names: Vec<String> = failed.take(NAMES_MAX).map(|(key, _)| key).collect();
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
