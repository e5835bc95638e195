//! Operations: actions on many tasks, done in parts of which each is committed on its own.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::pause::PauseRequest;
use super::text_enum::text_enum;
use super::user::Action;
use crate::i18n::Message;

/// The maximum number of failures kept.
const MAX_ERRORS: usize = 100;

text_enum! {
    /// What is done to each task.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum BulkAction {
        Run = "run",
        Pause = "pause",
        Resume = "resume",
        Delete = "delete",
    }
}

impl BulkAction {
    /// The permission that the action requires.
    pub fn required_action(self) -> Action {
        if self == BulkAction::Delete { Action::Edit } else { Action::Run }
    }
}

/// What is asked for: an action, and the end and the reason of pauses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkWork {
    pub action: BulkAction,
    pub pause: PauseRequest,
}

impl From<BulkAction> for BulkWork {
    fn from(action: BulkAction) -> Self {
        Self { action, pause: PauseRequest::default() }
    }
}

/// The result of an action on many tasks, or of a part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BulkOutcome {
    /// The number of tasks processed.
    pub matched: i64,
    /// The number of tasks processed successfully.
    pub done: i64,
    /// The first hundred failures.
    pub errors: Vec<BulkError>,
}

impl BulkOutcome {
    /// Adds the result of the next part.
    pub fn add(&mut self, part: BulkOutcome) {
        self.matched += part.matched;
        self.done += part.done;
        self.errors.extend(part.errors);
        self.errors.truncate(MAX_ERRORS);
    }

    /// Adds a failed task.
    pub fn add_error(&mut self, error: BulkError) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(error);
        }
    }
}

/// A task for which the action failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkError {
    pub id: String,
    pub message: Message,
}

/// An operation with its progress.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    pub id: String,
    /// The account that requested it.
    pub actor: String,
    pub action: BulkAction,
    /// The number of tasks selected at the request.
    pub matched: i64,
    /// The number of tasks processed so far.
    pub processed: i64,
    /// The number of tasks processed successfully so far.
    pub done: i64,
    /// The first hundred failures.
    pub errors: Vec<BulkError>,
    /// Whether it was stopped before its end.
    pub cancelled: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

impl Operation {
    /// `running`, `finished` or `cancelled`.
    pub fn status(&self) -> &'static str {
        match (self.cancelled, self.finished_at) {
            (true, _) => "cancelled",
            (false, Some(_)) => "finished",
            (false, None) => "running",
        }
    }

    /// The result so far.
    pub fn outcome(&self) -> BulkOutcome {
        BulkOutcome { matched: self.matched, done: self.done, errors: self.errors.clone() }
    }
}
