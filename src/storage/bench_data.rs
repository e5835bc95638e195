//! Generated executions for benchmarks and tests.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::column::{insert_sql, written};
use super::run_stats::CountedRun;
use super::statement::execute;
use super::{Database, Result, Session, millis, rows, run_stats};
use crate::domain::execution::Status;
use crate::domain::recent_outcomes::RecentOutcome;
use crate::ids::execution_key;

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

/// Inserts finished runs in one statement; batches of thousands are fastest. They are those of the first version of their tasks, which
/// need not exist.
pub async fn insert_runs(s: &mut dyn Session, runs: &[SampleRun]) -> Result<()> {
    let tasks: BTreeSet<&str> = runs.iter().map(|run| run.task_id.as_str()).collect();
    let tasks = rows(&tasks.into_iter().collect::<Vec<_>>())?;
    execute!(s, "insert the versions of generated runs", INSERT_VERSIONS, tasks, PARAMS)?;
    let list = rows(&runs.iter().map(RunRow).collect::<Vec<_>>())?;
    execute!(s, "insert generated runs", &insert_sql("executions", RunRow::COLUMNS, &[]), list)?;
    let counted: Vec<_> = runs.iter().map(counted).collect();
    run_stats::count(s, &counted).await
}

const INSERT_VERSIONS: &str = "
    insert into former_versions (task_id, task_key, version, at, content, schedule_text, params, deleted_at)
    select ids.*, '', 1, 0, '{}', '*/5 * * * *', $2, 0 from {ids} as ids where true on conflict do nothing";

/// Sets the counters of a task as its finished runs would have left them; `newest` are its newest runs, oldest first.
pub async fn set_counters(s: &mut dyn Session, newest: &[SampleRun], runs: i64, failed: i64) -> Result<()> {
    let Some(last) = newest.last() else { return Ok(()) };
    let outcomes = newest.iter().map(|run| RecentOutcome { status: run.status, duration_ms: run.duration_ms });
    let recent: String = outcomes.filter_map(RecentOutcome::encode).collect();
    let text = "update tasks set run_count = $2, success_count = $3, failure_count = $4, last_run_at = $5, last_status = $6,
        last_duration_ms = $7, recent = $8 where id = $1";
    let (id, status) = (&last.task_id, last.status.as_str());
    let (at, duration) = (millis(last.at), last.duration_ms);
    execute!(s, "count generated runs", text, id, runs, runs - failed, failed, at, status, duration, recent).map(drop)
}

/// The same counters as a recorded run's: it starts 2 ms after its scheduled time.
fn counted(run: &SampleRun) -> CountedRun {
    CountedRun {
        id: run.id.clone(),
        task_id: run.task_id.clone(),
        status: run.status.as_str().to_owned(),
        started_at: Some(millis(run.at) + 2),
        duration_ms: Some(run.duration_ms),
        is_of_present_task: true,
    }
}

/// The parameters of every run, and its result.
const PARAMS: &str = r#"{"message":"made up"}"#;

written! {
    RunRow of SampleRun as run => {
        id Integer = execution_key(&run.id),
        task_id Text = run.task_id,
        task_type Text = run.task_type,
        task_version Integer = 1,
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
        result Text = PARAMS,
    }
}

/// Inserts `rows` executions and updates each once, `group` rows in a transaction, by statements that generate the rows in the
/// database: what the database itself needs for that many runs.
pub async fn insert_and_update(database: &Database, rows: i64, group: i64) -> Result<()> {
    for first in (1..=rows).step_by(usize::try_from(group).unwrap_or(1)) {
        let last = (first + group - 1).min(rows);
        for text in [BARE_INSERT, BARE_UPDATE] {
            let mut tx = database.write().await?;
            execute!(tx, "insert and update generated runs", text, first, last)?;
            tx.commit().await?;
        }
    }
    Ok(())
}

pub(super) const BARE_INSERT: &str = "
    with recursive n(i) as (select cast($1 as bigint) union all select i + 1 from n where i < $2)
    insert into executions (id, task_id, task_type, task_version, cause, status, attempt, scheduled_at, queued_at,
        queue, priority, node, node_id)
    select i, 'bare-' || cast(i as text), 'echo', 1, 'schedule', 'queued', 1, i, i, 'default', 0, 'bench',
        '01ARZ3NDEKTSV4RRFFQ69G5FAV' from n";

pub(super) const BARE_UPDATE: &str = "
    update executions set status = 'succeeded', started_at = queued_at, finished_at = queued_at, lateness_ms = 0, duration_ms = 0,
        queue = null, priority = null, result = '{\"message\":\"ding\"}'
    where id between $1 and $2";
