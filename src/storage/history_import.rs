//! Executions imported from another scheduler. The caller derives the key of each from the run, so that a second import inserts
//! nothing.

use std::collections::HashSet;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::column::{insert_sql, written};
use super::counters::count_runs;
use super::run_stats::CountedRun;
use super::statement::{execute, fetch};
use super::{Result, Session, millis, rows};
use crate::domain::execution::{Cause, Status};
use crate::ids::{execution_id, first_execution_key};

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

/// Inserts runs, each with the key that identifies it; known keys are skipped. Returns how many were inserted.
pub async fn insert(s: &mut dyn Session, runs: &[(String, HistoricalRun)], by: &str) -> Result<usize> {
    let keys: Vec<_> = runs.iter().map(|(key, run)| (&run.task_id, key)).collect();
    let known: Vec<String> = fetch!(scalars, s, "read imported runs", KNOWN, rows(&keys)?)?;
    let known: HashSet<&String> = known.iter().collect();
    let new = runs.iter().filter(|(key, _)| !known.contains(key)).cloned().collect();
    let new = with_ids(s, new).await?;
    let text = insert_sql("executions", RunRow::COLUMNS, &[("cause", "$2"), ("requested_by", "$3")]);
    let list = rows(&new.iter().map(RunRow).collect::<Vec<_>>())?;
    execute!(s, "insert imported runs", &text, list, Cause::Import.as_str(), by)?;
    let counted: Vec<CountedRun> = new.iter().filter(|new| ran(&new.run)).map(counted).collect();
    count_runs(s, &counted).await?;
    Ok(new.len())
}

/// Row: 0 task, 1 key.
pub(super) const KNOWN: &str = "
    select e.idempotency_key from {rows} join executions e on e.task_id = j.value->>0 and e.idempotency_key = j.value->>1
    where e.idempotency_key is not null";

/// A run with the integer under which it is stored.
struct NewRun {
    id: i64,
    key: String,
    run: HistoricalRun,
}

/// Gives each run the next free id of its start.
async fn with_ids(s: &mut dyn Session, runs: Vec<(String, HistoricalRun)>) -> Result<Vec<NewRun>> {
    let mut used = HashSet::new();
    let mut new = Vec::with_capacity(runs.len());
    for (key, run) in runs {
        let id = next_free(first_execution_key(run.started_at), &used);
        used.insert(id);
        new.push(NewRun { id, key, run });
    }
    loop {
        let ids: Vec<i64> = new.iter().map(|new| new.id).collect();
        let taken: Vec<i64> = fetch!(scalars, s, "read the ids of executions", TAKEN, rows(&ids)?)?;
        if taken.is_empty() {
            return Ok(new);
        }
        let taken: HashSet<i64> = taken.into_iter().collect();
        used.extend(&taken);
        for one in new.iter_mut().filter(|new| taken.contains(&new.id)) {
            one.id = next_free(one.id, &used);
            used.insert(one.id);
        }
    }
}

pub(super) const TAKEN: &str = "select id from executions where id in {keys}";

fn next_free(first: i64, used: &HashSet<i64>) -> i64 {
    (first..).find(|id| !used.contains(id)).unwrap_or(first)
}

/// Missed and skipped executions have a scheduled time but never started.
fn ran(run: &HistoricalRun) -> bool {
    !matches!(run.status, Status::Missed | Status::Skipped)
}

written! {
    RunRow of NewRun as NewRun { id, key, run } => {
        id Integer = id,
        idempotency_key Text = key,
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

fn counted(NewRun { id, run, .. }: &NewRun) -> CountedRun {
    CountedRun {
        id: execution_id(*id),
        task_id: run.task_id.clone(),
        status: run.status.as_str().to_owned(),
        started_at: Some(millis(run.started_at)),
        duration_ms: Some(run.duration_ms),
        is_of_present_task: true,
    }
}
