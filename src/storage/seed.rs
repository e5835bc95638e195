//! Puts a made-up past on record, for measurements: the cost of a list must not grow with the age of the log.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::counters::Counted;
use super::database::on_session;
use super::{Error, Result, Session, millis, rows, run_minutes};
use crate::domain::execution::Status;

/// A run that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRun {
    /// A ULID of the time at which it was due.
    pub id: String,
    pub task_id: String,
    pub task_type: &'static str,
    pub status: Status,
    pub at: DateTime<Utc>,
    pub duration_ms: i64,
}

/// Inserts runs that have ended, in one statement; thousands at once are best.
///
/// # Errors
/// Where the database fails.
pub async fn past_runs(s: &mut dyn Session, runs: &[PastRun]) -> Result<()> {
    let list: Vec<_> = runs.iter().map(row).collect();
    let list = rows(&list)?;
    on_session!(s, |conn, dialect| sqlx::query(dialect.sql(INSERT)).bind(list).execute(&mut *conn).await.map(drop))
        .map_err(Error::on("insert past runs"))?;
    let counted: Vec<_> = runs.iter().map(counted).collect();
    run_minutes::count(s, &counted).await
}

/// As the recorder counts it.
fn counted(run: &PastRun) -> Counted {
    Counted {
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

fn row(run: &PastRun) -> serde_json::Value {
    json!({
        "id": run.id, "task_id": run.task_id, "task_type": run.task_type, "status": run.status.as_str(),
        "at": millis(run.at), "duration_ms": run.duration_ms,
    })
}
