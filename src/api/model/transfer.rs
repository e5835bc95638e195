//! Response models of imports.

use poem_openapi::Object;

use super::named::{AnyValue, Timestamp};
use super::timestamp;
use crate::domain::transfer::{Change, Difference};
use crate::service::{HistoryImportOutcome, ImportOutcome};

/// The result of an import or a dry run.
#[derive(Default, Object)]
#[oai(read_only_all)]
pub struct ImportResult {
    /// Whether it is saved; false for a dry run.
    applied: bool,
    /// The number of tasks that already match the document.
    unchanged: i64,
    /// The created and changed tasks in the document's order, then the deleted ones.
    changes: Vec<ImportChange>,
    /// Secrets that the document names and that are not set here.
    missing_secrets: Vec<String>,
    /// The number of tasks without a state that get the one of the document.
    states: i64,
    /// The number of notification rules that are saved.
    notify_rules: i64,
    /// The names of the calendars that are saved.
    calendars: Vec<String>,
    /// The number of heartbeats that are saved.
    heartbeats: i64,
    /// Hooks that the document names and that do not exist here, as `task: name`: an import creates none, because nobody would be told
    /// their addresses.
    missing_hooks: Vec<String>,
}

/// The result of an import of executions.
#[derive(Default, Object)]
#[oai(read_only_all)]
pub struct ImportedExecutions {
    /// The number of new executions.
    inserted: i64,
    /// The number of executions that already existed.
    known: i64,
}

impl From<HistoryImportOutcome> for ImportedExecutions {
    fn from(outcome: HistoryImportOutcome) -> Self {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        Self { inserted: number(outcome.inserted), known: number(outcome.known) }
    }
}

/// The change of one task.
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
    /// The fields that change; empty unless the task is updated.
    differences: Vec<ImportDifference>,
    /// The next three fire times before the change; empty if there are none.
    firings_before: Vec<Timestamp>,
    /// The next three fire times after the change.
    firings_after: Vec<Timestamp>,
}

/// A field of a task that changes.
#[derive(Default, Object)]
#[oai(read_only_all)]
pub struct ImportDifference {
    /// A JSON Pointer into the task.
    pointer: String,
    /// The value before; null if absent.
    before: AnyValue,
    /// The value after; null if absent.
    after: AnyValue,
}

impl From<ImportOutcome> for ImportResult {
    fn from(outcome: ImportOutcome) -> Self {
        Self {
            applied: outcome.applied,
            unchanged: i64::try_from(outcome.unchanged).unwrap_or(i64::MAX),
            changes: outcome.changes.into_iter().map(ImportChange::from).collect(),
            missing_secrets: outcome.missing_secrets,
            states: i64::try_from(outcome.states).unwrap_or(i64::MAX),
            notify_rules: i64::try_from(outcome.notify_rules).unwrap_or(i64::MAX),
            calendars: outcome.calendars,
            heartbeats: i64::try_from(outcome.heartbeats).unwrap_or(i64::MAX),
            missing_hooks: outcome.missing_hooks,
        }
    }
}

impl From<Change> for ImportChange {
    fn from(change: Change) -> Self {
        let shown = |firings: Vec<chrono::DateTime<chrono_tz::Tz>>| -> Vec<Timestamp> {
            firings.into_iter().map(|at| timestamp(at.to_utc(), at.timezone())).collect()
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
