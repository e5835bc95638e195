//! Generated executions for benchmarks and tests.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::counters::CountedRun;
use super::database::on_session;
use super::{Error, Result, Session, millis, rows, run_stats_by_minute};
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
    let list: Vec<_> = runs.iter().map(row).collect();
    let list = rows(&list)?;
    on_session!(s, |conn, dialect| sqlx::query(dialect.sql(INSERT)).bind(list).execute(&mut *conn).await.map(drop))
        .map_err(Error::on("insert generated runs"))?;
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

const INSERT: &str = "
    insert into executions (id, task_id, task_type, schedule_text, params, cause, status, attempt, scheduled_at, queued_at, started_at,
        finished_at, lateness_ms, duration_ms, node, result)
    select j.value->>'id', j.value->>'task_id', j.value->>'task_type', '*/5 * * * *', '{\"message\":\"made up\"}', 'schedule',
        j.value->>'status', 1, cast(j.value->>'at' as bigint), cast(j.value->>'at' as bigint), cast(j.value->>'at' as bigint) + 2,
        cast(j.value->>'at' as bigint) + 2 + cast(j.value->>'duration_ms' as bigint), 2, cast(j.value->>'duration_ms' as bigint),
        'bench', '{\"message\":\"made up\"}'
    from {rows} where true";

fn row(run: &SampleRun) -> serde_json::Value {
    json!({
        "id": run.id, "task_id": run.task_id, "task_type": run.task_type, "status": run.status.as_str(),
        "at": millis(run.at), "duration_ms": run.duration_ms,
    })
}
