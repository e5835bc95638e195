//! Secrets that tasks use by name: set, listed, deleted. A value goes in and never comes out.

use super::audit::Told;
use super::{Error, Result, Service, allow};
use crate::domain::audit::Act;
use crate::domain::input::cut;
use crate::domain::secret::SecretInfo;
use crate::domain::user::{Action, Actor};
use crate::storage::secret;
use crate::vault::VaultError;

/// The longest value taken, in bytes.
pub const MAX_VALUE: usize = 64 * 1024;

impl Service {
    /// All secrets, by name, without their values.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Internal`].
    pub async fn secrets(&self, actor: &Actor) -> Result<Vec<SecretInfo>> {
        allow(actor, Action::Administer)?;
        Ok(secret::list(&mut self.database().read().await?).await?)
    }

    /// Keeps a secret, in the place of an earlier one of that name.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a bad name or value, [`Error::Forbidden`], [`Error::Conflict`] where no key can be had.
    pub async fn put_secret(&self, actor: &Actor, name: &str, value: &str) -> Result<SecretInfo> {
        allow(actor, Action::Administer)?;
        check_name(name)?;
        check_value(value)?;
        let mut tx = self.database().write().await?;
        self.vault().put(&mut tx, name, value, &actor.name, self.clock().now()).await?;
        self.tell(&mut tx, actor, Told::of(Act::SecretSet, "secret", name)).await?;
        let kept = secret::list(&mut tx).await?.into_iter().find(|listed| listed.name == name);
        tx.commit().await?;
        // From now on it is hidden, whether or not a run has used it yet.
        self.vault().values().await?;
        tracing::info!(actor = actor.name, secret = name, "secret set");
        kept.ok_or_else(|| no_secret(name))
    }

    /// Deletes a secret; tasks that name it fail from now on.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`].
    pub async fn delete_secret(&self, actor: &Actor, name: &str) -> Result<()> {
        allow(actor, Action::Administer)?;
        let mut tx = self.database().write().await?;
        if !secret::delete(&mut tx, name).await? {
            return Err(no_secret(name));
        }
        self.tell(&mut tx, actor, Told::of(Act::SecretDelete, "secret", name)).await?;
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
    Error::NotFound(format!("there is no secret '{}'", cut(name, 64)))
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
