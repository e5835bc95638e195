//! One execution, read.

use serde_json::Value;

use super::row::{COLUMNS, ExecutionRow, read_status};
use crate::domain::execution::{Attempt, Execution};
use crate::storage::database::on_session;
use crate::storage::{Error, Result, Session, json, optional_instant};

/// One execution.
///
/// # Errors
/// Where the database fails.
pub async fn get(s: &mut dyn Session, id: &str) -> Result<Option<Execution>> {
    let text = format!("select {COLUMNS} from executions where id = $1");
    let row: Option<ExecutionRow> =
        on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(&text)).bind(id).fetch_optional(&mut *conn).await)
            .map_err(Error::on("read an execution"))?;
    row.map(Execution::try_from).transpose()
}

/// The execution that a request with this key made.
///
/// # Errors
/// Where the database fails.
pub async fn by_key(s: &mut dyn Session, task_id: &str, key: &str) -> Result<Option<Execution>> {
    let text = format!("select {COLUMNS} from executions where task_id = $1 and idempotency_key = $2");
    let row: Option<ExecutionRow> = on_session!(s, |conn, dialect| {
        sqlx::query_as(dialect.sql(&text)).bind(task_id).bind(key).fetch_optional(&mut *conn).await
    })
    .map_err(Error::on("read an execution"))?;
    row.map(Execution::try_from).transpose()
}

/// What an execution's latest attempt gave.
///
/// # Errors
/// Where the database fails.
pub async fn result(s: &mut dyn Session, id: &str) -> Result<Option<Value>> {
    let text = "select result from executions where id = $1";
    let row: Option<(Option<String>,)> =
        on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(text)).bind(id).fetch_optional(&mut *conn).await)
            .map_err(Error::on("read a result"))?;
    row.and_then(|(result,)| result).map(|text| json(&text)).transpose()
}

/// The attempts that were followed by another, oldest first.
///
/// # Errors
/// Where the database fails.
pub async fn attempts(s: &mut dyn Session, id: &str) -> Result<Vec<Attempt>> {
    let text = "select attempt, status, started_at, finished_at, duration_ms, error, node from attempts
        where execution_id = $1 order by attempt";
    type Row = (i64, String, Option<i64>, Option<i64>, Option<i64>, Option<String>, Option<String>);
    let found: Vec<Row> = on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(text)).bind(id).fetch_all(&mut *conn).await)
        .map_err(Error::on("read attempts"))?;
    let attempt = |(attempt, status, started_at, finished_at, duration_ms, error, node): Row| {
        let (started_at, finished_at) = (optional_instant(started_at)?, optional_instant(finished_at)?);
        Ok(Attempt { attempt, status: read_status(&status)?, started_at, finished_at, duration_ms, error, node })
    };
    found.into_iter().map(attempt).collect()
}
