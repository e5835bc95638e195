//! Reader of JUnit XML as test runners write it: tests are found by their elements, whatever is around them, and an odd attribute
//! never costs the report.

use encoding_rs::Encoding;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::report::{Case, Outcome, Report};
use crate::domain::input::truncate;
use crate::i18n::{Message, message};

mod dialect;
mod duration;
mod text;

/// Maximum number of tests of all reports.
const TESTS_MAX: usize = 1_000_000;
/// Maximum depth of elements.
const DEPTH_MAX: usize = 1_000;
/// Bytes kept of a message while it is read.
const MESSAGE_MAX: usize = 8 << 10;

/// Reads the tests of a report file and adds them to `report`. `fallback` is the encoding of a file that is not UTF-8 and does not
/// name its encoding.
///
/// # Errors
/// The file is no JUnit XML, or not complete. Tests before the faulty place are added all the same.
pub(super) fn read(bytes: &[u8], file: &str, fallback: Option<&'static Encoding>, report: &mut Report) -> Result<(), Message> {
    let xml = text::decode(bytes, fallback);
    let (open, suites) = (Vec::new(), Vec::new());
    let mut parser = Parser { report, file, open, suites, case: None, verdict: None, failed: 0, found: false };
    let problem = parser.read(&xml);
    if !parser.found {
        return Err(dialect::refusal(&xml, file, problem.err().as_deref()));
    }
    problem.map_err(|error| message!("tests.report_unparsable", file, error = truncate(&error, 200)))
}

/// What an element inside a test says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Outcome(Outcome),
    /// A failure of an attempt that a later one made good.
    Flaky,
}

/// An element with a verdict, whose text is being read.
struct Open {
    verdict: Verdict,
    /// The attribute `message`, else `type`.
    message: String,
    text: String,
    /// The depth of the element.
    depth: usize,
}

/// An open suite.
struct Suite {
    depth: usize,
    name: String,
    /// The failures and errors that its attributes count.
    counted: usize,
    /// The number of tests that had failed before it.
    failed_before: usize,
}

struct Parser<'r> {
    report: &'r mut Report,
    file: &'r str,
    /// The names of the open elements.
    open: Vec<String>,
    /// The open suites.
    suites: Vec<Suite>,
    /// The open test.
    case: Option<Case>,
    verdict: Option<Open>,
    /// The number of failed tests so far.
    failed: usize,
    /// Whether any element of JUnit was found.
    found: bool,
}

impl Parser<'_> {
    fn read(&mut self, xml: &str) -> Result<(), String> {
        let mut reader = Reader::from_str(xml);
        let config = reader.config_mut();
        config.allow_dangling_amp = true;
        config.expand_empty_elements = true;
        loop {
            match reader.read_event().map_err(|error| error.to_string())? {
                Event::Start(element) => self.start(&element)?,
                Event::End(_) => self.end()?,
                Event::Text(part) => self.add_text(&part),
                Event::CData(part) => self.add_text(&part),
                Event::GeneralRef(name) => self.add_text(&text::unescape(&format!("&{};", &*name))),
                Event::Eof => break,
                _ => {}
            }
        }
        match self.open.last() {
            None => Ok(()),
            Some(open) => Err(format!("the file ends inside <{open}>")),
        }
    }

    fn start(&mut self, element: &BytesStart<'_>) -> Result<(), String> {
        let name = element.local_name().as_ref().to_owned();
        self.open.push(name);
        let depth = self.open.len();
        if depth > DEPTH_MAX {
            return Err(format!("more than {DEPTH_MAX} elements inside each other"));
        }
        match self.open.last().map_or("", String::as_str) {
            "testsuites" => self.found = true,
            "testsuite" => {
                self.found = true;
                let count = |name: &str| text::attribute(element, &[name])?.trim().parse::<usize>().ok();
                let counted = ["errors", "failures"].iter().filter_map(|name| count(name)).fold(0, usize::saturating_add);
                let name = text::attribute(element, &["name", "package"]).unwrap_or_default();
                self.suites.push(Suite { depth, name, counted, failed_before: self.failed });
            }
            "testcase" if self.case.is_none() => {
                self.found = true;
                self.case = Some(self.new_case(element));
            }
            name if self.verdict.is_none() && (self.case.is_some() || !self.suites.is_empty()) => {
                let verdict = verdict(name);
                self.verdict = verdict.map(|verdict| {
                    let message = text::attribute(element, &["message", "type"]).unwrap_or_default();
                    Open { verdict, message, text: String::new(), depth }
                });
            }
            _ => {}
        }
        Ok(())
    }

    fn new_case(&self, element: &BytesStart<'_>) -> Case {
        let attribute = |names: &[&str]| text::attribute(element, names);
        let class = attribute(&["classname", "class", "group"]).filter(|class| !class.is_empty());
        let unnamed = || class.clone().unwrap_or_else(|| format!("test {}", self.report.cases.len() + 1));
        let states = ["status", "result"].map(|name| attribute(&[name]).unwrap_or_default());
        let name = attribute(&["name"]).filter(|name| !name.is_empty()).unwrap_or_else(unnamed);
        Case {
            suite: self.suite(),
            class,
            outcome: states.iter().find_map(|state| stated(state)).unwrap_or(Outcome::Passed),
            duration_ms: attribute(&["time", "duration"]).map_or(0, |time| duration::millis(&time)),
            ..Case::named(name)
        }
    }

    /// The names of the open suites, outermost first.
    fn suite(&self) -> Option<String> {
        let names: Vec<&str> = self.suites.iter().map(|suite| suite.name.as_str()).filter(|name| !name.is_empty()).collect();
        (!names.is_empty()).then(|| names.join(" > "))
    }

    fn add_text(&mut self, part: &str) {
        if let Some(open) = &mut self.verdict {
            let room = MESSAGE_MAX.saturating_sub(open.text.len());
            open.text.push_str(&part[..part.floor_char_boundary(room)]);
        }
    }

    fn end(&mut self) -> Result<(), String> {
        let depth = self.open.len();
        let Some(name) = self.open.pop() else { return Ok(()) };
        if let Some(open) = self.verdict.take_if(|open| open.depth == depth) {
            self.add_verdict(open);
        }
        match name.as_str() {
            "testsuite" => {
                if let Some(suite) = self.suites.pop_if(|suite| suite.depth == depth) {
                    self.check_count(suite);
                }
            }
            "testcase" if !self.open.iter().any(|open| open == "testcase") => {
                let case = self.case.take();
                self.failed += usize::from(case.as_ref().is_some_and(|case| case.outcome.is_failure()));
                self.report.cases.extend(case);
                if self.report.cases.len() >= TESTS_MAX {
                    return Err(format!("more than {TESTS_MAX} tests"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A suite that counts failures of which it shows none, such as one that could not be loaded, is a fault.
    fn check_count(&mut self, suite: Suite) {
        if suite.counted > 0 && self.failed == suite.failed_before {
            let (file, name) = (self.file.to_owned(), truncate(&suite.name, 80));
            self.report.faults.push(message!("tests.report_counts", file, suite = name, count = suite.counted));
            // Once, not for each suite around it.
            self.failed += 1;
        }
    }

    fn add_verdict(&mut self, open: Open) {
        // Some runners write the first line into the attribute and the full message into the text.
        let message = if open.text.trim_start().starts_with(open.message.trim()) { open.text } else { open.message };
        match (&mut self.case, open.verdict) {
            (Some(case), Verdict::Flaky) => case.flaky = true,
            (Some(case), Verdict::Outcome(outcome)) => {
                // The first failure stays; it outweighs everything else.
                if !case.outcome.is_failure() || case.message.is_empty() && outcome.is_failure() {
                    (case.outcome, case.message) = (outcome, message);
                }
            }
            // Of the suite itself, such as its set-up.
            (None, Verdict::Outcome(outcome)) if outcome.is_failure() => {
                let suite = self.suite();
                let name = self.suites.last().map_or(String::new(), |suite| suite.name.clone());
                let name = if name.is_empty() { "suite".to_owned() } else { name };
                self.failed += 1;
                self.report.cases.push(Case { suite, outcome, message, ..Case::named(name) });
            }
            (None, _) => {}
        }
    }
}

fn verdict(element: &str) -> Option<Verdict> {
    Some(match element {
        "failure" | "rerunFailure" => Verdict::Outcome(Outcome::Failed),
        "error" | "rerunError" => Verdict::Outcome(Outcome::Error),
        "skipped" | "skip" | "ignored" | "disabled" => Verdict::Outcome(Outcome::Skipped),
        "flakyFailure" | "flakyError" => Verdict::Flaky,
        _ => return None,
    })
}

/// The outcome by an attribute `status` or `result`; `None` if it says that the test ran.
fn stated(state: &str) -> Option<Outcome> {
    match state.trim().to_ascii_lowercase().as_str() {
        "notrun" | "not run" | "not_run" | "disabled" | "suppressed" | "skipped" | "skip" | "ignored" | "pending"
        | "inconclusive" => Some(Outcome::Skipped),
        "failed" | "failure" | "fail" => Some(Outcome::Failed),
        "error" | "errored" | "broken" => Some(Outcome::Error),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
