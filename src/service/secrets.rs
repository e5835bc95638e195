//! Secrets of tasks: set, list and delete. Values are write-only.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::audit_log::{AuditEntry, AuditLog};
use super::deps::{ServiceDeps, Shared, from_deps};
use super::{Error, Result, allow};
use crate::clock::SharedClock;
use crate::domain::audit::AuditEvent;
use crate::domain::input::truncate;
use crate::domain::secret::{SecretInfo, SecretLimits};
use crate::domain::user::{Action, Actor, Role, check_limits};
use crate::i18n::{Message, message};
use crate::storage::{Database, Tx, secret, task};
use crate::tasks::template;
use crate::vault::{PlainSecret, Vault, VaultError};

/// The maximum length of a value, in bytes.
pub const MAX_VALUE: usize = 64 * 1024;
/// The most tasks that are searched for uses of secrets.
const MOST_USES: i64 = 2_000;
/// The most tasks that a secret can be limited to by id.
const MAX_TASKS: usize = 100;

/// A secret to set. No `Debug`, because it contains the value.
#[derive(Clone)]
pub struct NewSecret {
    pub value: String,
    /// Limits the secret to tasks with one of these tags; empty: no such limit; `None`: unchanged.
    pub tags: Option<Vec<String>>,
    /// Limits the secret to these tasks, by id; empty: no such limit; `None`: unchanged.
    pub tasks: Option<Vec<String>>,
}

/// Stores the secrets of tasks.
#[derive(Clone)]
pub struct SecretService {
    database: Database,
    clock: SharedClock,
    vault: Arc<Vault>,
    audit_log: AuditLog,
}

impl SecretService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared) -> Self {
        from_deps!(deps { database, clock, vault }, shared { audit_log })
    }

    /// All secrets, by name, without their values.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<SecretInfo>> {
        allow(actor, Action::Administer)?;
        Ok(secret::list(&mut self.database.read().await?).await?)
    }

    /// The ids of the tasks that use each secret, as far as their texts name it.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub async fn uses(&self, actor: &Actor) -> Result<BTreeMap<String, Vec<String>>> {
        allow(actor, Action::Administer)?;
        let tasks = task::mentioning(&mut self.database.read().await?, "secret(", MOST_USES).await?;
        let mut uses: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for task in tasks {
            let rules = task.schedule.rules.iter().flat_map(|rule| rule.params.values());
            let links = task.chain.iter().flat_map(|link| link.params.values());
            for name in template::secret_names(rules.chain(links).chain([&task.params])) {
                uses.entry(name).or_default().push(task.id.clone());
            }
        }
        Ok(uses)
    }

    /// Stores a secret; replaces an existing one of that name.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an invalid name, value or limit, [`Error::Forbidden`], [`Error::Conflict`] if no encryption key is
    /// available.
    pub async fn put(&self, actor: &Actor, name: &str, new: &NewSecret) -> Result<SecretInfo> {
        allow(actor, Action::Administer)?;
        check_name(name)?;
        check_value(&new.value)?;
        let mut tx = self.database.write().await?;
        let former = secret::list(&mut tx).await?.into_iter().find(|listed| listed.name == name);
        let limits = new.limits(&mut tx, former.map(|former| former.limits).unwrap_or_default()).await?;
        let entry =
            AuditEntry::new(AuditEvent::SecretSet, "secret", name).after(json!({"tags": limits.tags, "tasks": limits.ids()}));
        let plain = PlainSecret { name, value: &new.value, limits };
        self.vault.put(&mut tx, &plain, &actor.name, self.clock.now()).await?;
        self.audit_log.record(&mut tx, actor, entry).await?;
        let stored = secret::list(&mut tx).await?.into_iter().find(|listed| listed.name == name);
        tx.commit().await?;
        // Reloads the mask, so that the value is masked even before a run uses it.
        self.vault.values().await?;
        tracing::info!(actor = actor.name, secret = name, "secret set");
        stored.ok_or_else(|| no_secret(name))
    }

    /// Deletes a secret; tasks that use it will fail.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`].
    pub async fn delete(&self, actor: &Actor, name: &str) -> Result<()> {
        allow(actor, Action::Administer)?;
        let mut tx = self.database.write().await?;
        if !secret::delete(&mut tx, name).await? {
            return Err(no_secret(name));
        }
        self.audit_log.record(&mut tx, actor, AuditEntry::new(AuditEvent::SecretDelete, "secret", name)).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, secret = name, "secret deleted");
        Ok(())
    }
}

impl NewSecret {
    /// A value; the limits of an existing secret stay.
    pub fn new(value: impl Into<String>) -> Self {
        Self { value: value.into(), tags: None, tasks: None }
    }

    /// The limits of the secret, checked.
    async fn limits(&self, tx: &mut Tx, former: SecretLimits) -> Result<SecretLimits> {
        let tags = self.tags.clone().unwrap_or(former.tags);
        check_limits(&tags, Role::Viewer).map_err(Error::Invalid)?;
        let Some(ids) = &self.tasks else { return Ok(SecretLimits { tags, tasks: former.tasks }) };
        if ids.len() > MAX_TASKS {
            return Err(Error::invalid("/tasks", message!("secret.too_many_tasks", count = ids.len(), max = MAX_TASKS)));
        }
        let keys: BTreeMap<String, String> = task::many(tx, ids).await?.into_iter().map(|task| (task.id, task.key)).collect();
        match ids.iter().position(|id| !keys.contains_key(id)) {
            Some(place) => {
                let missing = message!("task.missing", id = truncate(&ids[place], 64));
                Err(Error::invalid(&format!("/tasks/{place}"), missing.of("tasks")))
            }
            None => Ok(SecretLimits { tags, tasks: keys }),
        }
    }
}

impl From<VaultError> for Error {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Database(error) => error.into(),
            other => Error::Conflict(Message::verbatim(other.to_string())),
        }
    }
}

fn no_secret(name: &str) -> Error {
    Error::NotFound(message!("secret.missing", name = truncate(name, 64)))
}

fn check_name(name: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !(1..=64).contains(&name.len()) || !name.chars().all(fits) {
        return Err(Error::invalid("/name", message!("secret.invalid_name").of("name")));
    }
    Ok(())
}

fn check_value(value: &str) -> Result<()> {
    if value.is_empty() || value.len() > MAX_VALUE {
        return Err(Error::invalid(
            "/value",
            message!("value.byte_count", min = 1, max = MAX_VALUE, count = value.len()).of("value"),
        ));
    }
    if value.contains('\0') {
        return Err(Error::invalid("/value", message!("value.nul").of("value")));
    }
    Ok(())
}
