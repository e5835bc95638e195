//! Reader of JUnit XML reports. Only files written by this run are read, so that an old report is not taken for a new one when
//! the suite fails to start.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use junit_parser::{TestCase, TestStatus, TestSuite, TestSuites};

use super::params::{Format, Params};
use super::report::{Case, Outcome, Report};
use crate::domain::input::truncate;
use crate::i18n::{Message, message};
use crate::tasks::RunError;

/// Maximum number of report files.
const FILES_MAX: usize = 1_000;
/// Maximum size of a report file, in bytes.
const SIZE_MAX: u64 = 64 << 20;

/// The files that match the pattern, with their versions before the run.
pub(super) struct Reports {
    /// The absolute path of the report files, with wildcards.
    pattern: String,
    before: HashMap<PathBuf, FileVersion>,
}

/// Modification time and size, which change when a file is rewritten.
type FileVersion = (Option<SystemTime>, u64);

impl Reports {
    /// Records the files that exist before the run.
    pub async fn snapshot(params: &Params) -> Result<Reports, RunError> {
        let folder = params.cwd.clone().unwrap_or_default();
        let report = params.report.clone().filter(|_| params.format == Format::Junit);
        blocking(move || {
            let Some(report) = report else { return Ok(Reports { pattern: String::new(), before: HashMap::new() }) };
            let folder = std::path::absolute(if folder.as_os_str().is_empty() { Path::new(".") } else { &folder });
            let folder = folder.map_err(|error| RunError::fail(message!("tests.cwd", error = error.to_string())))?;
            let pattern = format!("{}/{report}", glob::Pattern::escape(&folder.display().to_string()));
            let before = find(&pattern)?.into_iter().collect();
            Ok(Reports { pattern, before })
        })
        .await
    }

    /// Reads the files that are new or changed since the snapshot. A file that cannot be parsed is a fault of the report.
    pub async fn read(self) -> Result<Report, RunError> {
        blocking(move || {
            let mut report = Report::default();
            for (path, version) in find(&self.pattern)? {
                if self.before.get(&path) != Some(&version) {
                    read_file(&path, version.1, &mut report);
                }
            }
            Ok(report)
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, RunError> + Send + 'static) -> Result<T, RunError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| RunError::internal(&error))?
}

fn find(pattern: &str) -> Result<Vec<(PathBuf, FileVersion)>, RunError> {
    let paths = glob::glob(pattern).map_err(|error| RunError::fail(Message::verbatim(error.to_string()).of("report")))?;
    let with_version = |path: PathBuf| {
        let metadata = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
        Some((path, (metadata.modified().ok(), metadata.len())))
    };
    Ok(paths.filter_map(Result::ok).filter_map(with_version).take(FILES_MAX).collect())
}

fn read_file(path: &Path, size: u64, report: &mut Report) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let file = name.as_str();
    let unparsable = |error: &str| message!("tests.report_unparsable", file, error = truncate(error, 200));
    let parsed = match read_bounded(path) {
        Ok(bytes) if size > SIZE_MAX || bytes.len() as u64 > SIZE_MAX => {
            Err(message!("tests.report_too_large", file, max = SIZE_MAX >> 20))
        }
        Ok(bytes) => parse(&String::from_utf8_lossy(&bytes)).map_err(|error| unparsable(&error)),
        Err(error) => Err(unparsable(&error.to_string())),
    };
    match parsed {
        Ok(suites) => report.cases.extend(cases(suites)),
        Err(fault) => report.faults.push(fault),
    }
    report.files.push(path.display().to_string());
}

/// The bytes of a file, at most one more than allowed.
fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(SIZE_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn parse(xml: &str) -> Result<TestSuites, String> {
    junit_parser::from_reader(references::encode(xml).as_bytes()).map_err(|error| error.to_string())
}

/// The tests of all suites. The totals of the root element are optional and often missing, so they are not used.
fn cases(suites: TestSuites) -> Vec<Case> {
    let mut found = Vec::new();
    let mut pending: Vec<TestSuite> = suites.suites.into_iter().rev().collect();
    while let Some(TestSuite { cases, suites, .. }) = pending.pop() {
        found.extend(cases.into_iter().map(case));
        pending.extend(suites.into_iter().rev());
    }
    found
}

fn case(case: TestCase) -> Case {
    // Some runners write the first line into the attribute and the full message into the text.
    let message = |message: String, text: String| if text.trim_start().starts_with(message.trim()) { text } else { message };
    let (outcome, message) = match case.status {
        TestStatus::Success => (Outcome::Passed, String::new()),
        TestStatus::Failure(failure) => (Outcome::Failed, message(failure.message, failure.text)),
        TestStatus::Error(error) => (Outcome::Error, message(error.message, error.text)),
        TestStatus::Skipped(skipped) => (Outcome::Skipped, message(skipped.message, skipped.text)),
    };
    Case {
        class: case.classname.or(case.group).map(|class| references::decode(&class)),
        name: references::decode(&case.original_name),
        outcome,
        message: references::decode(&message),
        duration_ms: (case.time * 1000.0).clamp(0.0, 1e15) as u64,
    }
}

/// Workaround for the parser, which drops references in texts (`&apos;`, `&#10;`): the five predefined entities are encoded as
/// private-use characters before parsing and decoded afterwards; other character references are replaced by their character.
mod references {
    const NAMED: [(&str, char, char); 5] = [
        ("lt", '<', '\u{f8f0}'),
        ("gt", '>', '\u{f8f1}'),
        ("amp", '&', '\u{f8f2}'),
        ("quot", '"', '\u{f8f3}'),
        ("apos", '\'', '\u{f8f4}'),
    ];

    pub fn encode(xml: &str) -> String {
        let mut parts = xml.split('&');
        let mut encoded = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            match part.split_once(';').and_then(|(name, rest)| Some((character(name)?, rest))) {
                Some((character, rest)) => {
                    encoded.push(
                        NAMED
                            .iter()
                            .find(|(_, plain, _)| *plain == character)
                            .map_or(character, |(.., placeholder)| *placeholder),
                    );
                    encoded.push_str(rest);
                }
                None => {
                    encoded.push('&');
                    encoded.push_str(part);
                }
            }
        }
        encoded
    }

    pub fn decode(text: &str) -> String {
        let plain = |c: char| NAMED.iter().find(|(.., placeholder)| *placeholder == c).map_or(c, |(_, plain, _)| *plain);
        text.chars().map(plain).collect()
    }

    fn character(name: &str) -> Option<char> {
        if let Some((_, plain, _)) = NAMED.iter().find(|(known, ..)| *known == name) {
            return Some(*plain);
        }
        let number = name.strip_prefix('#')?;
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        char::from_u32(code.ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(xml: &str) -> Report {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.xml");
        std::fs::write(&path, xml).unwrap();
        let mut report = Report::default();
        read_file(&path, 1, &mut report);
        report
    }

    #[test]
    fn nested_suites_are_read() {
        let report = read(
            r#"<?xml version="1.0"?><testsuites><testsuite name="a"><testcase name="x" classname="A" time="1.5"/>
            <testsuite name="b"><testcase name="y"><failure message="1 != 2">1 !&#61; 2&#10;at &lt;b&gt; &amp; &apos;c&apos;</failure></testcase>
            <testcase name="z"><error>broke</error></testcase><testcase name="s"><skipped/></testcase></testsuite>
            </testsuite></testsuites>"#,
        );
        let found: Vec<_> = report.cases.iter().map(|case| (case.key(), case.outcome, case.message.as_str())).collect();
        let expected = [
            ("A::x".to_owned(), Outcome::Passed, ""),
            ("y".to_owned(), Outcome::Failed, "1 != 2\nat <b> & 'c'"),
            ("z".to_owned(), Outcome::Error, "broke"),
            ("s".to_owned(), Outcome::Skipped, ""),
        ];
        assert_eq!(found, expected);
        assert_eq!((report.cases[0].duration_ms, report.pass_rate()), (1500, Some(33.33)));
    }

    #[test]
    fn invalid_report_is_a_fault() {
        assert!(read("<testsuites><testsuite>").faults[0].to_string().starts_with("cannot parse report r.xml: "));
        assert!(read("no xml").faults[0].to_string().contains("r.xml"));
    }
}
