//! Reads of single executions.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::row::{COLUMNS, ExecutionRow, read_status};
use crate::domain::execution::{Attempt, Execution};
use crate::storage::database::on_session;
use crate::storage::{Error, Result, Session, json, optional_time_from_millis};

/// Returns an execution.
pub async fn get(s: &mut dyn Session, id: &str) -> Result<Option<Execution>> {
    let text = format!("select {COLUMNS} from executions where id = $1");
    let row: Option<ExecutionRow> =
        on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(&text)).bind(id).fetch_optional(&mut *conn).await)
            .map_err(Error::on("read an execution"))?;
    row.map(Execution::try_from).transpose()
}

/// Returns the execution created by a request with this idempotency key.
pub async fn by_idempotency_key(s: &mut dyn Session, task_id: &str, key: &str) -> Result<Option<Execution>> {
    let text = format!("select {COLUMNS} from executions where task_id = $1 and idempotency_key = $2");
    let row: Option<ExecutionRow> = on_session!(s, |conn, dialect| {
        sqlx::query_as(dialect.sql(&text)).bind(task_id).bind(key).fetch_optional(&mut *conn).await
    })
    .map_err(Error::on("read an execution"))?;
    row.map(Execution::try_from).transpose()
}

/// Returns the result of an execution's latest attempt.
pub async fn result(s: &mut dyn Session, id: &str) -> Result<Option<Value>> {
    let text = "select result from executions where id = $1";
    let row: Option<(Option<String>,)> =
        on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(text)).bind(id).fetch_optional(&mut *conn).await)
            .map_err(Error::on("read a result"))?;
    row.and_then(|(result,)| result).map(|text| json(&text)).transpose()
}

/// Returns an execution's rendered parameters, secrets masked; `None` if they contain no templates.
pub async fn rendered_params(s: &mut dyn Session, id: &str) -> Result<Option<Value>> {
    let text = "select rendered_params from executions where id = $1";
    let row: Option<(Option<String>,)> =
        on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(text)).bind(id).fetch_optional(&mut *conn).await)
            .map_err(Error::on("read rendered parameters"))?;
    row.and_then(|(params,)| params).map(|text| json(&text)).transpose()
}

/// Returns the start of a task's newest succeeded run.
pub async fn last_success(s: &mut dyn Session, task_id: &str) -> Result<Option<DateTime<Utc>>> {
    let text = "select started_at from executions where task_id = $1 and status = 'succeeded' order by id desc limit 1";
    let found: Option<(Option<i64>,)> =
        on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(text)).bind(task_id).fetch_optional(&mut *conn).await)
            .map_err(Error::on("read the last success"))?;
    optional_time_from_millis(found.and_then(|(at,)| at))
}

/// Returns the executions started by the end of this one, oldest first.
pub async fn started_by(s: &mut dyn Session, id: &str) -> Result<Vec<Execution>> {
    let text = format!("select {COLUMNS} from executions where started_by = $1 order by id limit 100");
    let found: Vec<ExecutionRow> =
        on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(&text)).bind(id).fetch_all(&mut *conn).await)
            .map_err(Error::on("read chained executions"))?;
    found.into_iter().map(Execution::try_from).collect()
}

/// Returns the result of a task's newest succeeded execution.
pub async fn newest_result(s: &mut dyn Session, task_id: &str) -> Result<Option<Value>> {
    let found: Option<String> = on_session!(s, |conn, dialect| {
        sqlx::query_scalar(dialect.sql(NEWEST_RESULT)).bind(task_id).fetch_optional(&mut *conn).await
    })
    .map_err(Error::on("read a task's newest result"))?;
    found.map(|text| json(&text)).transpose()
}

/// Ids begin with their time, so the greatest id is the newest.
pub(in crate::storage) const NEWEST_RESULT: &str = "select result from executions
    where task_id = $1 and status = 'succeeded' and result is not null order by id desc limit 1";

/// Returns the attempts that were retried, oldest first. The latest attempt is the execution's own row.
pub async fn attempts(s: &mut dyn Session, id: &str) -> Result<Vec<Attempt>> {
    let text = "select attempt, status, started_at, finished_at, duration_ms, error, node from attempts
        where execution_id = $1 order by attempt";
    type Row = (i64, String, Option<i64>, Option<i64>, Option<i64>, Option<String>, Option<String>);
    let found: Vec<Row> = on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(text)).bind(id).fetch_all(&mut *conn).await)
        .map_err(Error::on("read attempts"))?;
    let attempt = |(attempt, status, started_at, finished_at, duration_ms, error, node): Row| {
        let (started_at, finished_at) = (optional_time_from_millis(started_at)?, optional_time_from_millis(finished_at)?);
        Ok(Attempt { attempt, status: read_status(&status)?, started_at, finished_at, duration_ms, error, node })
    };
    found.into_iter().map(attempt).collect()
}
