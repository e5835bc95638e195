//! Statistics over the executions of a time window.

use chrono::{DateTime, Utc};

use super::execution::Status;

/// The statistics of a window, and the next firings.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    pub window_seconds: i64,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    /// Executions queued within the window, by status; includes every status.
    pub by_status: Vec<(Status, i64)>,
    /// Executions queued within the window, by task type; types without executions are left out.
    pub by_type: Vec<(String, i64)>,
    /// Succeeded / (succeeded + failed + timed out + interrupted), 0 to 1; `None` if there were none.
    pub success_rate: Option<f64>,
    pub duration_ms: Percentiles,
    pub lateness_ms: Percentiles,
    pub tasks: TaskCounts,
    /// The next firings, soonest first, at most ten.
    pub due_next: Vec<DueTask>,
}

/// Percentiles in milliseconds; `None` without runs.
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
