//! Counted values: numbers of tasks, outcomes of runs, and runs as points of a chart.

use chrono::{DateTime, Utc};

use super::execution::Status;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TaskCounts {
    pub total: i64,
    pub enabled: i64,
    /// Tasks whose last run failed.
    pub failing: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueTask {
    pub task_id: String,
    pub name: String,
    pub next_run_at: DateTime<Utc>,
}

/// A task by the duration of its last run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlowTask {
    pub task_id: String,
    pub name: String,
    pub last_duration_ms: i64,
    pub last_run_at: DateTime<Utc>,
    pub last_status: Status,
}

/// The number of active executions of a queue in one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveRuns {
    pub status: Status,
    pub queue: String,
    /// Handed out to a node: they run.
    pub held: bool,
    /// They wait for a worker; the others wait for their next attempt or for another run of their task.
    pub waiting: bool,
    pub runs: i64,
}

/// The number of runs that began within a period and have one status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The start of the period.
    pub at: DateTime<Utc>,
    pub status: Status,
    pub runs: i64,
}

/// One run, as a point of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPoint {
    /// The execution's id.
    pub id: String,
    pub status: Status,
    pub started_at: Option<DateTime<Utc>>,
    pub duration_ms: Option<i64>,
    pub lateness_ms: Option<i64>,
}
