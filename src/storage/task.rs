//! Tasks, one row each, with their run counters.

use std::collections::HashMap;

use super::column::{StoredRow, insert_sql, json_text, stored, update_sql, written};
use super::statement::{execute, fetch};
use super::text_search::like_literal;
use super::{Error, Result, Session, Tx, millis, rows, tag_scope, task_key};
use crate::domain::chain::{self, Link};
use crate::domain::folding::fold;
use crate::domain::pause::Pause;
use crate::domain::reference::References;
use crate::domain::run_input;
use crate::domain::task::{Managed, Task, TaskStats};

/// Inserts a task.
///
/// # Errors
/// [`Error::Conflict`] if the id exists.
pub async fn insert(s: &mut dyn Session, task: &Task) -> Result<()> {
    insert_all(s, std::slice::from_ref(task)).await
}

/// Inserts tasks in one statement.
///
/// # Errors
/// [`Error::Conflict`] if an id exists.
pub async fn insert_all(s: &mut dyn Session, tasks: &[Task]) -> Result<()> {
    let text = insert_sql("tasks", TaskRow::COLUMNS, &[]);
    write(s, &text, tasks).await?;
    tag_scope::set_tags(s, tasks.iter()).await
}

/// Updates a task if it is still at `version - 1`. Returns false if it is not.
pub async fn update(s: &mut dyn Session, task: &Task) -> Result<bool> {
    Ok(update_all(s, std::slice::from_ref(task)).await? > 0)
}

/// Updates the tasks that are still at `version - 1`, in one statement. Returns how many.
///
/// If one of them is not, the caller must roll back: the tags of all of them are replaced.
pub async fn update_all(s: &mut dyn Session, tasks: &[Task]) -> Result<u64> {
    let text = update_sql("tasks", TaskRow::COLUMNS, &["task_type", "created_at", "task_key"]);
    let text = format!("{text} and tasks.version = cast(j.value->>1 as bigint) - 1");
    let updated = write(s, &text, tasks).await?;
    if updated > 0 {
        tag_scope::set_tags(s, tasks.iter()).await?;
    }
    Ok(updated)
}

async fn write(s: &mut dyn Session, text: &str, tasks: &[Task]) -> Result<u64> {
    let list = rows(&tasks.iter().map(TaskRow).collect::<Vec<_>>())?;
    execute!(s, "save tasks", text, list)
}

written! {
    /// The columns that inserts and updates write.
    TaskRow of Task as task => {
        id Text = task.id,
        version Integer = task.version,
        name Text = task.name,
        name_key Text = fold(&task.name),
        search_key Text = task_key::search_key(&task.id, &task.name, &task.description, &task.tags),
        description Text = task.description,
        tags Text = json_text(&task.tags),
        task_type Text = task.task_type,
        trigger_kind Text = task.trigger["type"],
        trigger_rule Text = task.trigger.to_string(),
        schedule Text = serde_json::to_string(&task.schedule.to_json()).map_err(serde::ser::Error::custom)?,
        schedule_text Text = task.schedule_text,
        params Text = task.params.to_string(),
        enabled Flag = task.enabled,
        policy Text = task.policy.to_json().to_string(),
        chain Text = chain::to_json(&task.chain).to_string(),
        inputs Text = run_input::to_json(&task.inputs).to_string(),
        created_at Integer = millis(task.created_at),
        updated_at Integer = millis(task.updated_at),
        anchor_at Integer = millis(task.anchor_at),
        next_run_at Integer = task.next_run_at.map(millis),
        next_rule_at Integer = task.next_rule_at.map(millis),
        paused_since Integer = task.paused.as_ref().map(|pause| millis(pause.since)),
        paused_until Integer = task.paused.as_ref().and_then(|pause| pause.until).map(millis),
        paused_by Text = task.paused.as_ref().map(|pause| &pause.by),
        pause_reason Text = task.paused.as_ref().map(|pause| &pause.reason),
        pause_rule_at Integer = task.paused.as_ref().and_then(|pause| pause.rule_at).map(millis),
        pause_run_at Integer = task.paused.as_ref().and_then(|pause| pause.run_at).map(millis),
        pause_event_at Integer = task.paused.as_ref().and_then(|pause| pause.event_at).map(millis),
        task_key Text = task.key,
        task_references Text = serde_json::to_string(&task.references).map_err(serde::ser::Error::custom)?,
    }
}

stored! {
    pub(super) COLUMNS: Task {
        id, name, description, tags, task_type, trigger = trigger_rule, schedule, schedule_text, params, enabled, policy, chain, inputs, version,
        created_at, updated_at, anchor_at, next_run_at, next_rule_at, key = task_key, references = task_references;
        nested stats: TaskStats { run_count, success_count, failure_count, last_run_at, last_status, last_duration_ms, recent };
        with managed from read_managed(managed_by, managed_enabled);
        with paused from read_pause(paused_since, paused_until, paused_by, pause_reason, pause_rule_at, pause_run_at, pause_event_at)
    }
}

fn read_pause<R: StoredRow>(row: &R) -> sqlx::Result<Option<Pause>> {
    let Some(since) = row.value("paused_since")? else { return Ok(None) };
    let text = |column| Ok::<_, sqlx::Error>(row.value::<Option<String>>(column)?.unwrap_or_default());
    Ok(Some(Pause {
        since,
        until: row.value("paused_until")?,
        reason: text("pause_reason")?,
        by: text("paused_by")?,
        rule_at: row.value("pause_rule_at")?,
        run_at: row.value("pause_run_at")?,
        event_at: row.value("pause_event_at")?,
    }))
}

fn read_managed<R: StoredRow>(row: &R) -> sqlx::Result<Option<Managed>> {
    let by: Option<String> = row.value("managed_by")?;
    let enabled: Option<bool> = row.value("managed_enabled")?;
    Ok(by.map(|by| Managed { by, enabled: enabled.unwrap_or(true) }))
}

/// Replaces the references of a task, without a new version.
pub async fn set_references(s: &mut dyn Session, id: &str, references: &References) -> Result<()> {
    let text = "update tasks set task_references = $2 where id = $1";
    let references = serde_json::to_string(references).map_err(|error| Error::InvalidValue(error.to_string()))?;
    execute!(s, "save the references of a task", text, id, references).map(drop)
}

/// Deletes a task. Returns false if it does not exist.
pub async fn delete(s: &mut dyn Session, id: &str) -> Result<bool> {
    let done = execute!(s, "delete the task", "delete from tasks where id = $1", id)? > 0;
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
    fetch!(optional, tx, "read the task", &text, id)
}

/// Returns the existing tasks among these ids, ordered by id.
pub async fn many(s: &mut dyn Session, ids: &[String]) -> Result<Vec<Task>> {
    let text = format!("select {COLUMNS} from tasks where id in {{ids}} order by id");
    let ids = rows(ids)?;
    fetch!(all, s, "read tasks", &text, ids)
}

/// Returns the chained task ids of every task that has any.
pub async fn chains(s: &mut dyn Session) -> Result<HashMap<String, Vec<String>>> {
    let text = format!("select {CHAIN_COLUMNS} from tasks where chain <> '[]'");
    let found: Vec<ChainRow> = fetch!(all, s, "read chains", &text)?;
    Ok(found.into_iter().map(|row| (row.id, row.chain.into_iter().map(|link| link.task).collect())).collect())
}

struct ChainRow {
    id: String,
    chain: Vec<Link>,
}

stored! { CHAIN_COLUMNS: ChainRow { id, chain } }

/// Returns the tasks whose parameters, rules or chains hold a text, at most `limit`, ordered by id. Reads all tasks.
pub async fn mentioning(s: &mut dyn Session, text: &str, limit: i64) -> Result<Vec<Task>> {
    let statement = format!(
        "select {COLUMNS} from tasks where params like $1 escape '\\' or schedule like $1 escape '\\' or chain like $1 escape '\\'
        order by id limit $2"
    );
    fetch!(all, s, "read tasks that mention a text", &statement, like_literal(text), limit)
}

/// Returns the enabled tasks with an idle trigger.
pub async fn idle(s: &mut dyn Session) -> Result<Vec<Task>> {
    let text = format!("select {COLUMNS} from tasks where trigger_kind = 'idle' and enabled order by id");
    fetch!(all, s, "read idle tasks", &text)
}
