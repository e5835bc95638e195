//! The state that a task type keeps from one run of a task to the next, apart from the log of executions.

use chrono::{DateTime, Utc};
use serde_json::Value;

/// The kept state of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskState {
    /// A JSON object of the task type; `None` after a reset.
    pub state: Option<Value>,
    pub updated_at: DateTime<Utc>,
    /// The execution that saved it; `None` after a reset or an import.
    pub execution_id: Option<String>,
}
