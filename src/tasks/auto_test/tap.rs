//! Parser of the Test Anything Protocol (TAP, versions 12 to 14). Of a test with subtests, the subtests are the tests of the report.

use super::report::{Case, Outcome, Report};
use crate::i18n::message;

mod block;
mod line;

use block::Block;
use line::Point;

/// Reads all tests, those of nested subtests by the names of all levels: `parent > child`.
pub(super) fn read(text: &str) -> Report {
    let mut parser = Parser::default();
    text.lines().for_each(|line| parser.line(line));
    parser.finish()
}

/// The tests of one level of indentation.
#[derive(Default)]
struct Level {
    planned: Option<usize>,
    run: usize,
    /// The place of its first test in the report.
    first_case: usize,
}

#[derive(Default)]
struct Parser {
    report: Report,
    /// The open levels; the first is that of the whole output.
    levels: Vec<Level>,
    block: Option<Block>,
    /// The place of the test to which a block belongs; `None` after a test that consists of its subtests.
    last_case: Option<usize>,
    /// Why all tests were skipped.
    skipped: Option<String>,
}

impl Parser {
    fn line(&mut self, text: &str) {
        let indent = text.len() - text.trim_start_matches(' ').len();
        if let Some(block) = self.block.as_mut().filter(|block| block.holds(text)) {
            let case = self.last_case.and_then(|place| self.report.cases.get_mut(place));
            if block.line(text, case) {
                self.block = None;
            }
            return;
        }
        self.block = None;
        let (depth, line) = (indent / line::INDENT, &text[indent..]);
        if line.trim_end() == "---" && indent > 0 {
            self.block = Some(Block::new(indent));
        } else if let Some(reason) = line::bail_out(line) {
            self.report.faults.push(message!("tests.bailed_out", reason));
        } else if !indent.is_multiple_of(line::INDENT) {
            // Subtests are indented by whole levels; other lines are output of the tests.
        } else if let Some(point) = line::point(line) {
            self.point(depth, point);
        } else if let Some((planned, reason)) = line::plan(line) {
            self.open(depth).planned = Some(planned);
            if planned == 0 && depth == 0 {
                self.skipped = Some(reason.to_owned());
            }
        }
    }

    /// Opens levels down to `depth` and returns the innermost.
    fn open(&mut self, depth: usize) -> &mut Level {
        let first_case = self.report.cases.len();
        if self.levels.len() <= depth {
            self.levels.resize_with(depth + 1, || Level { first_case, ..Level::default() });
        }
        &mut self.levels[depth]
    }

    fn point(&mut self, depth: usize, point: Point) {
        self.open(depth).run += 1;
        let number = self.levels[depth].run;
        let case = point.into_case(number);
        let children = self.close(depth + 1);
        let Some(first) = children else {
            self.last_case = Some(self.report.cases.len());
            self.report.cases.push(case);
            return;
        };
        let subtests = &mut self.report.cases[first..];
        for subtest in &mut *subtests {
            subtest.name = format!("{} > {}", case.name, subtest.name);
            if case.outcome == Outcome::Skipped && subtest.outcome.is_failure() {
                subtest.outcome = Outcome::Skipped;
            }
        }
        // A test may fail although none of its subtests did, for example when its clean-up fails.
        let unexplained = case.outcome.is_failure() && !subtests.iter().any(|subtest| subtest.outcome.is_failure());
        self.last_case = (unexplained || subtests.is_empty()).then(|| {
            self.report.cases.push(case);
            self.report.cases.len() - 1
        });
    }

    /// Ends the levels from `depth` on. Returns the place of their first test, if there were any.
    fn close(&mut self, depth: usize) -> Option<usize> {
        let first = self.levels.get(depth)?.first_case;
        for level in self.levels.split_off(depth) {
            self.check_plan(&level);
        }
        Some(first)
    }

    fn check_plan(&mut self, level: &Level) {
        if let Some(planned) = level.planned.filter(|planned| *planned != level.run) {
            self.report.faults.push(message!("tests.planned", planned, run = level.run));
        }
    }

    fn finish(mut self) -> Report {
        if self.levels.len() > 1 {
            self.report.faults.push(message!("tests.subtest_unfinished"));
        }
        self.close(0);
        if let Some(reason) = self.skipped.filter(|_| self.report.cases.is_empty()) {
            let name = if reason.is_empty() { "all tests".to_owned() } else { reason };
            self.report.cases.push(Case { outcome: Outcome::Skipped, ..Case::named(name) });
        }
        self.report
    }
}

#[cfg(test)]
mod tests;
