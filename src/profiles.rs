//! The directory of profiles: the mail servers, SMS providers, datasources and HTTP services of the settings, and those that
//! administrators stored.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Map, Value};
use tokio::sync::Mutex;

use crate::config::profile_settings;
pub use crate::config::{Setting as ProfileField, ValueType as FieldType, profile_choices as choices, read_profile};
use crate::domain::fault::Fault;
use crate::domain::profile::{ProfileKind, Profiles};
use crate::storage::profile::{self, StoredProfile};
use crate::storage::{Database, Result};
use crate::vault::{Vault, VaultError};

/// The settings of a kind of profile, in the order of the documentation.
pub fn fields(kind: ProfileKind) -> &'static [ProfileField] {
    profile_settings(kind)
}

/// The directory of the process; one instance is shared.
#[derive(Default)]
pub struct ProfileDirectory {
    from_settings: Arc<Profiles>,
    /// Where profiles are stored; `None`: there are only those of the settings.
    store: Option<Store>,
    cache: RwLock<Cached>,
    /// Held while stored profiles are read, so that an older state never replaces a newer one.
    loading: Mutex<()>,
}

struct Store {
    database: Database,
    vault: Arc<Vault>,
}

#[derive(Clone, Default)]
struct Cached {
    /// Changes with every change of a stored profile.
    revision: (i64, i64),
    profiles: Arc<Profiles>,
    unreadable: Arc<BTreeSet<(ProfileKind, String)>>,
}

impl ProfileDirectory {
    /// The profiles of the settings with those of the database.
    pub fn new(from_settings: Arc<Profiles>, database: Database, vault: Arc<Vault>) -> Self {
        Self { store: Some(Store { database, vault }), ..Self::fixed(from_settings) }
    }

    /// The profiles of the settings alone.
    pub fn fixed(from_settings: impl Into<Arc<Profiles>>) -> Self {
        let from_settings = from_settings.into();
        let cache = RwLock::new(Cached { profiles: from_settings.clone(), ..Cached::default() });
        Self { from_settings, store: None, cache, loading: Mutex::default() }
    }

    /// The profiles of the settings.
    pub fn from_settings(&self) -> &Arc<Profiles> {
        &self.from_settings
    }

    /// All profiles as they were read last, without the database.
    pub fn current(&self) -> Arc<Profiles> {
        self.cached().profiles
    }

    /// The stored profiles that cannot be read with the present encryption key, as of the last read.
    pub fn unreadable(&self, kind: ProfileKind) -> Vec<String> {
        self.cached().unreadable.iter().filter(|(of, _)| *of == kind).map(|(_, name)| name.clone()).collect()
    }

    /// All profiles; one of the settings takes precedence over a stored one of its name. Takes one small read; profiles are
    /// decrypted only when one has changed. One that cannot be decrypted is left out.
    ///
    /// # Errors
    /// The database fails.
    pub async fn refresh(&self) -> Result<Arc<Profiles>> {
        let Some(store) = &self.store else { return Ok(self.current()) };
        let mut reader = store.database.read_engine().await?;
        if let Some(known) = self.known(profile::revision(&mut reader).await?) {
            return Ok(known);
        }
        let _loading = self.loading.lock().await;
        let revision = profile::revision(&mut reader).await?;
        if let Some(known) = self.known(revision) {
            return Ok(known);
        }
        let stored = profile::list(&mut reader).await?;
        let (own, unreadable) = store.read_all(&stored);
        store.vault.mask_profiles(own.secrets().iter().map(|secret| secret.reveal().to_owned()).collect());
        let mut profiles = (*self.from_settings).clone();
        profiles.add_missing(own);
        let loaded = Cached { revision, profiles: Arc::new(profiles), unreadable: Arc::new(unreadable) };
        *self.cache.write().unwrap_or_else(PoisonError::into_inner) = loaded.clone();
        Ok(loaded.profiles)
    }

    /// The settings of a stored profile, secrets included.
    ///
    /// # Errors
    /// It cannot be decrypted.
    pub fn open(&self, stored: &StoredProfile) -> std::result::Result<Map<String, Value>, VaultError> {
        self.store.as_ref().map_or_else(|| Err(no_store(&stored.name)), |store| store.open(stored))
    }

    /// Encrypts the settings of a profile for storage.
    ///
    /// # Errors
    /// There is no key and none can be created.
    pub fn seal(&self, kind: ProfileKind, name: &str, values: &Map<String, Value>) -> std::result::Result<String, VaultError> {
        let Some(store) = &self.store else { return Err(no_store(name)) };
        store.vault.seal(&seal_name(kind, name), &Value::Object(values.clone()).to_string())
    }

    fn cached(&self) -> Cached {
        self.cache.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn known(&self, revision: (i64, i64)) -> Option<Arc<Profiles>> {
        let cached = self.cached();
        (cached.revision == revision).then_some(cached.profiles)
    }
}

impl Store {
    /// The stored profiles, and those that cannot be read.
    fn read_all(&self, stored: &[StoredProfile]) -> (Profiles, BTreeSet<(ProfileKind, String)>) {
        let (mut profiles, mut unreadable) = (Profiles::default(), BTreeSet::new());
        for row in stored {
            match self.read(row) {
                Ok(one) => profiles.add_missing(one),
                Err(error) => {
                    let (kind, name) = (row.kind.as_str(), &row.name);
                    tracing::warn!(kind, name, error, "failed to read a stored profile");
                    unreadable.insert((row.kind, row.name.clone()));
                }
            }
        }
        (profiles, unreadable)
    }

    fn read(&self, row: &StoredProfile) -> std::result::Result<Profiles, String> {
        let values = self.open(row).map_err(|error| error.to_string())?;
        let texts = |faults: Vec<Fault>| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        read_profile(row.kind, &row.name, &values).map_err(texts)
    }

    fn open(&self, stored: &StoredProfile) -> std::result::Result<Map<String, Value>, VaultError> {
        let text = self.vault.open(&seal_name(stored.kind, &stored.name), &stored.ciphertext)?;
        serde_json::from_str(&text).map_err(|_| VaultError::Sealed(stored.name.clone()))
    }
}

fn no_store(name: &str) -> VaultError {
    VaultError::Sealed(name.to_owned())
}

/// The name under which a profile is encrypted, so that its content cannot be moved to another one.
fn seal_name(kind: ProfileKind, name: &str) -> String {
    format!("profile:{}:{name}", kind.as_str())
}
