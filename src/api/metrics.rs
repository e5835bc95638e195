//! `/metrics` in Prometheus' text format. The figures cover the whole server, so callers need the grant `metrics`, wherever they are: a
//! task can send requests from this machine too.

use std::fmt::Write;
use std::sync::Arc;

use poem::web::Data;
use poem::{IntoResponse, Request, Response, handler};

use super::AppState;
use super::auth::identify;
use super::error::Problem;
use crate::domain::execution::Status;
use crate::stats::percentiles::Percentiles;
use crate::stats::window::Stats;

/// The window of the statistics, in seconds.
const WINDOW: i64 = 3600;

/// The statistics of the last hour and of the process, as gauges.
#[handler]
pub async fn metrics(request: &Request, shared: Data<&Arc<AppState>>) -> Result<Response, poem::Error> {
    let text = render(request, &shared).await?;
    Ok(Response::builder().content_type("text/plain; version=0.0.4; charset=utf-8").body(text).into_response())
}

async fn render(request: &Request, shared: &AppState) -> Result<String, Problem> {
    let actor = identify(request).await?;
    let ready = shared.services.health.check().await.is_ok();
    let stats = shared.services.stats.server_window(&actor, WINDOW).await?;
    let mut text = String::with_capacity(4096);
    write_process(&mut text, shared, ready);
    write_active(&mut text, &shared.services.stats.active().await?);
    write_stats(&mut text, &stats);
    Ok(text)
}

fn write_process(text: &mut String, shared: &AppState, ready: bool) {
    let uptime = shared.services.clock.now() - shared.started_at;
    family(text, "belfry_build_info", "The version of this build.");
    sample(text, "belfry_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    family(text, "process_start_time_seconds", "When the process started, in seconds since 1970.");
    sample(text, "process_start_time_seconds", &[], shared.started_at.timestamp_millis() as f64 / 1000.0);
    family(text, "belfry_uptime_seconds", "How long the process has been running.");
    sample(text, "belfry_uptime_seconds", &[], uptime.num_milliseconds() as f64 / 1000.0);
    family(text, "belfry_ready", "1 while the database and the scheduler answer.");
    sample(text, "belfry_ready", &[], u8::from(ready));
}

fn write_active(text: &mut String, active: &[(Status, i64)]) {
    family(text, "belfry_executions_active", "Executions that are queued or running now.");
    for status in [Status::Queued, Status::Running] {
        let count = active.iter().find(|(given, _)| *given == status).map_or(0, |(_, count)| *count);
        sample(text, "belfry_executions_active", &[("status", status.as_str())], count);
    }
}

fn write_stats(text: &mut String, stats: &Stats) {
    family(text, "belfry_tasks", "Tasks, by state.");
    let paused = stats.tasks.total - stats.tasks.enabled;
    for (state, count) in [("enabled", stats.tasks.enabled), ("paused", paused)] {
        sample(text, "belfry_tasks", &[("state", state)], count);
    }
    family(text, "belfry_tasks_failing", "Tasks whose last run failed.");
    sample(text, "belfry_tasks_failing", &[], stats.tasks.failing);
    family(text, "belfry_executions_last_hour", "Executions queued within the last hour, by status.");
    for (status, count) in &stats.by_status {
        sample(text, "belfry_executions_last_hour", &[("status", status.as_str())], count);
    }
    quantiles(
        text,
        "belfry_execution_duration_last_hour_seconds",
        "How long attempts took within the last hour.",
        &stats.duration_ms,
    );
    quantiles(
        text,
        "belfry_execution_lateness_last_hour_seconds",
        "How late executions started within the last hour.",
        &stats.lateness_ms,
    );
}

fn quantiles(text: &mut String, name: &str, help: &str, of: &Percentiles) {
    family(text, name, help);
    for (quantile, value) in [("0.5", of.p50), ("0.95", of.p95), ("0.99", of.p99), ("1", of.max)] {
        if let Some(ms) = value {
            sample(text, name, &[("quantile", quantile)], ms as f64 / 1000.0);
        }
    }
}

fn family(text: &mut String, name: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge"); // writing to a String cannot fail
}

fn sample(text: &mut String, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
    let labels: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    let _ = writeln!(text, "{name}{labels} {value}"); // writing to a String cannot fail
}
