//! Response models of statistics.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use poem_openapi::Object;

use super::named::Timestamp;
use super::timestamp;
use crate::domain::stats::DueTask;
use crate::stats::percentiles::Percentiles;
use crate::stats::window::Stats;

/// Statistics of a window, and the next fire times.
#[derive(Default, Object)]
#[oai(rename = "Stats", read_only_all)]
pub struct StatsView {
    window_seconds: i64,
    from: Timestamp,
    to: Timestamp,
    /// Executions queued within the window, by status, including zeros.
    by_status: BTreeMap<String, i64>,
    /// The same by task type; types without executions are omitted.
    by_type: BTreeMap<String, i64>,
    /// Succeeded among succeeded, failed, timed out and interrupted, 0 to 1. Null: there were none.
    success_rate: Option<f64>,
    /// The durations of attempts.
    duration_ms: PercentilesView,
    /// The delays between scheduled time and start.
    lateness_ms: PercentilesView,
    tasks: TaskCountsView,
    /// The next fire times, soonest first, at most ten.
    due_next: Vec<DueTaskView>,
}

view! {
    /// Percentiles in milliseconds; null if nothing ran.
    #[oai(rename = "Percentiles", read_only_all)]
    pub struct PercentilesView from (of: Percentiles) {
        p50: Option<i64> = of.p50,
        p95: Option<i64> = of.p95,
        p99: Option<i64> = of.p99,
        max: Option<i64> = of.max,
    }
}

/// The numbers of tasks.
#[derive(Default, Object)]
#[oai(rename = "TaskCounts", read_only_all)]
pub struct TaskCountsView {
    total: i64,
    enabled: i64,
    /// Tasks whose last run failed.
    failing: i64,
}

/// A task and its next fire time.
#[derive(Default, Object)]
#[oai(rename = "DueTask", read_only_all)]
pub struct DueTaskView {
    task_id: String,
    name: String,
    next_run_at: Timestamp,
}

impl StatsView {
    /// `zone_of` returns the zone of a task.
    pub fn new(stats: Stats, zone_of: impl Fn(&str) -> Tz) -> Self {
        let due = |due: DueTask| {
            let next_run_at = timestamp(due.next_run_at, zone_of(&due.task_id));
            DueTaskView { task_id: due.task_id, name: due.name, next_run_at }
        };
        Self {
            window_seconds: stats.window_seconds,
            from: timestamp(stats.from, Tz::UTC),
            to: timestamp(stats.to, Tz::UTC),
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
