//! Generated executions for benchmarks and tests.

use chrono::{DateTime, Utc};

use super::column::{insert_sql, written};
use super::run_stats_by_minute::CountedRun;
use super::statement::execute;
use super::{Result, Session, millis, rows, run_stats_by_minute};
use crate::domain::execution::Status;

/// A finished run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleRun {
    /// A ULID of the scheduled time.
    pub id: String,
    pub task_id: String,
    pub task_type: &'static str,
    pub status: Status,
    pub at: DateTime<Utc>,
    pub duration_ms: i64,
}

/// Inserts finished runs in one statement; batches of thousands are fastest.
pub async fn insert_runs(s: &mut dyn Session, runs: &[SampleRun]) -> Result<()> {
    let list = rows(&runs.iter().map(RunRow).collect::<Vec<_>>())?;
    execute!(s, "insert generated runs", &insert_sql("executions", RunRow::COLUMNS, &[]), list)?;
    let counted: Vec<_> = runs.iter().map(counted).collect();
    run_stats_by_minute::count(s, &counted).await
}

/// The same counters as a recorded run's: it starts 2 ms after its scheduled time.
fn counted(run: &SampleRun) -> CountedRun {
    CountedRun {
        id: run.id.clone(),
        task_id: run.task_id.clone(),
        status: run.status.as_str().to_owned(),
        started_at: Some(millis(run.at) + 2),
        duration_ms: Some(run.duration_ms),
    }
}

/// The message of every run, as parameters and as result.
const MESSAGE: &str = r#"{"message":"made up"}"#;

written! {
    RunRow of SampleRun as run => {
        id Text = run.id,
        task_id Text = run.task_id,
        task_type Text = run.task_type,
        schedule_text Text = "*/5 * * * *",
        params Text = MESSAGE,
        cause Text = "schedule",
        status Text = run.status.as_str(),
        attempt Integer = 1,
        scheduled_at Integer = millis(run.at),
        queued_at Integer = millis(run.at),
        started_at Integer = millis(run.at) + 2,
        finished_at Integer = millis(run.at) + 2 + run.duration_ms,
        lateness_ms Integer = 2,
        duration_ms Integer = run.duration_ms,
        node Text = "bench",
        result Text = MESSAGE,
    }
}
