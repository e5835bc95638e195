//! Secrets of tasks: set, list and delete. Values are write-only.

use super::audit::AuditEntry;
use super::{Error, Result, Service, allow};
use crate::domain::audit::AuditEvent;
use crate::domain::input::truncate;
use crate::domain::secret::SecretInfo;
use crate::domain::user::{Action, Actor};
use crate::storage::secret;
use crate::vault::VaultError;

/// The maximum length of a value, in bytes.
pub const MAX_VALUE: usize = 64 * 1024;

impl Service {
    /// All secrets, by name, without their values.
    pub async fn secrets(&self, actor: &Actor) -> Result<Vec<SecretInfo>> {
        allow(actor, Action::Administer)?;
        Ok(secret::list(&mut self.database().read().await?).await?)
    }

    /// Stores a secret; replaces an existing one of that name.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an invalid name or value, [`Error::Forbidden`], [`Error::Conflict`] if no encryption key is
    /// available.
    pub async fn put_secret(&self, actor: &Actor, name: &str, value: &str) -> Result<SecretInfo> {
        allow(actor, Action::Administer)?;
        check_name(name)?;
        check_value(value)?;
        let mut tx = self.database().write().await?;
        self.vault().put(&mut tx, name, value, &actor.name, self.clock().now()).await?;
        self.record_audit(&mut tx, actor, AuditEntry::new(AuditEvent::SecretSet, "secret", name)).await?;
        let stored = secret::list(&mut tx).await?.into_iter().find(|listed| listed.name == name);
        tx.commit().await?;
        // Reloads the mask, so that the value is masked even before a run uses it.
        self.vault().values().await?;
        tracing::info!(actor = actor.name, secret = name, "secret set");
        stored.ok_or_else(|| no_secret(name))
    }

    /// Deletes a secret; tasks that use it will fail.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`].
    pub async fn delete_secret(&self, actor: &Actor, name: &str) -> Result<()> {
        allow(actor, Action::Administer)?;
        let mut tx = self.database().write().await?;
        if !secret::delete(&mut tx, name).await? {
            return Err(no_secret(name));
        }
        self.record_audit(&mut tx, actor, AuditEntry::new(AuditEvent::SecretDelete, "secret", name)).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, secret = name, "secret deleted");
        Ok(())
    }
}

impl From<VaultError> for Error {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Database(error) => error.into(),
            other => Error::Conflict(other.to_string()),
        }
    }
}

fn no_secret(name: &str) -> Error {
    Error::NotFound(format!("there is no secret '{}'", truncate(name, 64)))
}

fn check_name(name: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !(1..=64).contains(&name.len()) || !name.chars().all(fits) {
        return Err(Error::invalid("/name", "name: must have 1 to 64 ASCII letters, digits, '.', '_' and '-'"));
    }
    Ok(())
}

fn check_value(value: &str) -> Result<()> {
    if value.is_empty() || value.len() > MAX_VALUE {
        return Err(Error::invalid("/value", format!("value: must have 1 to {MAX_VALUE} bytes, not {}", value.len())));
    }
    if value.contains('\0') {
        return Err(Error::invalid("/value", "value: must not hold NUL"));
    }
    Ok(())
}
