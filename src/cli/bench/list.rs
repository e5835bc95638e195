//! List benchmark: reads first and deep pages of a long history, and the overview.

use std::time::Instant;

use serde::Serialize;

use super::Fault;
use super::machine::rounded;
use super::rig::{DataLocation, Rig, Running};
use crate::domain::execution::Status;
use crate::domain::page::{Cursor, Direction, ExecutionFilter, PageRequest};
use crate::domain::recent_outcomes::KEPT;
use crate::domain::user::Actor;
use crate::ids::{execution_id, first_execution_key};
use crate::storage::Database;
use crate::storage::bench_data::{self, SampleRun};

/// Rows per insert statement.
const GROUP: u32 = 5_000;
/// Tasks that the generated executions belong to.
const TASKS: u32 = 50;
/// Milliseconds between two generated executions.
const STEP_MS: u64 = 100;
/// Tasks in the database when the overview is read.
const MANY_TASKS: u32 = 10_000;
/// How often each page is read.
const READS: usize = 100;

/// The result of the list benchmark.
#[derive(Debug, Clone, Serialize)]
pub struct List {
    pub executions: u32,
    /// Rows before the deep page.
    pub depth: u32,
    pub first_page: PageTime,
    pub deep_page: PageTime,
    pub of_one_task: PageTime,
    pub failed_only: PageTime,
    /// The overview with ten thousand tasks.
    pub overview: PageTime,
}

/// Milliseconds to read a page of 40.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct PageTime {
    pub p50_ms: f64,
    pub max_ms: f64,
}

pub async fn measure(location: &DataLocation, executions: u32) -> Result<List, Fault> {
    let rig = Rig::new(location).await?;
    let server = rig.serve().await?;
    let list = run(&server, executions).await;
    server.stop().await?;
    rig.remove().await?;
    list
}

async fn run(server: &Running, executions: u32) -> Result<List, Fault> {
    let past = SampleRuns::before(super::rig::now(), executions);
    past.write(&server.database).await?;
    let depth = 500_000.min(executions / 2);
    let deep = Cursor { direction: Direction::Next, key: None, id: past.id(executions - depth) };
    let all = ExecutionFilter::default();
    let of_task = ExecutionFilter { task_id: Some("past-7".into()), ..all.clone() };
    let failed = ExecutionFilter { statuses: vec![Status::Failed], ..all.clone() };
    Ok(List {
        executions,
        depth,
        first_page: read(server, &all, None).await?,
        deep_page: read(server, &all, Some(deep.clone())).await?,
        of_one_task: read(server, &of_task, Some(deep.clone())).await?,
        failed_only: read(server, &failed, Some(deep)).await?,
        overview: overview(server).await?,
    })
}

/// Reads the overview with many tasks, none of which runs meanwhile.
async fn overview(server: &Running) -> Result<PageTime, Fault> {
    let task = |number: u32| {
        serde_json::json!({"id": format!("due-{number}"), "type": "echo", "params": {"message": "ding"},
            "trigger": {"type": "interval", "hours": 1 + number % 24, "start_date": "2099-01-01"}})
    };
    server.create((0..MANY_TASKS).map(task)).await?;
    let actor = Actor::local("bench");
    let mut times = Vec::with_capacity(READS);
    for _ in 0..READS {
        let started = Instant::now();
        server.services.stats.overview(&actor).await?;
        times.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(PageTime::of(times))
}

async fn read(server: &Running, filter: &ExecutionFilter, cursor: Option<Cursor>) -> Result<PageTime, Fault> {
    let (actor, request) = (Actor::local("bench"), PageRequest { cursor, ..PageRequest::default() });
    let mut times = Vec::with_capacity(READS);
    for _ in 0..READS {
        let started = Instant::now();
        server.services.executions.list(&actor, filter, &request).await?;
        times.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(PageTime::of(times))
}

impl PageTime {
    fn of(mut times: Vec<f64>) -> PageTime {
        times.sort_by(f64::total_cmp);
        let at = |location: usize| rounded(times.get(location).copied().unwrap_or_default());
        PageTime { p50_ms: at(READS / 2), max_ms: at(READS - 1) }
    }
}

/// A generated history of a number of executions.
pub struct SampleRuns {
    first_ms: u64,
    runs: u32,
}

impl SampleRuns {
    pub fn before(now: chrono::DateTime<chrono::Utc>, runs: u32) -> SampleRuns {
        let now = u64::try_from(now.timestamp_millis()).unwrap_or_default();
        SampleRuns { first_ms: now.saturating_sub(u64::from(runs) * STEP_MS), runs }
    }

    fn at(&self, number: u32) -> chrono::DateTime<chrono::Utc> {
        let millis = self.first_ms + u64::from(number) * STEP_MS;
        chrono::DateTime::from_timestamp_millis(i64::try_from(millis).unwrap_or(i64::MAX)).unwrap_or_default()
    }

    pub fn id(&self, number: u32) -> String {
        execution_id(first_execution_key(self.at(number)))
    }

    fn run(&self, number: u32) -> SampleRun {
        SampleRun {
            id: self.id(number),
            task_id: format!("past-{}", number % TASKS),
            task_type: ["echo", "send_cmd", "http_request"][(number % 3) as usize],
            status: if number.is_multiple_of(20) { Status::Failed } else { Status::Succeeded },
            at: self.at(number),
            duration_ms: i64::from(number % 1000),
        }
    }

    /// Sets the counters of the tasks that the executions belong to.
    pub async fn count(&self, database: &Database) -> Result<(), Fault> {
        let mut tx = database.write().await?;
        for last in (0..self.runs).rev().take(TASKS as usize) {
            let runs = i64::from(last / TASKS + 1);
            let mut newest: Vec<SampleRun> =
                (0..=last).rev().step_by(TASKS as usize).take(KEPT).map(|number| self.run(number)).collect();
            newest.reverse();
            bench_data::set_counters(&mut tx, &newest, runs, runs / 20).await?;
        }
        Ok(tx.commit().await?)
    }

    pub async fn write(&self, database: &Database) -> Result<(), Fault> {
        for first in (0..self.runs).step_by(GROUP as usize) {
            let group: Vec<SampleRun> = (first..self.runs.min(first + GROUP)).map(|number| self.run(number)).collect();
            let mut tx = database.write().await?;
            bench_data::insert_runs(&mut tx, &group).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}
