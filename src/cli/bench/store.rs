//! Store benchmark: many tasks that are not due; measures creating them and the cost of an idle server.

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::Fault;
use super::machine::{Usage, rounded};
use super::rig::{DataLocation, Rig, Running};
use crate::clock::SystemClock;
use crate::events::EventBus;
use crate::scheduler::{PlanAhead, Planner, PlannerState, Scheduler};
use crate::signals::{SchedulerHeartbeat, Signals};

/// How long the idle server is observed.
const WATCHED: Duration = Duration::from_secs(10);
/// How often polls and ticks are timed.
const ROUNDS: usize = 200;

/// The result of the store benchmark.
#[derive(Debug, Clone, Serialize)]
pub struct Store {
    pub tasks: u32,
    /// Time to create all tasks through the service.
    pub add_seconds: f64,
    pub adds_per_second: f64,
    /// One poll of the scheduler with nothing due.
    pub look_us: f64,
    /// One tick, with its transaction, with nothing due.
    pub tick_us: f64,
    /// From the start of a server process until it answers.
    pub start_ms: f64,
    /// Resident memory after the observation.
    pub memory_mb: u64,
    /// CPU usage of one core while nothing is due.
    pub idle_cpu_percent: f64,
}

pub async fn measure(location: &DataLocation, tasks: u32) -> Result<Store, Fault> {
    let rig = Rig::new(location).await?;
    let store = run(&rig, tasks).await;
    rig.remove().await?;
    store
}

async fn run(rig: &Rig, tasks: u32) -> Result<Store, Fault> {
    let server = rig.serve().await?;
    // Once a year, each at its own minute, and never during the benchmark.
    let month = 1 + (chrono::Datelike::month0(&super::rig::now()) + 6) % 12;
    let task = |number: u32| {
        json!({"id": format!("store-{number}"), "type": "echo", "params": {"message": "ding"},
            "trigger": {"type": "cron", "month": month, "day": 1 + number % 28, "hour": number % 24, "minute": number % 60}})
    };
    let add = server.create((0..tasks).map(task)).await?;
    let (look_us, tick_us) = ticks(rig, &server).await?;
    server.stop().await?;
    let started = Instant::now();
    let mut process = start(rig)?;
    let start_ms = ready(&mut process).await.map(|()| started.elapsed().as_secs_f64() * 1000.0)?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let id = process.id().ok_or("the server has exited")?;
    let before = Usage::of(id);
    tokio::time::sleep(WATCHED).await;
    let after = Usage::of(id);
    process.kill().await?;
    let busy = after.cpu.saturating_sub(before.cpu).as_secs_f64();
    Ok(Store {
        tasks,
        add_seconds: rounded(add.as_secs_f64()),
        adds_per_second: rounded(f64::from(tasks) / add.as_secs_f64()),
        look_us,
        tick_us,
        start_ms: rounded(start_ms),
        memory_mb: after.memory_bytes >> 20,
        idle_cpu_percent: rounded(busy / WATCHED.as_secs_f64() * 100.0),
    })
}

/// The medians of many polls and of many ticks, in microseconds.
async fn ticks(rig: &Rig, server: &Running) -> Result<(f64, f64), Fault> {
    let planner = Planner {
        database: server.database.clone(),
        clock: Arc::new(SystemClock),
        events: EventBus::default(),
        signals: Signals::default(),
        zone: rig.settings.server.zone,
        since: super::rig::now(),
        ahead: PlanAhead::STANDARD,
        state: PlannerState::default(),
    };
    let scheduler = Scheduler::new(planner.clone(), SchedulerHeartbeat::default());
    let (mut looks, mut ticks) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let started = Instant::now();
        scheduler.run_once().await?;
        looks.push(started.elapsed());
        let started = Instant::now();
        planner.run_once(super::rig::now()).await?;
        ticks.push(started.elapsed());
    }
    Ok((median_us(looks), median_us(ticks)))
}

fn median_us(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, |time| rounded(time.as_secs_f64() * 1e6))
}

/// Starts this program as a server on the created database, in its own process, so that its memory can be measured.
fn start(rig: &Rig) -> Result<Child, Fault> {
    let mut command = Command::new(std::env::current_exe()?);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BELFRY_")) {
        command.env_remove(name);
    }
    command.current_dir(&rig.settings.data_dir).env("BELFRY_DATA_DIR", &rig.settings.data_dir);
    command.env("BELFRY_SERVER_LISTEN", "127.0.0.1:0");
    if let Some(url) = &rig.settings.database.url {
        command.env("BELFRY_DATABASE_URL", url.reveal());
    }
    Ok(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn()?)
}

async fn ready(process: &mut Child) -> Result<(), Fault> {
    let stdout = process.stdout.take().ok_or("the server's standard output is not piped")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).await?;
    if line.contains("ready") { Ok(()) } else { Err("the server did not start".into()) }
}
