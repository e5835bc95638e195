//! The versions of a task: what each changed.

use chrono_tz::Tz;
use serde::Serialize;
use serde_json::Value;

use super::task_form::{Difference, differences};
use super::tasks::task_href;
use super::{Moment, View};
use crate::domain::task::Version;
use crate::web::form::{self, Values};
use crate::web::urls::with_query;

/// All versions of a task, a hundred at a time.
#[derive(Debug, Clone, Serialize)]
pub struct VersionList {
    pub task_id: String,
    pub task_href: String,
    pub versions: Vec<VersionRow>,
    /// Where the older ones are; empty: there are none.
    pub older: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VersionRow {
    pub number: i64,
    pub at: Moment,
    pub author: String,
    /// The task as it is.
    pub present: bool,
    /// The version before it is not known: nothing can be said of what changed.
    pub first: bool,
    pub changes: Vec<Difference>,
    /// The address of the question whether to restore it; empty: it cannot be restored.
    pub restore: String,
}

/// The address of a question about a version, or of the answer to it. `known` is the version that the reader saw.
pub fn restore_href(id: &str, number: i64, known: i64) -> String {
    let pairs = [("version", &number.to_string() as &str), ("known", &known.to_string())];
    with_query(&format!("{}/restore", task_href(id)), &pairs)
}

/// Versions as rows, newest first as they come; each is compared with the next older one. `present` is the task's own number.
pub fn rows(id: &str, versions: &[Version], present: i64, zone: Tz) -> Vec<VersionRow> {
    let row = |(place, version): (usize, &Version)| {
        let older = versions.get(place + 1);
        VersionRow {
            number: version.version,
            at: Moment::new(version.at, zone),
            author: version.author.clone(),
            present: version.version == present,
            first: older.is_none(),
            changes: older.map(|older| changes(&older.content, &version.content)).unwrap_or_default(),
            restore: if version.version == present { String::new() } else { restore_href(id, version.version, present) },
        }
    };
    versions.iter().enumerate().map(row).collect()
}

/// The fields in which one content differs from another.
fn changes(before: &Value, after: &Value) -> Vec<Difference> {
    let values = |content: &Value| -> Values {
        let mut values = content.as_object().map(form::to_values).unwrap_or_default();
        values.retain(|_, text| !text.is_empty());
        values
    };
    differences(&values(before), &values(after))
}

impl VersionRow {
    pub fn samples() -> Vec<VersionRow> {
        let difference =
            |theirs: &str, mine: &str| Difference { field: "/name".into(), theirs: theirs.into(), mine: mine.into() };
        let row = |number, changes| VersionRow {
            number,
            at: Moment::new(chrono::DateTime::UNIX_EPOCH, Tz::UTC),
            author: "<b>".into(),
            present: number == 3,
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
    fn a_version_is_compared_with_the_one_before_it() {
        let version =
            |number, content| Version { version: number, at: chrono::DateTime::UNIX_EPOCH, author: "a".into(), content };
        let newest = json!({"id": "x", "name": "b", "description": "", "trigger": {"type": "cron", "hour": 9}});
        let oldest = json!({"id": "x", "name": "a", "trigger": {"type": "cron", "hour": 8}});
        let rows = rows("x", &[version(2, newest), version(1, oldest)], 2, Tz::UTC);
        let fields: Vec<_> =
            rows[0].changes.iter().map(|one| (one.field.as_str(), one.theirs.as_str(), one.mine.as_str())).collect();
        assert_eq!(fields, [("/name", "a", "b"), ("/trigger/hour", "8", "9")]);
        assert!(rows[0].present && !rows[0].first && rows[1].first && rows[1].changes.is_empty());
        assert_eq!(rows[1].restore, "/tasks/x/restore?version=1&known=2");
    }
}
