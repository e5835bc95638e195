//! Change events, published to event streams and to other nodes.

use super::execution::{OutputChunk, Status};
use super::text_enum::text_enum;

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

text_enum! {
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum TaskChange {
        Created = "created",
        Updated = "updated",
        Deleted = "deleted",
    }
}
