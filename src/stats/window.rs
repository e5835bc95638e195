//! Statistics over the executions of a time window: counts by status and type, success rate, durations and latenesses.

use chrono::{DateTime, Duration, Utc};

use super::counts::success_rate;
use super::percentiles::Percentiles;
use crate::domain::execution::Status;
use crate::domain::stats::{DueTask, TaskCounts};
use crate::domain::tag_scope::TagScope;
use crate::storage::{Reader, Result, stats, tag_scope_stats};

/// The number of newest runs in the window that percentiles are computed from.
const SAMPLE: i64 = 10_000;
/// The number of next firings listed.
const DUE_NEXT_LIMIT: i64 = 10;

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

/// The statistics of the tasks in scope over the last `window_seconds` before `to`. `types` are the names of all task types.
pub async fn load(
    reader: &mut Reader,
    scope: &TagScope,
    types: &[&str],
    window_seconds: i64,
    to: DateTime<Utc>,
) -> Result<Stats> {
    let from = to - Duration::seconds(window_seconds);
    let (by_status, by_type) = tag_scope_stats::counts(reader, scope, types, from).await?;
    let (durations, latenesses) = tag_scope_stats::runs(reader, scope, from, SAMPLE).await?.into_iter().unzip();
    Ok(Stats {
        window_seconds,
        from,
        to,
        success_rate: success_rate(&by_status),
        by_status,
        by_type,
        duration_ms: Percentiles::from_values(durations),
        lateness_ms: Percentiles::from_values(latenesses),
        tasks: stats::tasks(reader, scope).await?,
        due_next: stats::due_next(reader, scope, DUE_NEXT_LIMIT).await?,
    })
}
