//! Hooks of tasks. Deleting a task deletes its hooks.

use chrono::{DateTime, Utc};

use super::column::stored;
use super::statement::{execute, fetch};
use super::{Result, Session, millis};
use crate::domain::hook::Hook;

stored! {
    COLUMNS: Hook { id, task_id, task_key, name, signing, created_at, created_by, used_at }
}

/// A hook with the encrypted key of its signatures.
pub struct StoredHook {
    pub hook: Hook,
    pub sealed_key: Option<String>,
}

/// Inserts a hook.
pub async fn insert(s: &mut dyn Session, hook: &Hook, secret_hash: &str, sealed_key: Option<&str>) -> Result<()> {
    let text = "insert into hooks (id, task_id, task_key, name, signing, secret_hash, sealed_key, created_at, created_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let (signing, created_at) = (hook.signing.as_str(), millis(hook.created_at));
    execute!(
        s,
        "save a hook",
        text,
        &hook.id,
        &hook.task_id,
        &hook.task_key,
        &hook.name,
        signing,
        secret_hash,
        sealed_key,
        created_at,
        &hook.created_by
    )
    .map(drop)
}

/// Returns the hooks of a task, oldest first.
pub async fn list(s: &mut dyn Session, task_id: &str) -> Result<Vec<Hook>> {
    let text = format!("select {COLUMNS} from hooks where task_id = $1 order by id");
    fetch!(all, s, "list hooks", &text, task_id)
}

/// Returns all hooks, by task, oldest first.
pub async fn all(s: &mut dyn Session) -> Result<Vec<Hook>> {
    let text = format!("select {COLUMNS} from hooks order by task_id, id");
    fetch!(all, s, "list hooks", &text)
}

/// Returns the hook with this secret.
pub async fn by_secret(s: &mut dyn Session, secret_hash: &str) -> Result<Option<StoredHook>> {
    let text = by_secret_sql();
    let found: Option<SealedHook> = fetch!(optional, s, "read a hook", &text, secret_hash)?;
    Ok(found.map(|found| found.0))
}

pub(super) fn by_secret_sql() -> String {
    format!("select {COLUMNS}, sealed_key from hooks where secret_hash = $1")
}

struct SealedHook(StoredHook);

impl super::column::FromRow for SealedHook {
    fn from_row<R: super::column::StoredRow>(row: &R) -> sqlx::Result<Self> {
        Ok(Self(StoredHook { hook: Hook::from_row(row)?, sealed_key: row.value("sealed_key")? }))
    }
}

/// Replaces the secret of a task's hook. Returns false if there is no such hook.
pub async fn set_secret(s: &mut dyn Session, task_id: &str, id: &str, secret_hash: &str) -> Result<bool> {
    let text = "update hooks set secret_hash = $3 where task_id = $1 and id = $2";
    Ok(execute!(s, "change a hook", text, task_id, id, secret_hash)? > 0)
}

/// Notes a call.
pub async fn set_used(s: &mut dyn Session, id: &str, at: DateTime<Utc>) -> Result<()> {
    execute!(s, "change a hook", "update hooks set used_at = $2 where id = $1", id, millis(at)).map(drop)
}

/// Deletes a hook of a task. Returns false if there is none.
pub async fn delete(s: &mut dyn Session, task_id: &str, id: &str) -> Result<bool> {
    let text = "delete from hooks where task_id = $1 and id = $2";
    Ok(execute!(s, "delete a hook", text, task_id, id)? > 0)
}
