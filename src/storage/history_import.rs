//! Executions imported from another scheduler. The caller derives each id from the run, so that a second import inserts
//! nothing.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::column::{insert_sql, written};
use super::counters::count_imported;
use super::run_stats_by_minute::CountedRun;
use super::statement::fetch;
use super::{Result, Session, millis, rows};
use crate::domain::execution::{Cause, Status};

/// A finished run recorded by another scheduler.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoricalRun {
    pub task_id: String,
    pub task_type: String,
    pub status: Status,
    pub started_at: DateTime<Utc>,
    pub duration_ms: i64,
    pub error: Option<String>,
    pub result: Option<Value>,
}

impl HistoricalRun {
    /// Returns the run in the format of the import.
    pub fn to_json(&self) -> Value {
        json!({"task_id": self.task_id, "task_type": self.task_type, "status": self.status.as_str(),
            "started_at": self.started_at.to_rfc3339_opts(SecondsFormat::Millis, true), "duration_ms": self.duration_ms,
            "error": self.error, "result": self.result})
    }
}

/// Inserts runs with their ids in one statement; existing ids are skipped. Returns how many were inserted.
pub async fn insert(s: &mut dyn Session, runs: &[(String, HistoricalRun)], by: &str) -> Result<usize> {
    let text = insert_sql("executions", RunRow::COLUMNS, &[("cause", "$2"), ("requested_by", "$3")]);
    let text = text + " on conflict do nothing returning id";
    let list = rows(&runs.iter().map(RunRow).collect::<Vec<_>>())?;
    let inserted: Vec<String> = fetch!(scalars, s, "insert imported runs", &text, list, Cause::Import.as_str(), by)?;
    let new: std::collections::HashSet<&String> = inserted.iter().collect();
    let counted: Vec<CountedRun> = runs.iter().filter(|(id, run)| new.contains(id) && ran(run)).map(counted).collect();
    count_imported(s, &counted).await?;
    Ok(inserted.len())
}

/// Missed and skipped executions have a scheduled time but never started.
fn ran(run: &HistoricalRun) -> bool {
    !matches!(run.status, Status::Missed | Status::Skipped)
}

written! {
    RunRow of (String, HistoricalRun) as (id, run) => {
        id Text = id,
        task_id Text = run.task_id,
        task_type Text = run.task_type,
        schedule_text Text = "",
        params Text = "{}",
        status Text = run.status.as_str(),
        attempt Integer = 1,
        scheduled_at Integer = millis(run.started_at),
        queued_at Integer = millis(run.started_at),
        started_at Integer = ran(run).then(|| millis(run.started_at)),
        finished_at Integer = millis(run.started_at) + if ran(run) { run.duration_ms } else { 0 },
        lateness_ms Integer = ran(run).then_some(0),
        duration_ms Integer = ran(run).then_some(run.duration_ms),
        error Text = run.error,
        result Text = run.result.as_ref().map(ToString::to_string),
    }
}

fn counted((id, run): &(String, HistoricalRun)) -> CountedRun {
    CountedRun {
        id: id.clone(),
        task_id: run.task_id.clone(),
        status: run.status.as_str().to_owned(),
        started_at: Some(millis(run.started_at)),
        duration_ms: Some(run.duration_ms),
    }
}
