//! The retention of executions where a task's policy has no limit.

/// The limits of tasks whose policy has none; `None` keeps everything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DefaultRetention {
    /// The age of an execution since it was queued.
    pub age: Option<chrono::Duration>,
    /// The number of executions of one task.
    pub per_task: Option<i64>,
}
