//! Tasks, one row each, with their run counters.

use std::collections::HashMap;

use sqlx::FromRow;

use super::database::on_session;
use super::execution::read_status;
use super::{
    Error, Result, Session, Tx, json as read_json, millis, optional_time_from_millis, rows, tag_scope, time_from_millis,
};
use crate::domain::chain::{self, Link};
use crate::domain::policy::Policy;
use crate::domain::task::{Managed, Task, TaskStats};

/// Inserts a task.
///
/// # Errors
/// [`Error::Conflict`] if the id exists.
pub async fn insert(s: &mut dyn Session, task: &Task, kind: &str) -> Result<()> {
    let text =
        "insert into tasks (id, name, description, tags, task_type, trigger_kind, trigger_rule, schedule_text, params, enabled,
            policy, version, created_at, updated_at, anchor_at, next_run_at, next_rule_at, chain)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
    on_session!(s, |conn, dialect| {
        sqlx::query(dialect.sql(text))
            .bind(&task.id)
            .bind(&task.name)
            .bind(&task.description)
            .bind(rows(&task.tags)?)
            .bind(&task.task_type)
            .bind(kind)
            .bind(task.trigger.to_string())
            .bind(&task.schedule_text)
            .bind(task.params.to_string())
            .bind(task.enabled)
            .bind(task.policy.to_json().to_string())
            .bind(task.version)
            .bind(millis(task.created_at))
            .bind(millis(task.updated_at))
            .bind(millis(task.anchor_at))
            .bind(task.next_run_at.map(millis))
            .bind(task.next_rule_at.map(millis))
            .bind(chain::to_json(&task.chain).to_string())
            .execute(&mut *conn)
            .await
            .map(drop)
    })
    .map_err(Error::on("insert the task"))?;
    tag_scope::set_tags(s, std::iter::once(task)).await
}

/// Updates a task if it is still at `version - 1`. Returns false if it is not.
pub async fn update(s: &mut dyn Session, task: &Task, kind: &str) -> Result<bool> {
    let text =
        "update tasks set name = $2, description = $3, tags = $4, trigger_kind = $5, trigger_rule = $6, schedule_text = $7,
            params = $8, enabled = $9, policy = $10, version = $11, updated_at = $12, anchor_at = $13, next_run_at = $14,
            next_rule_at = $15, chain = $16
        where id = $1 and version = $11 - 1";
    let done = on_session!(s, |conn, dialect| {
        sqlx::query(dialect.sql(text))
            .bind(&task.id)
            .bind(&task.name)
            .bind(&task.description)
            .bind(rows(&task.tags)?)
            .bind(kind)
            .bind(task.trigger.to_string())
            .bind(&task.schedule_text)
            .bind(task.params.to_string())
            .bind(task.enabled)
            .bind(task.policy.to_json().to_string())
            .bind(task.version)
            .bind(millis(task.updated_at))
            .bind(millis(task.anchor_at))
            .bind(task.next_run_at.map(millis))
            .bind(task.next_rule_at.map(millis))
            .bind(chain::to_json(&task.chain).to_string())
            .execute(&mut *conn)
            .await
            .map(|done| done.rows_affected() > 0)
    })
    .map_err(Error::on("update the task"))?;
    if done {
        tag_scope::set_tags(s, std::iter::once(task)).await?;
    }
    Ok(done)
}

/// Deletes a task. Returns false if it does not exist.
pub async fn delete(s: &mut dyn Session, id: &str) -> Result<bool> {
    let done = on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql("delete from tasks where id = $1")).bind(id);
        query.execute(&mut *conn).await.map(|done| done.rows_affected())
    });
    let done = done.map_err(Error::on("delete the task"))? > 0;
    if done {
        tag_scope::mark_deleted(s, &[id.to_owned()]).await?;
    }
    Ok(done)
}

/// Returns a task.
pub async fn get(s: &mut dyn Session, id: &str) -> Result<Option<Task>> {
    Ok(many(s, &[id.to_owned()]).await?.pop())
}

/// Returns a task and locks it until the transaction ends.
pub async fn lock(tx: &mut Tx, id: &str) -> Result<Option<Task>> {
    let text = format!("select {COLUMNS} from tasks where id = $1 {{for_update}}");
    let row: Option<TaskRow> =
        on_session!(tx, |conn, dialect| sqlx::query_as(dialect.sql(&text)).bind(id).fetch_optional(&mut *conn).await)
            .map_err(Error::on("read the task"))?;
    row.map(Task::try_from).transpose()
}

/// Returns the existing tasks among these ids, ordered by id.
pub async fn many(s: &mut dyn Session, ids: &[String]) -> Result<Vec<Task>> {
    let text = format!("select {COLUMNS} from tasks where id in {{ids}} order by id");
    let ids = rows(ids)?;
    let found: Vec<TaskRow> =
        on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(&text)).bind(ids).fetch_all(&mut *conn).await)
            .map_err(Error::on("read tasks"))?;
    found.into_iter().map(Task::try_from).collect()
}

/// Returns the chained task ids of every task that has any.
pub async fn chains(s: &mut dyn Session) -> Result<HashMap<String, Vec<String>>> {
    let text = "select id, chain from tasks where chain <> '[]'";
    let found: Vec<(String, String)> =
        on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(text)).fetch_all(&mut *conn).await)
            .map_err(Error::on("read chains"))?;
    let started = |(id, chain): (String, String)| Ok((id, read_chain(&chain)?.into_iter().map(|link| link.task).collect()));
    found.into_iter().map(started).collect()
}

/// Returns the enabled tasks with an idle trigger.
pub async fn idle(s: &mut dyn Session) -> Result<Vec<Task>> {
    let text = format!("select {COLUMNS} from tasks where trigger_kind = 'idle' and enabled order by id");
    let found: Vec<TaskRow> = on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(&text)).fetch_all(&mut *conn).await)
        .map_err(Error::on("read idle tasks"))?;
    found.into_iter().map(Task::try_from).collect()
}

pub(super) const COLUMNS: &str = "id, name, description, tags, task_type, trigger_rule, schedule_text, params, enabled, policy, chain, \
    version, created_at, updated_at, anchor_at, next_run_at, next_rule_at, run_count, success_count, failure_count, last_run_at, \
    last_status, last_duration_ms, managed_by, managed_enabled";

#[derive(Debug, FromRow)]
pub(super) struct TaskRow {
    id: String,
    name: String,
    description: String,
    tags: String,
    task_type: String,
    trigger_rule: String,
    schedule_text: String,
    params: String,
    enabled: bool,
    policy: String,
    chain: String,
    version: i64,
    created_at: i64,
    updated_at: i64,
    anchor_at: i64,
    next_run_at: Option<i64>,
    next_rule_at: Option<i64>,
    run_count: i64,
    success_count: i64,
    failure_count: i64,
    last_run_at: Option<i64>,
    last_status: Option<String>,
    last_duration_ms: Option<i64>,
    managed_by: Option<String>,
    managed_enabled: Option<bool>,
}

impl TryFrom<TaskRow> for Task {
    type Error = Error;

    fn try_from(row: TaskRow) -> Result<Task> {
        Ok(Task {
            tags: serde_json::from_str(&row.tags).map_err(|error| Error::InvalidValue(format!("tags: {error}")))?,
            trigger: read_json(&row.trigger_rule)?,
            params: read_json(&row.params)?,
            policy: read_policy(&row.policy)?,
            chain: read_chain(&row.chain)?,
            created_at: time_from_millis(row.created_at)?,
            updated_at: time_from_millis(row.updated_at)?,
            anchor_at: time_from_millis(row.anchor_at)?,
            next_run_at: optional_time_from_millis(row.next_run_at)?,
            next_rule_at: optional_time_from_millis(row.next_rule_at)?,
            stats: TaskStats {
                run_count: row.run_count,
                success_count: row.success_count,
                failure_count: row.failure_count,
                last_run_at: optional_time_from_millis(row.last_run_at)?,
                last_status: row.last_status.as_deref().map(read_status).transpose()?,
                last_duration_ms: row.last_duration_ms,
            },
            managed: row.managed_by.map(|by| Managed { by, enabled: row.managed_enabled.unwrap_or(true) }),
            id: row.id,
            name: row.name,
            description: row.description,
            task_type: row.task_type,
            enabled: row.enabled,
            version: row.version,
            schedule_text: row.schedule_text,
        })
    }
}

fn read_chain(text: &str) -> Result<Vec<Link>> {
    if text == "[]" {
        return Ok(Vec::new());
    }
    chain::parse(&read_json(text)?, "/chain").map_err(|_| Error::InvalidValue("chain".to_owned()))
}

pub(super) fn read_policy(text: &str) -> Result<Policy> {
    Policy::parse(&read_json(text)?, &Policy::default()).map_err(|faults| {
        Error::InvalidValue(faults.first().map_or_else(|| "policy".to_owned(), |fault| format!("policy: {}", fault.message)))
    })
}
