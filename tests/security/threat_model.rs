//! The threat model in `docs/security.md` names the tests that hold it.

use std::path::Path;

/// The rows of the tables with a column of tests.
fn rows(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| line.starts_with('|') && line.matches(" | ").count() == 2 && !line.starts_with("| ---"))
}

/// The tests named in a row: file and function.
fn named(row: &str) -> Vec<(&str, &str)> {
    row.split('`').filter_map(|part| part.split_once(".rs::")).collect()
}

#[test]
fn every_line_of_the_threat_model_names_existing_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("docs/security.md")).expect("the threat model");
    let mut checked = 0;
    for row in rows(&text).filter(|row| !row.starts_with("| attack |")) {
        let tests = named(row);
        assert!(!tests.is_empty(), "names no test: {row}");
        for (file, name) in tests {
            let source = std::fs::read_to_string(root.join(format!("{file}.rs"))).unwrap_or_default();
            assert!(source.contains(&format!("fn {name}(")), "{file}.rs has no test {name}");
            checked += 1;
        }
    }
    assert!(checked > 50, "{checked}");
}
