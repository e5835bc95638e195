//! Parser of the Test Anything Protocol (TAP, versions 12 to 14). Subtests are not counted separately from their parent.

use super::report::{Case, Outcome, Report};
use crate::i18n::message;

/// Reads all top-level tests.
pub(super) fn read(text: &str) -> Report {
    let mut report = Report::default();
    let (mut planned, mut in_block) = (None, false);
    for line in text.lines() {
        if in_block {
            in_block = line.trim() != "...";
            block_line(line.trim(), report.cases.last_mut().filter(|_| in_block));
        } else if let Some(case) = case(line) {
            report.cases.push(case);
        } else if line.trim() == "---" && line.starts_with(' ') && !report.cases.is_empty() {
            in_block = true;
        } else if let Some(count) = plan(line) {
            planned = Some(count);
        } else if let Some(reason) = line.strip_prefix("Bail out!") {
            report.faults.push(message!("tests.bailed_out", reason = reason.trim()));
        }
    }
    let run = report.cases.len();
    if let Some(planned) = planned.filter(|planned| *planned > run) {
        report.faults.push(message!("tests.planned", planned, run));
    }
    report
}

fn case(line: &str) -> Option<Case> {
    let (passed, rest) = match line.strip_prefix("not ok") {
        Some(rest) => (false, rest),
        None => (true, line.strip_prefix("ok")?),
    };
    if !(rest.is_empty() || rest.starts_with(' ')) {
        return None;
    }
    let rest = rest.trim_start();
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = rest.split_at(digits);
    let (text, directive) = rest.split_once(" # ").unwrap_or((rest, ""));
    let name = text.trim().trim_start_matches("- ").trim();
    let directive = directive.trim().to_ascii_lowercase();
    let outcome = match passed {
        _ if directive.starts_with("skip") => Outcome::Skipped,
        false if directive.starts_with("todo") => Outcome::Skipped,
        true => Outcome::Passed,
        false => Outcome::Failed,
    };
    let name = if name.is_empty() { format!("test {number}") } else { name.to_owned() };
    Some(Case { class: None, name, outcome, message: String::new(), duration_ms: 0 })
}

/// Reads duration and message from a line of the diagnostic block below a test.
fn block_line(line: &str, case: Option<&mut Case>) {
    let (Some(case), Some((key, value))) = (case, line.split_once(':')) else { return };
    let value = value.trim().trim_matches(['"', '\'']);
    match key.trim() {
        "duration_ms" => case.duration_ms = value.parse::<f64>().map_or(0, |ms| ms.max(0.0) as u64),
        "message" | "error" if case.message.is_empty() => value.clone_into(&mut case.message),
        _ => {}
    }
}

fn plan(line: &str) -> Option<usize> {
    line.strip_prefix("1..")?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "TAP version 13\n# Subtest: adds\n    ok 1 - inner\n    1..1\nok 1 - adds\n  ---\n  duration_ms: 12.7\n  ...\n\
        not ok 2 - divides\n  ---\n  duration_ms: 3\n  error: 'by zero'\n  ...\nok 3 - later # SKIP no network\n\
        not ok 4 - one day # TODO\nok 5\nokay then\n";

    #[test]
    fn directives_and_diagnostic_blocks_are_read() {
        let report = read(&format!("{TEXT}1..5\n"));
        let found: Vec<_> = report.cases.iter().map(|case| (case.name.as_str(), case.outcome, case.duration_ms)).collect();
        let expected = [
            ("adds", Outcome::Passed, 12),
            ("divides", Outcome::Failed, 3),
            ("later", Outcome::Skipped, 0),
            ("one day", Outcome::Skipped, 0),
            ("test 5", Outcome::Passed, 0),
        ];
        assert_eq!((found.as_slice(), report.faults.len()), (expected.as_slice(), 0));
        assert_eq!(report.cases[1].message, "by zero");
    }

    #[test]
    fn incomplete_runs_are_faults() {
        assert_eq!(read(&format!("1..9\n{TEXT}")).faults[0].to_string(), "9 tests were planned, 5 ran");
        assert_eq!(read("ok 1\nBail out! no database\n").faults[0].to_string(), "the test run bailed out: no database");
    }
}
