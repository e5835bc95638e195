//! Lines of TAP: test points, plans and bail-outs.

use crate::tasks::auto_test::report::{Case, Outcome};

/// Blanks by which each level of subtests is indented.
pub(super) const INDENT: usize = 4;

/// A test point: `not ok 2 - name # TODO later`.
pub(super) struct Point {
    passed: bool,
    /// Empty if there is none.
    number: String,
    name: String,
    directive: Option<Directive>,
    duration_ms: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Directive {
    Skip,
    Todo,
}

impl Point {
    /// The test; one without a name is named by its number, else by its place.
    pub fn into_case(self, place: usize) -> Case {
        let outcome = match (self.directive, self.passed) {
            (Some(Directive::Skip), _) | (Some(Directive::Todo), false) => Outcome::Skipped,
            (_, true) => Outcome::Passed,
            (_, false) => Outcome::Failed,
        };
        let number = if self.number.is_empty() { place.to_string() } else { self.number };
        let name = if self.name.is_empty() { format!("test {number}") } else { self.name };
        Case { outcome, duration_ms: self.duration_ms, ..Case::named(name) }
    }
}

/// Reads a test point; `line` is not indented.
pub(super) fn point(line: &str) -> Option<Point> {
    let (passed, rest) = match line.strip_prefix("not ok") {
        Some(rest) => (false, rest),
        None => (true, line.strip_prefix("ok")?),
    };
    if !(rest.is_empty() || rest.starts_with([' ', '\t'])) {
        return None;
    }
    let rest = rest.trim();
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    // Digits with more behind them are part of the name: `ok 3rd`.
    let digits = if rest[digits..].starts_with(|c: char| !c.is_whitespace() && c != '#') { 0 } else { digits };
    let (number, rest) = rest.split_at(digits);
    let (text, comment) = split_comment(rest);
    let directive = comment.and_then(directive);
    let duration_ms = comment.and_then(duration);
    let text = if directive.is_some() || duration_ms.is_some() { text } else { rest };
    let text = text.trim().strip_prefix('-').map_or(text.trim(), str::trim);
    // A brace opens a block of subtests in some producers.
    let text = text.strip_suffix(" {").unwrap_or(text);
    let name = text.replace("\\#", "#").replace("\\\\", "\\");
    Some(Point { passed, number: number.to_owned(), name, directive, duration_ms: duration_ms.unwrap_or_default() })
}

/// Splits at the first `#` that is not escaped and introduces a directive or a duration.
fn split_comment(text: &str) -> (&str, Option<&str>) {
    let is_comment = |place: &usize| {
        let before = text[..*place].chars().next_back();
        let comment = &text[place + 1..];
        before.is_none_or(char::is_whitespace) && (directive(comment).is_some() || duration(comment).is_some())
    };
    let place = text.match_indices('#').map(|(place, _)| place).find(is_comment);
    place.map_or((text, None), |place| (&text[..place], Some(&text[place + 1..])))
}

/// A directive is a whole word: `skip`, but not `skipping`.
fn directive(comment: &str) -> Option<Directive> {
    let word: String = comment.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    match word.to_ascii_lowercase().as_str() {
        "skip" => Some(Directive::Skip),
        "todo" => Some(Directive::Todo),
        _ => None,
    }
}

/// The milliseconds of `time=12.5ms`.
fn duration(comment: &str) -> Option<u64> {
    let number = comment.trim().strip_prefix("time=")?.strip_suffix("ms")?;
    number.parse::<f64>().ok().map(|ms| ms.clamp(0.0, 1e15) as u64)
}

/// Reads `1..5` or `1..0 # SKIP reason`: the number of tests and the reason.
pub(super) fn plan(line: &str) -> Option<(usize, &str)> {
    let rest = line.strip_prefix("1..")?.trim();
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = rest.split_at(digits);
    let comment = rest.trim_start();
    if !(comment.is_empty() || comment.starts_with('#')) {
        return None;
    }
    let comment = comment.trim_start_matches(['#', ' ']);
    let reason = if directive(comment).is_some() { comment[4..].trim_start_matches([':', ' ', '-']) } else { comment };
    Some((number.parse().ok()?, reason.trim()))
}

/// The reason of `Bail out! reason`.
pub(super) fn bail_out(line: &str) -> Option<&str> {
    const WORDS: &str = "Bail out!";
    let (start, reason) = line.split_at_checked(WORDS.len())?;
    start.eq_ignore_ascii_case(WORDS).then(|| reason.trim())
}
