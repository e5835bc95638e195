//! The examples of `docs/triggers.md`: every row of its example tables is checked against the code.

use belfry::domain::trigger::Trigger;
use belfry::i18n::Language;
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::trigger;

const DOCUMENT: &str = include_str!("../../docs/triggers.md");

/// Returns the cells of all rows below tables with this header, each with its line number.
fn rows(header: &str) -> Vec<(usize, Vec<&'static str>)> {
    let mut found = Vec::new();
    let mut in_table = false;
    for (number, line) in DOCUMENT.lines().enumerate() {
        if !line.starts_with('|') {
            in_table = false;
        } else if line == header {
            in_table = true;
        } else if in_table && !line.starts_with("| ---") {
            let cells = line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect();
            found.push((number + 1, cells));
        }
    }
    found
}

fn rule(line: usize, json: &str) -> Trigger {
    let value: Value = serde_json::from_str(json).unwrap_or_else(|error| panic!("docs/triggers.md:{line}: {error}"));
    trigger(&value)
}

/// Parses `2025-03-09 03:00 -04:00`, with seconds if they are not 0.
fn time(line: usize, text: &str) -> DateTime<Utc> {
    let parsed =
        DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S %:z").or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M %:z"));
    parsed.unwrap_or_else(|error| panic!("docs/triggers.md:{line}: '{text}': {error}")).to_utc()
}

fn show(at: &DateTime<chrono_tz::Tz>) -> String {
    let text = at.format("%Y-%m-%d %H:%M:%S %:z").to_string();
    text.replacen(":00 ", " ", 1)
}

#[test]
fn firings_in_the_documentation_are_correct() {
    let rows = rows("| rule (JSON) | after | fires at |");
    assert!(rows.len() >= 20, "only {} rows found in docs/triggers.md", rows.len());
    let mut wrong = Vec::new();
    for (line, cells) in rows {
        let [json, after, expected] = cells[..] else { panic!("docs/triggers.md:{line}: a row must have three cells") };
        let (rule, after) = (rule(line, json), time(line, after));
        let count = expected.split(", ").count();
        let mut found: Vec<String> = rule.preview(after, count).iter().map(show).collect();
        if found.len() < count {
            found.push("none".to_owned());
        }
        if found.join(", ") != expected {
            wrong
                .push(format!("docs/triggers.md:{line}: {json}\n    documented {expected}\n    found      {}", found.join(", ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn texts_and_descriptions_in_the_documentation_are_correct() {
    let rows = rows("| trigger (JSON) | text | description |");
    assert!(!rows.is_empty(), "no rows found in docs/triggers.md");
    for (line, cells) in rows {
        let [json, text, description] = cells[..] else { panic!("docs/triggers.md:{line}: a row must have three cells") };
        let rule = rule(line, json);
        assert_eq!(
            (rule.text().as_str(), rule.describe(Language::English).as_str()),
            (text, description),
            "docs/triggers.md:{line}"
        );
    }
}
