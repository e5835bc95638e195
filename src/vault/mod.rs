//! The vault: secrets that tasks use by name. They lie encrypted in the database and open in memory, and wherever a run
//! would show one, stars stand in its place.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};

use crate::domain::mask::Mask;
use crate::storage::{self, Database, Tx, secret};

mod key;

use key::Key;
pub use key::KeySource;

/// Why the vault cannot give or take a secret. No value is ever in it.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("{0}")]
    Key(String),
    /// The value of this secret does not open.
    #[error("the secret '{0}' was encrypted with another key; set it anew, or give the key that it was made with")]
    Sealed(String),
    #[error(transparent)]
    Database(#[from] storage::Error),
}

/// Secrets by name.
pub type Values = BTreeMap<String, String>;

/// One value serves the whole process.
pub struct Vault {
    database: Database,
    source: KeySource,
    /// Values of the settings that are hidden as well.
    also_hidden: Vec<String>,
    open: RwLock<Open>,
}

#[derive(Clone, Default)]
struct Open {
    revision: (i64, i64),
    values: Arc<Values>,
    mask: Arc<Mask>,
}

impl Vault {
    /// A vault that has not read anything yet. `also_hidden` are values of the settings that are hidden as well.
    pub fn new(database: Database, source: KeySource, also_hidden: Vec<String>) -> Self {
        let mask = Arc::new(Mask::of(also_hidden.iter().map(String::as_str)));
        Self { database, source, also_hidden, open: RwLock::new(Open { mask, ..Open::default() }) }
    }

    /// What hides the secrets known here.
    pub fn mask(&self) -> Arc<Mask> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).mask.clone()
    }

    /// All secrets, as they are now. Costs a small read; values are decrypted when one has changed.
    ///
    /// # Errors
    /// Where one does not open, or the database fails.
    pub async fn values(&self) -> Result<Arc<Values>, VaultError> {
        let mut reader = self.database.read().await?;
        let revision = secret::revision(&mut reader).await?;
        {
            let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
            if open.revision == revision {
                return Ok(open.values.clone());
            }
        }
        let sealed = secret::sealed(&mut reader).await?;
        let values = Arc::new(self.opened(&sealed)?);
        let hidden = values.values().chain(&self.also_hidden).map(String::as_str);
        let open = Open { revision, mask: Arc::new(Mask::of(hidden)), values: values.clone() };
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = open;
        Ok(values)
    }

    fn opened(&self, sealed: &[(String, String)]) -> Result<Values, VaultError> {
        if sealed.is_empty() {
            return Ok(Values::new());
        }
        let key = self.source.read()?.ok_or_else(|| VaultError::Sealed(sealed[0].0.clone()))?;
        sealed.iter().map(|(name, text)| Ok((name.clone(), key.open(name, text)?))).collect()
    }

    /// Keeps a secret; [`Vault::values`] has it once the transaction is committed.
    ///
    /// # Errors
    /// Where there is no key and none can be made, or the database fails.
    pub async fn put(&self, tx: &mut Tx, name: &str, value: &str, by: &str, now: DateTime<Utc>) -> Result<(), VaultError> {
        let key: Key = self.source.read_or_make()?;
        secret::put(tx, name, &key.seal(name, value)?, by, now).await?;
        Ok(())
    }

    /// Encrypts something that is kept elsewhere than among the secrets; it opens under its own name alone.
    ///
    /// # Errors
    /// Where there is no key and none can be made.
    pub fn seal(&self, name: &str, value: &str) -> Result<String, VaultError> {
        self.source.read_or_make()?.seal(name, value)
    }

    /// Decrypts what [`Vault::seal`] encrypted.
    ///
    /// # Errors
    /// Where there is no key, or it was another one.
    pub fn open(&self, name: &str, sealed: &str) -> Result<String, VaultError> {
        self.source.read()?.ok_or_else(|| VaultError::Sealed(name.to_owned()))?.open(name, sealed)
    }
}
