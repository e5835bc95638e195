//! Names of the formats of reports that are not JUnit XML.

use crate::domain::input::truncate;
use crate::i18n::{Message, message};

/// Root elements of other formats, in lower case.
const ROOTS: [(&str, &str); 17] = [
    ("test-run", "NUnit 3 XML"),
    ("test-results", "NUnit 2 XML"),
    ("testrun", "TRX (Visual Studio)"),
    ("assemblies", "xUnit.net XML"),
    ("assembly", "xUnit.net XML"),
    ("testng-results", "TestNG XML"),
    ("robot", "Robot Framework XML"),
    ("site", "CTest XML"),
    ("testexecutions", "SonarQube XML"),
    ("coverage", "a coverage report"),
    ("report", "a JaCoCo coverage report"),
    ("checkstyle", "Checkstyle XML"),
    ("testsuitereport", "Boost.Test XML"),
    ("testlog", "Boost.Test XML"),
    ("testresult", "Boost.Test XML"),
    ("catch", "Catch2 XML"),
    ("html", "HTML"),
];

/// Why a text without any element of JUnit is refused; `error` is what the parser says.
pub(super) fn refusal(text: &str, file: &str, error: Option<&str>) -> Message {
    let start = text.trim_start();
    let unparsable = |error: &str| message!("tests.report_unparsable", file, error = truncate(error, 200));
    if start.is_empty() {
        return message!("tests.report_empty", file);
    }
    let Some(root) = root(start) else {
        return match plain(start) {
            Some(dialect) => message!("tests.report_dialect", file, dialect),
            None => message!("tests.report_plain", file, start = truncate(start.lines().next().unwrap_or_default(), 60)),
        };
    };
    let known = ROOTS.iter().find(|(name, _)| root.eq_ignore_ascii_case(name));
    match (known, error) {
        (Some((_, dialect)), _) => message!("tests.report_dialect", file, dialect = *dialect),
        (None, Some(error)) => unparsable(error),
        (None, None) => message!("tests.report_root", file, root = truncate(root, 60)),
    }
}

/// The local name of the first element; `None` for a text that is no XML.
fn root(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        rest = rest.trim_start().strip_prefix('<')?;
        rest = if let Some(comment) = rest.strip_prefix("!--") {
            comment.split_once("-->")?.1
        } else if rest.starts_with(['?', '!']) {
            rest.split_once('>')?.1
        } else {
            let name = rest.split(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).next()?;
            return name.rsplit(':').next().filter(|name| name.starts_with(char::is_alphabetic));
        };
    }
}

fn plain(text: &str) -> Option<&'static str> {
    let tap = |line: &str| {
        line.starts_with("TAP version") || line.starts_with("1..") || line.starts_with("ok ") || line.starts_with("not ok ")
    };
    match text.chars().next()? {
        _ if text.lines().next().is_some_and(tap) => Some("TAP"),
        '{' | '[' => Some("JSON"),
        _ => None,
    }
}
