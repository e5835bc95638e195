//! Jobs: all that a worker needs for one attempt of an execution, so that starting a run reads nothing.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::policy::{Policy, Retry};

/// One attempt of an execution.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub execution_id: String,
    /// From 1; a result is accepted only from the execution's current attempt.
    pub attempt: i64,
    pub task_id: String,
    pub task_type: String,
    pub params: Value,
    /// The execution whose end started this one.
    pub started_by: Option<String>,
    /// Whether the task has a chain.
    pub chained: bool,
    pub scheduled_at: DateTime<Utc>,
    /// `None`: no limit.
    pub timeout_ms: Option<u64>,
    pub retry: Retry,
    /// How late a run may begin before it is told, in milliseconds. `None`: no limit.
    pub late_after_ms: Option<i64>,
}

impl Job {
    /// Whether the run began later than its limit; `None` for a later attempt, whose lateness says nothing.
    #[must_use]
    pub fn is_late(&self, started_at: DateTime<Utc>) -> Option<bool> {
        let late_ms = (started_at - self.scheduled_at).num_milliseconds();
        (self.attempt == 1).then(|| self.late_after_ms.is_some_and(|limit| late_ms > limit))
    }

    /// The time limit in milliseconds and the retry rule of a policy.
    pub fn limits(policy: &Policy) -> (Option<u64>, Retry) {
        (policy.timeout.map(|t| t.as_millis() as u64), policy.retry.clone())
    }
}
