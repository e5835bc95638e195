//! The row type of an execution and its conversion.

use sqlx::FromRow;

use crate::domain::execution::{Cause, Execution, Status};
use crate::storage::{Error, Result, json, optional_time_from_millis, time_from_millis};

pub(in crate::storage) const COLUMNS: &str = "id, task_id, task_type, task_version, schedule_text, params, cause, scheduled_at, queued_at, started_at, \
    finished_at, lateness_ms, duration_ms, attempt, status, retry_at, error, node, requested_by, \
    started_by";

#[derive(Debug, FromRow)]
pub(in crate::storage) struct ExecutionRow {
    id: String,
    task_id: String,
    task_type: String,
    task_version: Option<i64>,
    schedule_text: String,
    params: String,
    cause: String,
    scheduled_at: i64,
    queued_at: i64,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    lateness_ms: Option<i64>,
    duration_ms: Option<i64>,
    attempt: i64,
    status: String,
    retry_at: Option<i64>,
    error: Option<String>,
    node: Option<String>,
    requested_by: Option<String>,
    started_by: Option<String>,
}

impl TryFrom<ExecutionRow> for Execution {
    type Error = Error;

    fn try_from(row: ExecutionRow) -> Result<Execution> {
        Ok(Execution {
            params: json(&row.params)?,
            cause: Cause::parse(&row.cause).ok_or_else(|| Error::InvalidValue(format!("cause '{}'", row.cause)))?,
            scheduled_at: time_from_millis(row.scheduled_at)?,
            queued_at: time_from_millis(row.queued_at)?,
            started_at: optional_time_from_millis(row.started_at)?,
            finished_at: optional_time_from_millis(row.finished_at)?,
            status: read_status(&row.status)?,
            retry_at: optional_time_from_millis(row.retry_at)?,
            id: row.id,
            task_id: row.task_id,
            task_type: row.task_type,
            task_version: row.task_version,
            schedule_text: row.schedule_text,
            lateness_ms: row.lateness_ms,
            duration_ms: row.duration_ms,
            attempt: row.attempt,
            error: row.error,
            node: row.node,
            requested_by: row.requested_by,
            started_by: row.started_by,
        })
    }
}

pub(in crate::storage) fn read_status(text: &str) -> Result<Status> {
    Status::parse(text).ok_or_else(|| Error::InvalidValue(format!("status '{text}'")))
}
