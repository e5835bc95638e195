//! Bulk statements on tasks, for imports: one statement each, however many tasks there are.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::database::on_session;
use super::task::{COLUMNS, TaskRow};
use super::{Error, Result, Session, Tx, millis, rows, tag_scope};
use crate::domain::chain;
use crate::domain::task::{Managed, Task};
use crate::domain::trigger::Kind;

/// Returns all tasks ordered by id.
pub async fn all(s: &mut dyn Session) -> Result<Vec<Task>> {
    read(s, "order by id").await
}

/// Returns all tasks ordered by id and locks them until the transaction ends.
pub async fn lock_all(tx: &mut Tx) -> Result<Vec<Task>> {
    read(tx, "order by id {for_update}").await
}

/// Returns the existing tasks among these ids, ordered by id, and locks them until the transaction ends.
pub async fn lock_many(tx: &mut Tx, ids: &[String]) -> Result<Vec<Task>> {
    let text = format!("select {COLUMNS} from tasks where id in {{ids}} order by id {{for_update}}");
    let ids = rows(ids)?;
    let found: Vec<TaskRow> =
        on_session!(tx, |conn, dialect| sqlx::query_as(dialect.sql(&text)).bind(ids).fetch_all(&mut *conn).await)
            .map_err(Error::on("read tasks"))?;
    found.into_iter().map(Task::try_from).collect()
}

/// Returns the managed tasks whose enabled flag differs from the file's.
pub async fn drifted(s: &mut dyn Session) -> Result<Vec<Task>> {
    read(s, "where managed_by is not null and managed_enabled <> enabled order by id").await
}

/// Sorted by the bytes of the ids: exported documents must not depend on the database's collation.
async fn read(s: &mut dyn Session, rest: &str) -> Result<Vec<Task>> {
    let text = format!("select {COLUMNS} from tasks {rest}");
    let found: Vec<TaskRow> = on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(&text)).fetch_all(&mut *conn).await)
        .map_err(Error::on("read all tasks"))?;
    let mut tasks = found.into_iter().map(Task::try_from).collect::<Result<Vec<_>>>()?;
    tasks.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(tasks)
}

/// Inserts tasks with their trigger kinds.
///
/// # Errors
/// [`Error::Conflict`] if an id exists.
pub async fn insert(s: &mut dyn Session, tasks: &[(Task, Kind)]) -> Result<()> {
    let text = "insert into tasks (id, name, description, tags, task_type, trigger_kind, trigger_rule, schedule_text, params, enabled,
            policy, version, created_at, updated_at, anchor_at, next_run_at, next_rule_at, chain)
        select j.value->>0, j.value->>1, j.value->>2, j.value->>3, j.value->>4, j.value->>5, j.value->>6, j.value->>7, j.value->>8,
            cast(j.value->>9 as boolean), j.value->>10, cast(j.value->>11 as bigint), cast(j.value->>12 as bigint),
            cast(j.value->>13 as bigint), cast(j.value->>14 as bigint), cast(j.value->>15 as bigint),
            cast(j.value->>16 as bigint), j.value->>17
        from {rows} where true";
    run(s, text, tasks).await.map_err(Error::on("insert the tasks"))?;
    tag_scope::set_tags(s, tasks.iter().map(|(task, _)| task)).await
}

/// Updates the tasks that are still at `version - 1`. Returns how many.
pub async fn update(s: &mut dyn Session, tasks: &[(Task, Kind)]) -> Result<u64> {
    let text = "update tasks set name = j.value->>1, description = j.value->>2, tags = j.value->>3, trigger_kind = j.value->>5,
            trigger_rule = j.value->>6, schedule_text = j.value->>7, params = j.value->>8,
            enabled = cast(j.value->>9 as boolean), policy = j.value->>10, version = cast(j.value->>11 as bigint),
            updated_at = cast(j.value->>13 as bigint), anchor_at = cast(j.value->>14 as bigint),
            next_run_at = cast(j.value->>15 as bigint), next_rule_at = cast(j.value->>16 as bigint), chain = j.value->>17
        from {rows}
        where tasks.id = j.value->>0 and tasks.version = cast(j.value->>11 as bigint) - 1";
    let updated = run(s, text, tasks).await.map_err(Error::on("update the tasks"))?;
    tag_scope::set_tags(s, tasks.iter().map(|(task, _)| task)).await?;
    Ok(updated)
}

async fn run(s: &mut dyn Session, text: &str, tasks: &[(Task, Kind)]) -> std::result::Result<u64, sqlx::Error> {
    let list: Vec<Value> = tasks.iter().map(row).collect();
    let list = Value::Array(list).to_string();
    on_session!(s, |conn, dialect| {
        sqlx::query(dialect.sql(text)).bind(list).execute(&mut *conn).await.map(|done| done.rows_affected())
    })
}

fn row((task, kind): &(Task, Kind)) -> Value {
    json!([
        task.id,
        task.name,
        task.description,
        json!(task.tags).to_string(),
        task.task_type,
        kind.as_str(),
        task.trigger.to_string(),
        task.schedule_text,
        task.params.to_string(),
        task.enabled,
        task.policy.to_json().to_string(),
        task.version,
        millis(task.created_at),
        millis(task.updated_at),
        millis(task.anchor_at),
        task.next_run_at.map(millis),
        task.next_rule_at.map(millis),
        chain::to_json(&task.chain).to_string(),
    ])
}

/// Deletes tasks and their versions, and cancels their queued executions.
pub async fn delete(s: &mut dyn Session, ids: &[String], reason: &str, now: DateTime<Utc>) -> Result<()> {
    let list = rows(ids)?;
    let cancel = "update executions set status = 'cancelled', finished_at = $2, error = $3, retry_at = null
        where task_id in {ids} and status = 'queued'";
    on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql(cancel)).bind(&list).bind(millis(now)).bind(reason);
        query.execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("cancel executions"))?;
    for text in ["delete from task_versions where task_id in {ids}", "delete from tasks where id in {ids}"] {
        on_session!(s, |conn, dialect| sqlx::query(dialect.sql(text)).bind(&list).execute(&mut *conn).await.map(drop))
            .map_err(Error::on("delete the tasks"))?;
    }
    tag_scope::mark_deleted(s, ids).await
}

/// Marks tasks as managed by a file.
pub async fn set_managed(s: &mut dyn Session, marks: &[(String, Managed)]) -> Result<()> {
    let text = "update tasks set managed_by = j.value->>1, managed_enabled = cast(j.value->>2 as boolean) from {rows}
        where tasks.id = j.value->>0";
    let list: Vec<_> = marks.iter().map(|(id, managed)| (id, &managed.by, managed.enabled)).collect();
    let list = rows(&list)?;
    on_session!(s, |conn, dialect| sqlx::query(dialect.sql(text)).bind(list).execute(&mut *conn).await.map(drop))
        .map_err(Error::on("mark tasks as managed"))
}

/// Removes the mark from all managed tasks. Returns how many there were.
pub async fn clear_managed(s: &mut dyn Session) -> Result<u64> {
    let text = "update tasks set managed_by = null, managed_enabled = null where managed_by is not null";
    on_session!(s, |conn, dialect| sqlx::query(dialect.sql(text)).execute(&mut *conn).await.map(|done| done.rows_affected()))
        .map_err(Error::on("release managed tasks"))
}
