//! Many one-shot tasks due at one instant: how long until the last of them is on record?

use serde::Serialize;
use serde_json::json;

use super::Fault;
use super::machine::Meter;
use super::rig::{self, Lateness, Place, Rig, Running, sleep_until};

/// What a burst came to.
#[derive(Debug, Clone, Serialize)]
pub struct Burst {
    pub tasks: u32,
    /// From the instant until the last result was on record.
    pub last_recorded_ms: i64,
    pub lateness_ms: Lateness,
    /// Instants without an execution that succeeded.
    pub lost: i64,
    pub cpu_seconds: f64,
    pub peak_memory_mb: u64,
}

pub async fn measure(place: &Place, tasks: u32) -> Result<Burst, Fault> {
    let rig = Rig::new(place).await?;
    let server = rig.serve().await?;
    let burst = run(&rig, &server, tasks).await;
    server.stop().await?;
    rig.remove().await?;
    burst
}

async fn run(rig: &Rig, server: &Running, tasks: u32) -> Result<Burst, Fault> {
    let due = server.time_to_create(tasks).await?;
    let task = |number| {
        json!({"id": format!("burst-{number}"), "type": "echo", "params": {"message": "ding"},
            "trigger": {"type": "date", "run_date": due.to_rfc3339()}})
    };
    server.create((0..tasks).map(task)).await?;
    rig::ahead_of(due)?;
    sleep_until(due - chrono::Duration::milliseconds(500)).await;
    let meter = Meter::start();
    let patience = chrono::Duration::seconds(60 + i64::from(tasks) / 100);
    let seen = server.settled(due, due + patience).await?;
    let (cpu_seconds, peak_memory_mb) = meter.read();
    let outcome = server.outcome(rig.began).await?;
    Ok(Burst {
        tasks,
        last_recorded_ms: (seen - due).num_milliseconds(),
        lateness_ms: outcome.lateness,
        lost: i64::from(tasks) - outcome.succeeded,
        cpu_seconds,
        peak_memory_mb,
    })
}
