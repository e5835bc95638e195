//! View of the versions of a task and their changes.

use chrono_tz::Tz;
use serde::Serialize;
use serde_json::Value;

use super::task_form::{Difference, differences};
use super::tasks::task_href;
use super::{Moment, View};
use crate::domain::task::Version;
use crate::web::form::{self, Values};
use crate::web::urls::with_query;

/// One page of a task's versions.
#[derive(Debug, Clone, Serialize)]
pub struct VersionList {
    pub task_id: String,
    pub task_href: String,
    pub versions: Vec<VersionRow>,
    /// URL of the older versions; empty if there are none.
    pub older: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VersionRow {
    pub number: i64,
    pub at: Moment,
    pub author: String,
    /// Whether it is the task's current version.
    pub current: bool,
    /// Whether no older version is known, so that there are no changes to show.
    pub first: bool,
    pub changes: Vec<Difference>,
    /// URL of the confirmation to restore it; empty if it cannot be restored.
    pub restore: String,
}

/// Returns the URL that restores a version. `known` is the current version that the user saw.
pub fn restore_href(id: &str, number: i64, known: i64) -> String {
    let pairs = [("version", &number.to_string() as &str), ("known", &known.to_string())];
    with_query(&format!("{}/restore", task_href(id)), &pairs)
}

/// Builds rows from versions, newest first; each is compared with the next older one. `current` is the task's version.
pub fn rows(id: &str, versions: &[Version], current: i64, zone: Tz) -> Vec<VersionRow> {
    let row = |(index, version): (usize, &Version)| {
        let older = versions.get(index + 1);
        VersionRow {
            number: version.version,
            at: Moment::new(version.at, zone),
            author: version.author.clone(),
            current: version.version == current,
            first: older.is_none(),
            changes: older.map(|older| changes(&older.content, &version.content)).unwrap_or_default(),
            restore: if version.version == current { String::new() } else { restore_href(id, version.version, current) },
        }
    };
    versions.iter().enumerate().map(row).collect()
}

/// Returns the fields that differ between two versions.
fn changes(before: &Value, after: &Value) -> Vec<Difference> {
    let values = |content: &Value| -> Values {
        let mut values = content.as_object().map(form::to_values).unwrap_or_default();
        values.retain(|_, text| !text.is_empty());
        values
    };
    differences(&values(before), &values(after))
}

impl VersionRow {
    /// Whether it only pauses or resumes the task.
    pub fn is_pausing(&self) -> bool {
        !self.changes.is_empty() && self.changes.iter().all(|change| change.field == "/enabled")
    }

    pub fn samples() -> Vec<VersionRow> {
        let difference =
            |theirs: &str, mine: &str| Difference { field: "/name".into(), theirs: theirs.into(), mine: mine.into() };
        let row = |number, changes| VersionRow {
            number,
            at: Moment::new(chrono::DateTime::UNIX_EPOCH, Tz::UTC),
            author: "<b>".into(),
            current: number == 3,
            first: number == 1,
            changes,
            restore: if number == 3 { String::new() } else { restore_href("x", number, 3) },
        };
        vec![row(3, vec![difference("<b>", ""), difference("", "a\nb")]), row(2, vec![]), row(1, vec![])]
    }
}

impl View for VersionList {
    const TEMPLATE: &'static str = "pages/versions.html";

    fn samples() -> Vec<Self> {
        let list = |older: &str| VersionList {
            task_id: "<b>".into(),
            task_href: "/tasks/b".into(),
            versions: VersionRow::samples(),
            older: older.into(),
        };
        vec![list(""), list("/tasks/b/versions?before=1")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn versions_are_compared_with_the_next_older_one() {
        let version =
            |number, content| Version { version: number, at: chrono::DateTime::UNIX_EPOCH, author: "a".into(), content };
        let newest = json!({"id": "x", "name": "b", "description": "", "trigger": {"type": "cron", "hour": 9}});
        let oldest = json!({"id": "x", "name": "a", "trigger": {"type": "cron", "hour": 8}});
        let rows = rows("x", &[version(2, newest), version(1, oldest)], 2, Tz::UTC);
        let fields: Vec<_> =
            rows[0].changes.iter().map(|one| (one.field.as_str(), one.theirs.as_str(), one.mine.as_str())).collect();
        assert_eq!(fields, [("/name", "a", "b"), ("/trigger/hour", "8", "9")]);
        assert!(rows[0].current && !rows[0].first && rows[1].first && rows[1].changes.is_empty());
        assert_eq!(rows[1].restore, "/tasks/x/restore?version=1&known=2");
    }
}
