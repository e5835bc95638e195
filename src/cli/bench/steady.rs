//! Steady benchmark: many tasks each second, all on the second or spread over it; measures lateness and cost.

use serde::Serialize;
use serde_json::json;

use super::Fault;
use super::machine::Meter;
use super::rig::{self, DataLocation, Lateness, Rig, Running, sleep_until};

/// The result of a steady load.
#[derive(Debug, Clone, Serialize)]
pub struct Steady {
    pub tasks: u32,
    pub seconds: u32,
    /// Occurrences, each of which must have an execution.
    pub expected: i64,
    /// Occurrences without a successful execution.
    pub lost: i64,
    pub lateness_ms: Lateness,
    pub cpu_seconds: f64,
    pub peak_memory_mb: u64,
}

pub async fn measure(location: &DataLocation, tasks: u32, seconds: u32, spread: bool) -> Result<Steady, Fault> {
    let rig = Rig::new(location).await?;
    let server = rig.serve().await?;
    let steady = run(&rig, &server, tasks, seconds, spread).await;
    server.stop().await?;
    rig.remove().await?;
    steady
}

async fn run(rig: &Rig, server: &Running, tasks: u32, seconds: u32, spread: bool) -> Result<Steady, Fault> {
    let first = server.time_to_create(tasks).await?;
    let task = |number: u32| {
        let offset = if spread { i64::from(number) * 1000 / i64::from(tasks) } else { 0 };
        let start = first + chrono::Duration::milliseconds(offset);
        let end = start + chrono::Duration::milliseconds(i64::from(seconds) * 1000 - 500);
        json!({"id": format!("steady-{number}"), "type": "echo", "params": {"message": "ding"},
            "trigger": {"type": "interval", "seconds": 1, "start_date": text(start), "end_date": text(end)}})
    };
    server.create((0..tasks).map(task)).await?;
    rig::ensure_before(first)?;
    sleep_until(first).await;
    let meter = Meter::start();
    let last = first + chrono::Duration::seconds(i64::from(seconds));
    sleep_until(last).await;
    let expected = i64::from(tasks) * i64::from(seconds);
    server.wait_until_recorded(last, last + chrono::Duration::seconds(30)).await?;
    let (cpu_seconds, peak_memory_mb) = meter.read();
    let outcome = server.outcome(rig.began).await?;
    let lost = expected - outcome.succeeded;
    Ok(Steady { tasks, seconds, expected, lost, lateness_ms: outcome.lateness, cpu_seconds, peak_memory_mb })
}

fn text(at: chrono::DateTime<chrono::Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}
