//! Executions imported from another scheduler. The caller derives each id from the run, so that a second import inserts
//! nothing.

use serde_json::{Value, json};

use super::counters::{CountedRun, count_imported};
use super::database::on_session;
use super::{Error, Result, Session, millis};
use crate::domain::execution::{Cause, Status};
use crate::domain::migrate::history::HistoricalRun;

/// Inserts runs with their ids in one statement; existing ids are skipped. Returns how many were inserted.
pub async fn insert(s: &mut dyn Session, runs: &[(String, HistoricalRun)], by: &str) -> Result<usize> {
    let text = "
        insert into executions (id, task_id, task_type, schedule_text, params, cause, status, attempt, scheduled_at, queued_at,
            started_at, finished_at, lateness_ms, duration_ms, requested_by, error, result)
        select j.value->>0, j.value->>1, j.value->>2, '', '{}', $2, j.value->>3, 1, cast(j.value->>4 as bigint),
            cast(j.value->>4 as bigint), cast(j.value->>9 as bigint), cast(j.value->>5 as bigint), cast(j.value->>10 as bigint),
            cast(j.value->>6 as bigint), $3, j.value->>7, j.value->>8
        from {rows} where true
        on conflict do nothing returning id";
    let list = Value::Array(runs.iter().map(row).collect()).to_string();
    let inserted: Vec<String> = on_session!(s, |conn, dialect| {
        let query = sqlx::query_scalar(dialect.sql(text)).bind(list).bind(Cause::Import.as_str()).bind(by);
        query.fetch_all(&mut *conn).await
    })
    .map_err(Error::on("insert imported runs"))?;
    let new: std::collections::HashSet<&String> = inserted.iter().collect();
    let counted: Vec<CountedRun> = runs.iter().filter(|(id, run)| new.contains(id) && ran(run)).map(counted).collect();
    count_imported(s, &counted).await?;
    Ok(inserted.len())
}

/// Missed and skipped executions have a scheduled time but never started.
fn ran(run: &HistoricalRun) -> bool {
    !matches!(run.status, Status::Missed | Status::Skipped)
}

fn row((id, run): &(String, HistoricalRun)) -> Value {
    let started = millis(run.started_at);
    let lasted = ran(run).then_some(run.duration_ms);
    json!([
        id,
        run.task_id,
        run.task_type,
        run.status.as_str(),
        started,
        started + lasted.unwrap_or(0),
        lasted,
        run.error,
        run.result.as_ref().map(ToString::to_string),
        lasted.map(|_| started),
        lasted.map(|_| 0),
    ])
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
