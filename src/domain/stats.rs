//! Figures over the executions of a window of time.

use chrono::{DateTime, Utc};

use super::execution::Status;

/// What happened within a window, and what comes next.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    pub window_seconds: i64,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    /// Executions queued within the window, by status; every status is named.
    pub by_status: Vec<(Status, i64)>,
    /// The same, by task type; types without executions are left out.
    pub by_type: Vec<(String, i64)>,
    /// Succeeded of succeeded, failed, timed out and interrupted, 0 to 1; `None` where there were none.
    pub success_rate: Option<f64>,
    pub duration_ms: Percentiles,
    pub lateness_ms: Percentiles,
    pub tasks: TaskCounts,
    /// The next firings, soonest first, at most ten.
    pub due_next: Vec<DueTask>,
}

/// Percentiles in milliseconds; `None` where nothing ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Percentiles {
    pub p50: Option<i64>,
    pub p95: Option<i64>,
    pub p99: Option<i64>,
    pub max: Option<i64>,
}

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

/// How many runs that began within a step of time ended in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The step's begin.
    pub at: DateTime<Utc>,
    pub status: Status,
    pub runs: i64,
}

/// One run, as far as a chart shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPoint {
    /// The execution's id.
    pub id: String,
    pub status: Status,
    pub started_at: Option<DateTime<Utc>>,
    pub duration_ms: Option<i64>,
    pub lateness_ms: Option<i64>,
}
