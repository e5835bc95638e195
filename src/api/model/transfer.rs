//! Response models of imports.

use super::named::{AnyValue, Timestamp};
use super::timestamp;
use crate::domain::transfer::{Change, Difference};
use crate::service::{HistoryImportOutcome, ImportOutcome};

view! {
    /// The result of an import or a dry run.
    #[oai(read_only_all)]
    pub struct ImportResult from (outcome: ImportOutcome) {
        /// Whether it is saved; false for a dry run.
        applied: bool = outcome.applied,
        /// The number of tasks that already match the document.
        unchanged: i64 = i64::try_from(outcome.unchanged).unwrap_or(i64::MAX),
        /// The created and changed tasks in the document's order, then the deleted ones.
        changes: Vec<ImportChange> = outcome.changes.into_iter().map(ImportChange::from).collect(),
        /// Secrets that the document names and that are not set here.
        missing_secrets: Vec<String> = outcome.missing_secrets,
        /// The number of tasks without a state that get the one of the document.
        states: i64 = i64::try_from(outcome.states).unwrap_or(i64::MAX),
        /// The number of notification rules that are saved.
        notify_rules: i64 = i64::try_from(outcome.notify_rules).unwrap_or(i64::MAX),
        /// The names of the calendars that are saved.
        calendars: Vec<String> = outcome.calendars,
        /// The number of heartbeats that are saved.
        heartbeats: i64 = i64::try_from(outcome.heartbeats).unwrap_or(i64::MAX),
        /// Hooks that the document names and that do not exist here, as `task: name`: an import creates none, because nobody would be told
        /// their addresses.
        missing_hooks: Vec<String> = outcome.missing_hooks,
    }
}

view! {
    /// The result of an import of executions.
    #[oai(read_only_all)]
    pub struct ImportedExecutions from (outcome: HistoryImportOutcome) where
        number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    {
        /// The number of new executions.
        inserted: i64 = number(outcome.inserted),
        /// The number of executions that already existed.
        known: i64 = number(outcome.known),
    }
}

view! {
    /// The change of one task.
    #[oai(read_only_all)]
    pub struct ImportChange from (change: Change) where
        shown = |firings: Vec<chrono::DateTime<chrono_tz::Tz>>| -> Vec<Timestamp> {
            firings.into_iter().map(|at| timestamp(at.to_utc(), at.timezone())).collect()
        };
    {
        /// `create`, `update` or `delete`.
        action: String = change.kind.as_str().to_owned(),
        /// The task's id.
        id: String = change.id,
        /// The task type.
        #[oai(rename = "type")]
        task_type: String = change.task_type,
        /// The fields that change; empty unless the task is updated.
        differences: Vec<ImportDifference> = change.differences.into_iter().map(ImportDifference::from).collect(),
        /// The next three fire times before the change; empty if there are none.
        firings_before: Vec<Timestamp> = shown(change.firings_before),
        /// The next three fire times after the change.
        firings_after: Vec<Timestamp> = shown(change.firings_after),
    }
}

view! {
    /// A field of a task that changes.
    #[oai(read_only_all)]
    pub struct ImportDifference from (difference: Difference) {
        /// A JSON Pointer into the task.
        pointer: String = difference.pointer,
        /// The value before; null if absent.
        before: AnyValue = AnyValue(difference.before.unwrap_or_default()),
        /// The value after; null if absent.
        after: AnyValue = AnyValue(difference.after.unwrap_or_default()),
    }
}
