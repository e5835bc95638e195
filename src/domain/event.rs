//! What pages and programs are told as it happens.

use super::execution::{OutputChunk, Status};

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A task was created, changed or deleted, or its next firing or counters moved.
    Task { id: String, change: TaskChange },
    /// An execution came to be or changed its state.
    Execution { id: String, task_id: String, status: Status, attempt: i64 },
    /// An execution wrote output.
    Output { execution_id: String, chunks: Vec<OutputChunk> },
    /// More changed than can be told: whoever shows anything looks anew.
    Missed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskChange {
    Created,
    Updated,
    Deleted,
}

impl TaskChange {
    pub fn as_str(self) -> &'static str {
        match self {
            TaskChange::Created => "created",
            TaskChange::Updated => "updated",
            TaskChange::Deleted => "deleted",
        }
    }

    pub fn parse(text: &str) -> Option<TaskChange> {
        [TaskChange::Created, TaskChange::Updated, TaskChange::Deleted].into_iter().find(|change| change.as_str() == text)
    }
}
