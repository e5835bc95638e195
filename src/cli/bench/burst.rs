//! Burst benchmark: many one-shot tasks due at the same time; measures the time until the last result is recorded.

use std::time::Instant;

use serde::Serialize;
use serde_json::json;

use super::Fault;
use super::machine::{Meter, rounded};
use super::rig::{self, DataLocation, Lateness, Rig, Running, sleep_until};
use crate::storage::bench_data;

/// Rows in one transaction of the database alone.
const GROUP: i64 = 1_000;

/// The result of the burst benchmark.
#[derive(Debug, Clone, Serialize)]
pub struct Burst {
    pub tasks: u32,
    /// From the scheduled time until the last result was recorded.
    pub last_recorded_ms: i64,
    /// The time that the database itself needs to insert and update as many rows, in groups.
    pub limit_ms: f64,
    pub lateness_ms: Lateness,
    /// Occurrences without a successful execution.
    pub lost: i64,
    pub cpu_seconds: f64,
    pub peak_memory_mb: u64,
}

pub async fn measure(location: &DataLocation, tasks: u32) -> Result<Burst, Fault> {
    let burst = measure_after(location, tasks, async |_| Ok(())).await?;
    Ok(Burst { limit_ms: limit(location, tasks).await?, ..burst })
}

/// As [`measure`], on a server that `prepare` has prepared, without the limit.
pub async fn measure_after(
    location: &DataLocation,
    tasks: u32,
    prepare: impl AsyncFnOnce(&Running) -> Result<(), Fault>,
) -> Result<Burst, Fault> {
    let rig = Rig::new(location).await?;
    let server = rig.serve().await?;
    let burst = match prepare(&server).await {
        Ok(()) => run(&rig, &server, tasks).await,
        Err(fault) => Err(fault),
    };
    server.stop().await?;
    rig.remove().await?;
    burst
}

/// The time in milliseconds that a database without Belfry needs for the rows of this many runs.
async fn limit(location: &DataLocation, tasks: u32) -> Result<f64, Fault> {
    let rig = Rig::new(location).await?;
    let database = rig.open().await?;
    let started = Instant::now();
    bench_data::insert_and_update(&database, i64::from(tasks), GROUP).await?;
    let took = started.elapsed();
    database.close().await;
    rig.remove().await?;
    Ok(rounded(took.as_secs_f64() * 1000.0))
}

async fn run(rig: &Rig, server: &Running, tasks: u32) -> Result<Burst, Fault> {
    let due = server.time_to_create(tasks).await?;
    let task = |number| {
        json!({"id": format!("burst-{number}"), "type": "echo", "params": {"message": "ding"},
            "trigger": {"type": "date", "run_date": due.to_rfc3339()}})
    };
    server.create((0..tasks).map(task)).await?;
    rig::ensure_before(due)?;
    sleep_until(due - chrono::Duration::milliseconds(500)).await;
    let meter = Meter::start();
    let patience = chrono::Duration::seconds(60 + i64::from(tasks) / 100);
    let seen = server.wait_until_recorded(due, due + patience).await?;
    let (cpu_seconds, peak_memory_mb) = meter.read();
    let outcome = server.outcome(rig.began).await?;
    Ok(Burst {
        tasks,
        limit_ms: 0.0,
        last_recorded_ms: (seen - due).num_milliseconds(),
        lateness_ms: outcome.lateness,
        lost: i64::from(tasks) - outcome.succeeded,
        cpu_seconds,
        peak_memory_mb,
    })
}
