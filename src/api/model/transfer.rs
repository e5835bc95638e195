//! What an import did, as answers show it.

use poem_openapi::Object;

use super::instant;
use super::named::{AnyValue, Instant};
use crate::domain::transfer::{Change, Difference};
use crate::service::{Brought, ImportOutcome};

/// What an import did, or would do.
#[derive(Default, Object)]
#[oai(read_only_all)]
pub struct ImportResult {
    /// Whether it is saved; false for a dry run.
    applied: bool,
    /// Tasks of the document that are already as it says.
    unchanged: i64,
    /// What is created and changed, in the document's order, then what is deleted.
    changes: Vec<ImportChange>,
    /// Secrets that the document names and that are not set here.
    missing_secrets: Vec<String>,
}

/// What was brought of a history.
#[derive(Default, Object)]
#[oai(rename = "ImportedExecutions", read_only_all)]
pub struct BroughtView {
    /// Executions that are new here.
    inserted: i64,
    /// Those that were here already.
    known: i64,
}

impl From<Brought> for BroughtView {
    fn from(brought: Brought) -> Self {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        Self { inserted: number(brought.inserted), known: number(brought.known) }
    }
}

/// What is done to one task.
#[derive(Default, Object)]
#[oai(read_only_all)]
pub struct ImportChange {
    /// `create`, `update` or `delete`.
    action: String,
    /// The task's id.
    id: String,
    /// The task type.
    #[oai(rename = "type")]
    task_type: String,
    /// The members that differ, where the task changes.
    differences: Vec<ImportDifference>,
    /// The next three firings as they are; empty where there are none.
    firings_before: Vec<Instant>,
    /// The next three firings as they will be.
    firings_after: Vec<Instant>,
}

/// A member of a task that differs.
#[derive(Default, Object)]
#[oai(read_only_all)]
pub struct ImportDifference {
    /// A JSON Pointer into the task.
    pointer: String,
    /// As it is; null where it is not there.
    before: AnyValue,
    /// As it will be; null where it is left out.
    after: AnyValue,
}

impl From<ImportOutcome> for ImportResult {
    fn from(outcome: ImportOutcome) -> Self {
        Self {
            applied: outcome.applied,
            unchanged: i64::try_from(outcome.unchanged).unwrap_or(i64::MAX),
            changes: outcome.changes.into_iter().map(ImportChange::from).collect(),
            missing_secrets: outcome.missing_secrets,
        }
    }
}

impl From<Change> for ImportChange {
    fn from(change: Change) -> Self {
        let shown = |firings: Vec<chrono::DateTime<chrono_tz::Tz>>| -> Vec<Instant> {
            firings.into_iter().map(|at| instant(at.to_utc(), at.timezone())).collect()
        };
        Self {
            action: change.kind.as_str().to_owned(),
            id: change.id,
            task_type: change.task_type,
            differences: change.differences.into_iter().map(ImportDifference::from).collect(),
            firings_before: shown(change.firings_before),
            firings_after: shown(change.firings_after),
        }
    }
}

impl From<Difference> for ImportDifference {
    fn from(difference: Difference) -> Self {
        Self {
            pointer: difference.pointer,
            before: AnyValue(difference.before.unwrap_or_default()),
            after: AnyValue(difference.after.unwrap_or_default()),
        }
    }
}
