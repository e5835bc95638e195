//! The last result of a task, from which a run may resume.

use serde_json::Value;

use crate::storage::database::on_session;
use crate::storage::{Error, Result, Session, json};

/// Returns the newest result of a task: of a succeeded or failed run, or of an earlier attempt of the current one.
pub async fn last_result(s: &mut dyn Session, task_id: &str) -> Result<Option<Value>> {
    let found: Option<String> = on_session!(s, |conn, dialect| {
        sqlx::query_scalar(dialect.sql(LAST_RESULT)).bind(task_id).fetch_optional(&mut *conn).await
    })
    .map_err(Error::on("read a task's last result"))?;
    found.map(|text| json(&text)).transpose()
}

/// Ids begin with their time, so the greatest id is the newest.
pub(in crate::storage) const LAST_RESULT: &str = "select result from executions
    where task_id = $1 and result is not null order by id desc limit 1";
