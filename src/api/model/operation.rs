//! Response models of actions on many tasks.

use chrono_tz::Tz;
use poem_openapi::Object;

use super::named::Timestamp;
use super::timestamp;
use crate::domain::operation::{BulkError, Operation};
use crate::i18n::Language;
use crate::service::BulkProgress;

view! {
    /// The result of an action on many tasks.
    #[oai(read_only_all)]
    pub struct BulkResult new(progress: BulkProgress, language: Language) where
        (outcome, operation_id) = match progress {
            BulkProgress::Ended(outcome) => (outcome, None),
            BulkProgress::Running(operation) => (operation.outcome(), Some(operation.id)),
        };
    {
        /// How many tasks were selected.
        matched: i64 = outcome.matched,
        /// For how many of them it succeeded, so far.
        done: i64 = outcome.done,
        /// The first hundred failures, with their reasons.
        errors: Vec<BulkFailure> = failures(outcome.errors, language),
        /// The operation that goes on, for `GET /operations/{id}`; absent if the action has ended.
        #[oai(skip_serializing_if_is_none)]
        pub operation_id: Option<String> = operation_id,
    }
}

/// A task for which the action failed.
#[derive(Default, Object)]
#[oai(read_only_all)]
pub struct BulkFailure {
    /// The task's id.
    id: String,
    /// Why it failed, in the caller's language.
    message: String,
}

/// An action on many tasks that is done in parts.
#[derive(Default, Object)]
#[oai(rename = "Operation", read_only_all)]
pub struct OperationView {
    id: String,
    /// `run`, `pause`, `resume` or `delete`.
    action: String,
    /// `running`, `finished` or `cancelled`.
    status: String,
    /// The account that requested it.
    requested_by: String,
    /// How many tasks were selected.
    matched: i64,
    /// How many of them were processed so far.
    processed: i64,
    /// For how many of them it succeeded so far.
    done: i64,
    /// The first hundred failures, with their reasons.
    errors: Vec<BulkFailure>,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// Null while it is running.
    finished_at: Option<Timestamp>,
}

fn failures(errors: Vec<BulkError>, language: Language) -> Vec<BulkFailure> {
    errors.into_iter().map(|BulkError { id, message }| BulkFailure { id, message: message.text(language) }).collect()
}

impl OperationView {
    pub fn new(operation: Operation, language: Language) -> Self {
        let shown = |at| timestamp(at, Tz::UTC);
        Self {
            status: operation.status().to_owned(),
            id: operation.id,
            action: operation.action.as_str().to_owned(),
            requested_by: operation.actor,
            matched: operation.matched,
            processed: operation.processed,
            done: operation.done,
            errors: failures(operation.errors, language),
            created_at: shown(operation.created_at),
            updated_at: shown(operation.updated_at),
            finished_at: operation.finished_at.map(shown),
        }
    }
}
