//! The vault: secrets that tasks use by name. They are encrypted in the database, decrypted in memory, and masked wherever a
//! run would show one.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};

use crate::domain::mask::Mask;
use crate::storage::{self, Database, Tx, secret};

mod key;

use key::Key;
pub use key::KeySource;

/// Why the vault cannot read or store a secret. Never contains a secret's value.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("{0}")]
    Key(String),
    /// The value of this secret cannot be decrypted.
    #[error("the secret '{0}' was encrypted with another key; set it again, or restore the key it was encrypted with")]
    Sealed(String),
    #[error(transparent)]
    Database(#[from] storage::Error),
}

/// Secrets by name.
pub type Values = BTreeMap<String, String>;

/// The vault of the process; one instance is shared.
pub struct Vault {
    database: Database,
    source: KeySource,
    /// Secrets of the settings, which are masked as well.
    settings_secrets: Vec<String>,
    cache: RwLock<Decrypted>,
}

#[derive(Clone, Default)]
struct Decrypted {
    revision: (i64, i64),
    values: Arc<Values>,
    mask: Arc<Mask>,
}

impl Vault {
    /// A vault that has not read anything yet. `settings_secrets` are secrets of the settings, which are masked as well.
    pub fn new(database: Database, source: KeySource, settings_secrets: Vec<String>) -> Self {
        let mask = Arc::new(Mask::from_values(settings_secrets.iter().map(String::as_str)));
        Self { database, source, settings_secrets, cache: RwLock::new(Decrypted { mask, ..Decrypted::default() }) }
    }

    /// The mask for all known secrets.
    pub fn mask(&self) -> Arc<Mask> {
        self.cache.read().unwrap_or_else(PoisonError::into_inner).mask.clone()
    }

    /// The current values of all secrets. Takes one small read; values are decrypted only when a secret has changed.
    ///
    /// # Errors
    /// A secret cannot be decrypted.
    pub async fn values(&self) -> Result<Arc<Values>, VaultError> {
        let mut reader = self.database.read().await?;
        let revision = secret::revision(&mut reader).await?;
        {
            let cached = self.cache.read().unwrap_or_else(PoisonError::into_inner);
            if cached.revision == revision {
                return Ok(cached.values.clone());
            }
        }
        let sealed = secret::encrypted(&mut reader).await?;
        let values = Arc::new(self.decrypt(&sealed)?);
        let secrets = values.values().chain(&self.settings_secrets).map(String::as_str);
        let decrypted = Decrypted { revision, mask: Arc::new(Mask::from_values(secrets)), values: values.clone() };
        *self.cache.write().unwrap_or_else(PoisonError::into_inner) = decrypted;
        Ok(values)
    }

    fn decrypt(&self, sealed: &[(String, String)]) -> Result<Values, VaultError> {
        if sealed.is_empty() {
            return Ok(Values::new());
        }
        let key = self.source.read()?.ok_or_else(|| VaultError::Sealed(sealed[0].0.clone()))?;
        sealed.iter().map(|(name, text)| Ok((name.clone(), key.open(name, text)?))).collect()
    }

    /// Stores a secret; [`Vault::values`] returns it once the transaction is committed.
    ///
    /// # Errors
    /// There is no key and none can be created.
    pub async fn put(&self, tx: &mut Tx, name: &str, value: &str, by: &str, now: DateTime<Utc>) -> Result<(), VaultError> {
        let key: Key = self.source.read_or_create()?;
        secret::put(tx, name, &key.seal(name, value)?, by, now).await?;
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
