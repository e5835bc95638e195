//! The vault: secrets that tasks use by name. They are encrypted in the database, decrypted in memory, and masked wherever a
//! run would show one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};

use crate::domain::mask::Mask;
use crate::domain::reference::Target;
use crate::domain::secret::SecretLimits;
use crate::i18n::{Message, message};
use crate::storage::secret::{self, EncryptedSecret};
use crate::storage::{self, Database, Tx};

mod key;

use key::Key;
pub use key::KeySource;

/// Why the vault cannot read or store a secret. Never contains a secret's value.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("{0}")]
    Key(Message),
    /// The value of this secret cannot be decrypted.
    #[error("{}", VaultError::sealed(.0))]
    Sealed(String),
    #[error(transparent)]
    Database(#[from] storage::Error),
}

impl VaultError {
    /// The message of [`VaultError::Sealed`].
    pub fn sealed(name: &str) -> Message {
        message!("vault.sealed", name)
    }
}

/// A secret to be stored. No `Debug`, because it contains the value.
pub struct PlainSecret<'s> {
    pub name: &'s str,
    pub value: &'s str,
    pub limits: SecretLimits,
}

/// The secrets as one task may use them.
#[derive(Clone, Default)]
pub struct TaskSecrets {
    values: Arc<Values>,
    /// The names of the secrets that are limited to other tasks.
    refused: BTreeSet<String>,
}

impl TaskSecrets {
    /// The value of a secret.
    ///
    /// # Errors
    /// Why the task has no such secret.
    pub fn get(&self, name: &str) -> Result<String, Message> {
        match self.values.get(name) {
            _ if self.refused.contains(name) => Err(message!("secret.of_other_tasks", name)),
            Some(value) => Ok(value.clone()),
            None => Err(message!("secret.missing", name)),
        }
    }
}

/// Secrets by name.
pub type Values = BTreeMap<String, String>;

/// The vault of the process; one instance is shared.
pub struct Vault {
    database: Database,
    source: KeySource,
    /// Secrets of the settings, which are masked as well.
    settings_secrets: Vec<String>,
    /// Secrets of stored profiles, which are masked as well.
    profile_secrets: RwLock<Vec<String>>,
    cache: RwLock<Decrypted>,
}

#[derive(Clone, Default)]
struct Decrypted {
    revision: (i64, i64),
    values: Arc<Values>,
    /// The limits of the secrets that have some.
    limits: Arc<BTreeMap<String, SecretLimits>>,
    mask: Arc<Mask>,
}

impl Vault {
    /// A vault that has not read anything yet. `settings_secrets` are secrets of the settings, which are masked as well.
    pub fn new(database: Database, source: KeySource, settings_secrets: Vec<String>) -> Self {
        let mask = Arc::new(Mask::from_values(settings_secrets.iter().map(String::as_str)));
        let cache = RwLock::new(Decrypted { mask, ..Decrypted::default() });
        Self { database, source, settings_secrets, profile_secrets: RwLock::default(), cache }
    }

    /// Masks the secrets of stored profiles from now on, instead of those given before.
    pub fn mask_profiles(&self, secrets: Vec<String>) {
        let mut cached = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        *self.profile_secrets.write().unwrap_or_else(PoisonError::into_inner) = secrets;
        cached.mask = self.mask_of(&cached.values);
    }

    /// The mask for these values and for what is masked as well.
    fn mask_of(&self, values: &Values) -> Arc<Mask> {
        let profiles = self.profile_secrets.read().unwrap_or_else(PoisonError::into_inner);
        Arc::new(Mask::from_values(values.values().chain(&self.settings_secrets).chain(&*profiles).map(String::as_str)))
    }

    /// The mask for all known secrets.
    pub fn mask(&self) -> Arc<Mask> {
        self.cache.read().unwrap_or_else(PoisonError::into_inner).mask.clone()
    }

    /// The secrets as one task may use them.
    ///
    /// # Errors
    /// A secret cannot be decrypted.
    pub async fn secrets_for(&self, task: Target<'_>) -> Result<TaskSecrets, VaultError> {
        let Decrypted { values, limits, .. } = self.current().await?;
        let refused = limits.iter().filter(|(_, limits)| !limits.allow(task)).map(|(name, _)| name.clone()).collect();
        Ok(TaskSecrets { values, refused })
    }

    /// The current values of all secrets.
    ///
    /// # Errors
    /// A secret cannot be decrypted.
    pub async fn values(&self) -> Result<Arc<Values>, VaultError> {
        Ok(self.current().await?.values)
    }

    /// The current secrets. Takes one small read; values are decrypted only when a secret has changed.
    ///
    /// # Errors
    /// A secret cannot be decrypted.
    async fn current(&self) -> Result<Decrypted, VaultError> {
        let mut reader = self.database.read_engine().await?;
        let revision = secret::revision(&mut reader).await?;
        {
            let cached = self.cache.read().unwrap_or_else(PoisonError::into_inner);
            if cached.revision == revision {
                return Ok(cached.clone());
            }
        }
        let sealed = secret::encrypted(&mut reader).await?;
        let values = Arc::new(self.decrypt(&sealed)?);
        let limited = sealed.into_iter().filter(|secret| secret.limits != SecretLimits::default());
        let limits = Arc::new(limited.map(|secret| (secret.name, secret.limits)).collect());
        let mut cached = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        let mask = self.mask_of(&values);
        *cached = Decrypted { revision, values, limits, mask };
        Ok(cached.clone())
    }

    fn decrypt(&self, sealed: &[EncryptedSecret]) -> Result<Values, VaultError> {
        let Some(first) = sealed.first() else { return Ok(Values::new()) };
        let key = self.source.read()?.ok_or_else(|| VaultError::Sealed(first.name.clone()))?;
        sealed.iter().map(|secret| Ok((secret.name.clone(), key.open(&secret.name, &secret.ciphertext)?))).collect()
    }

    /// Stores a secret; [`Vault::values`] returns it once the transaction is committed.
    ///
    /// # Errors
    /// There is no key and none can be created.
    pub async fn put(&self, tx: &mut Tx, secret: &PlainSecret<'_>, by: &str, now: DateTime<Utc>) -> Result<(), VaultError> {
        let key: Key = self.source.read_or_create()?;
        let ciphertext = key.seal(secret.name, secret.value)?;
        let encrypted = EncryptedSecret { name: secret.name.to_owned(), ciphertext, limits: secret.limits.clone() };
        secret::put(tx, &encrypted, by, now).await?;
        Ok(())
    }

    /// Encrypts a value that is stored elsewhere. It can be decrypted only under the same name.
    ///
    /// # Errors
    /// There is no key and none can be created.
    pub fn seal(&self, name: &str, value: &str) -> Result<String, VaultError> {
        self.source.read_or_create()?.seal(name, value)
    }

    /// Decrypts a value encrypted by [`Vault::seal`].
    ///
    /// # Errors
    /// There is no key, or the value was encrypted with another one.
    pub fn open(&self, name: &str, sealed: &str) -> Result<String, VaultError> {
        self.source.read()?.ok_or_else(|| VaultError::Sealed(name.to_owned()))?.open(name, sealed)
    }
}
