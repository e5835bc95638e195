//! Change events, published to event streams and to other nodes.

use super::execution::{OutputChunk, Status};

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A task was created, changed or deleted, or its next firing or counters changed.
    Task { id: String, change: TaskChange },
    /// An execution was created or changed its status.
    Execution { id: String, task_id: String, status: Status, attempt: i64 },
    /// An execution wrote output.
    Output { execution_id: String, chunks: Vec<OutputChunk> },
    /// Events were dropped; subscribers must reload their state.
    Resync,
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
