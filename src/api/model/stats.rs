//! Figures over a window of time, as answers show them.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use poem_openapi::Object;

use super::instant;
use super::named::Instant;
use crate::domain::stats::{DueTask, Percentiles, Stats};

/// What happened within a window, and what comes next.
#[derive(Default, Object)]
#[oai(rename = "Stats", read_only_all)]
pub struct StatsView {
    window_seconds: i64,
    from: Instant,
    to: Instant,
    /// Executions queued within the window, by status; every status is named.
    by_status: BTreeMap<String, i64>,
    /// The same, by task type; types without executions are left out.
    by_type: BTreeMap<String, i64>,
    /// Succeeded of succeeded, failed, timed out and interrupted, 0 to 1. Null: there were none.
    success_rate: Option<f64>,
    /// How long attempts took.
    duration_ms: PercentilesView,
    /// How long after their instant executions started.
    lateness_ms: PercentilesView,
    tasks: TaskCountsView,
    /// The next firings, soonest first, at most ten.
    due_next: Vec<DueTaskView>,
}

/// Percentiles in milliseconds; null where nothing ran.
#[derive(Default, Object)]
#[oai(rename = "Percentiles", read_only_all)]
pub struct PercentilesView {
    p50: Option<i64>,
    p95: Option<i64>,
    p99: Option<i64>,
    max: Option<i64>,
}

/// How many tasks there are.
#[derive(Default, Object)]
#[oai(rename = "TaskCounts", read_only_all)]
pub struct TaskCountsView {
    total: i64,
    enabled: i64,
    /// Tasks whose last run failed.
    failing: i64,
}

/// A task that fires next.
#[derive(Default, Object)]
#[oai(rename = "DueTask", read_only_all)]
pub struct DueTaskView {
    task_id: String,
    name: String,
    next_run_at: Instant,
}

impl StatsView {
    /// `zone_of`: the zone of a task.
    pub fn new(stats: Stats, zone_of: impl Fn(&str) -> Tz) -> Self {
        let due = |due: DueTask| {
            let next_run_at = instant(due.next_run_at, zone_of(&due.task_id));
            DueTaskView { task_id: due.task_id, name: due.name, next_run_at }
        };
        Self {
            window_seconds: stats.window_seconds,
            from: instant(stats.from, Tz::UTC),
            to: instant(stats.to, Tz::UTC),
            by_status: stats.by_status.into_iter().map(|(status, count)| (status.as_str().to_owned(), count)).collect(),
            by_type: stats.by_type.into_iter().collect(),
            success_rate: stats.success_rate,
            duration_ms: stats.duration_ms.into(),
            lateness_ms: stats.lateness_ms.into(),
            tasks: TaskCountsView { total: stats.tasks.total, enabled: stats.tasks.enabled, failing: stats.tasks.failing },
            due_next: stats.due_next.into_iter().map(due).collect(),
        }
    }
}

impl From<Percentiles> for PercentilesView {
    fn from(of: Percentiles) -> Self {
        Self { p50: of.p50, p95: of.p95, p99: of.p99, max: of.max }
    }
}
