//! The directory of channels: those of the settings and those that administrators stored.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Map, Value};

use super::own_text;
use crate::domain::notify::channel::{Channel, Credentials};
use crate::domain::profile::Profiles;
use crate::domain::secret::Secret;
use crate::storage::notify_channel::{self, StoredChannel};
use crate::storage::{Database, Result};
use crate::vault::{Vault, VaultError};

/// Channels by name.
pub type Channels = BTreeMap<String, Channel>;

/// The channels; one instance is shared.
pub struct Directory {
    database: Database,
    vault: Arc<Vault>,
    from_settings: Channels,
    cache: RwLock<Option<(Revision, Arc<Channels>)>>,
}

/// Changes with every change of a stored channel.
type Revision = (i64, i64);

impl Directory {
    pub fn new(database: Database, vault: Arc<Vault>, profiles: &Profiles) -> Self {
        let from_settings = profiles
            .notify
            .iter()
            .filter_map(|(name, settings)| Channel::from_settings(name, settings).map(|channel| (name.clone(), channel)));
        let from_settings: Channels = from_settings.collect();
        for (name, channel) in &from_settings {
            for fault in own_text::faults(&channel.templates()) {
                let (field, error) = (fault.pointer, fault.message.to_string());
                tracing::warn!(
                    channel = name,
                    field,
                    error,
                    "invalid template of a notification channel; using the built-in text"
                );
            }
        }
        Self { database, vault, from_settings, cache: RwLock::default() }
    }

    /// All channels; one of the settings takes precedence over a stored one of its name. Takes one small read; credentials are
    /// decrypted only when a channel has changed. A channel whose credentials cannot be decrypted has none.
    ///
    /// # Errors
    /// The database fails.
    pub async fn all(&self) -> Result<Arc<Channels>> {
        let mut reader = self.database.read_engine().await?;
        let revision = notify_channel::revision(&mut reader).await?;
        if let Some((known, channels)) = &*self.cache.read().unwrap_or_else(PoisonError::into_inner)
            && *known == revision
        {
            return Ok(channels.clone());
        }
        let stored = notify_channel::list(&mut reader).await?;
        let mut channels: Channels = stored.into_iter().map(|stored| (stored.name.clone(), self.decrypt(stored))).collect();
        channels.extend(self.from_settings.clone());
        let channels = Arc::new(channels);
        *self.cache.write().unwrap_or_else(PoisonError::into_inner) = Some((revision, channels.clone()));
        Ok(channels)
    }

    /// The channels as they were read last, without the database.
    pub fn known(&self) -> Arc<Channels> {
        let cached = self.cache.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(_, channels)| channels.clone());
        cached.unwrap_or_else(|| Arc::new(self.from_settings.clone()))
    }

    fn decrypt(&self, stored: StoredChannel) -> Channel {
        let StoredChannel { name, channel_type, options, ciphertext, .. } = stored;
        let credentials = self.vault.open(&seal_name(&name), &ciphertext).map(|text| from_json(&text));
        let credentials = credentials.unwrap_or_else(|error| {
            tracing::warn!(channel = name, %error, "failed to decrypt the credentials of a notification channel");
            Credentials::default()
        });
        Channel { name, channel_type, options, credentials, from_file: false }
    }

    /// Encrypts the credentials of a channel for storage.
    ///
    /// # Errors
    /// There is no key and none can be created.
    pub fn encrypt(&self, channel: &Channel) -> std::result::Result<String, VaultError> {
        self.vault.seal(&seal_name(&channel.name), &to_json(&channel.credentials))
    }
}

/// The name under which a channel's credentials are encrypted, so that they cannot be moved to another channel.
fn seal_name(channel: &str) -> String {
    format!("notify-channel:{channel}")
}

fn to_json(credentials: &Credentials) -> String {
    let fields = credentials.fields().into_iter();
    let fields = fields.filter_map(|(name, secret)| Some((name.to_owned(), Value::from(secret?.reveal()))));
    Value::Object(fields.collect()).to_string()
}

fn from_json(text: &str) -> Credentials {
    let fields: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
    let secret = |name: &str| fields.get(name).and_then(Value::as_str).map(Secret::new);
    Credentials {
        url: secret("url"),
        secret: secret("secret"),
        token: secret("token"),
        key: secret("key"),
        proxy: secret("proxy"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_survive_their_json() {
        let secret = |text: &str| Some(Secret::new(text));
        let credentials = Credentials {
            url: secret("https://example.com/\"x\""),
            secret: secret("s"),
            token: None,
            key: secret("k"),
            proxy: secret("socks5://localhost"),
        };
        assert_eq!(from_json(&to_json(&credentials)), credentials);
    }
}
