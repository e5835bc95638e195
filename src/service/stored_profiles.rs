//! Profiles that administrators store: mail servers, SMS providers, datasources and HTTP services. Secrets are write-only.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::audit_log::{AuditEntry, AuditLog};
use super::deps::{ServiceDeps, Shared, from_deps};
use super::profile_uses::Uses;
use super::{Error, Result, allow};
use crate::clock::SharedClock;
use crate::domain::audit::AuditEvent;
use crate::domain::fault::Fault;
use crate::domain::input::truncate;
use crate::domain::profile::datasource::Engine;
use crate::domain::profile::{ProfileKind, Profiles};
use crate::domain::user::{Action, Actor};
use crate::i18n::{Message, message};
use crate::notify::courier::Courier;
use crate::profiles::{ProfileDirectory, ProfileField, fields, read_profile};
use crate::storage::profile::{self, StoredProfile};
use crate::storage::{self, Database};
use crate::tasks::Limits;

/// The most profiles of a kind, with those of the settings.
const MAX_PROFILES: usize = 200;
/// Longer names are those of no profile.
const NAME_MAX: usize = 200;
/// The maximum length of a text, in bytes.
const TEXT_MAX: usize = 16 * 1024;
/// The most tasks that a refusal names.
const NAMED: usize = 20;

/// A profile with what is not secret in it.
#[derive(Debug, Clone)]
pub struct ProfileInfo {
    pub kind: ProfileKind,
    pub name: String,
    /// Whether the settings define it, so that it can be changed only there; then its values are not given.
    pub from_file: bool,
    /// Its settings by key, without secrets; `None` if they cannot be decrypted, or are in the file.
    pub values: Option<Map<String, Value>>,
    /// The keys of the secrets that are set.
    pub secrets: Vec<&'static str>,
    /// 0 for one of the settings.
    pub version: i64,
    /// When it was changed last, and by whom; `None` for one of the settings.
    pub updated: Option<(DateTime<Utc>, String)>,
    /// The ids of the tasks that name it, sorted.
    pub tasks: Vec<String>,
    /// The notification channels that name it.
    pub channels: Vec<String>,
}

/// Lists and changes the stored profiles.
#[derive(Clone)]
pub struct StoredProfileService {
    database: Database,
    clock: SharedClock,
    audit_log: AuditLog,
    directory: Arc<ProfileDirectory>,
    courier: Arc<Courier>,
    limits: Arc<Limits>,
}

impl StoredProfileService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared) -> Self {
        from_deps!(deps { database, clock, courier, limits }, shared { audit_log }, { directory: deps.profiles.clone() })
    }

    /// Whether the settings define a profile.
    pub fn is_from_file(&self, kind: ProfileKind, name: &str) -> bool {
        self.directory.from_settings().contains(kind, name)
    }

    /// The stored profiles of a kind that cannot be decrypted.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub async fn unreadable(&self, actor: &Actor, kind: ProfileKind) -> Result<Vec<String>> {
        allow(actor, Action::SeeServer)?;
        self.directory.refresh().await?;
        Ok(self.directory.unreadable(kind))
    }

    /// One profile, of the settings or stored.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`].
    pub async fn get(&self, actor: &Actor, kind: ProfileKind, name: &str) -> Result<ProfileInfo> {
        allow(actor, Action::Administer)?;
        if name.len() > NAME_MAX {
            return Err(missing(kind, name));
        }
        let uses = self.uses(kind, name).await?;
        let empty = ProfileInfo {
            kind,
            name: name.to_owned(),
            from_file: true,
            values: None,
            secrets: Vec::new(),
            version: 0,
            updated: None,
            tasks: uses.tasks,
            channels: uses.channels,
        };
        if self.is_from_file(kind, name) {
            return Ok(empty);
        }
        let found = profile::get(&mut self.database.read().await?, kind, name).await?;
        let stored = found.ok_or_else(|| missing(kind, name))?;
        let values = self.directory.open(&stored).ok();
        let secrets = values.as_ref().map(|values| set_secrets(kind, values)).unwrap_or_default();
        Ok(ProfileInfo {
            from_file: false,
            values: values.map(|values| without_secrets(kind, values)),
            secrets,
            version: stored.version,
            updated: Some((stored.updated_at, stored.updated_by)),
            ..empty
        })
    }

    /// Stores a new profile. `values`: its settings by key, as in the settings file.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Conflict`] if there is one of that name, [`Error::Forbidden`].
    pub async fn create(&self, actor: &Actor, kind: ProfileKind, name: &str, values: &Map<String, Value>) -> Result<ProfileInfo> {
        allow(actor, Action::Administer)?;
        let values = merged(kind, values, &Map::new());
        self.check(kind, name, &values).await?;
        let profiles = self.directory.refresh().await?;
        if profiles.contains(kind, name) || self.directory.unreadable(kind).iter().any(|taken| taken == name) {
            return Err(exists(kind, name));
        }
        if profiles.count(kind) >= MAX_PROFILES {
            return Err(Error::Conflict(message!("profile.too_many", count = profiles.count(kind))));
        }
        let stored = self.stored(actor, kind, name, &values, 1)?;
        let mut tx = self.database.write().await?;
        profile::insert(&mut tx, &stored).await.map_err(|error| match error {
            storage::Error::Conflict(_) => exists(kind, name),
            other => other.into(),
        })?;
        let entry = AuditEntry::new(AuditEvent::ProfileCreate, target(kind), name).after(shown(kind, &values));
        self.audit_log.record(&mut tx, actor, entry).await?;
        tx.commit().await?;
        self.changed(actor, kind, name, "profile created").await?;
        self.get(actor, kind, name).await
    }

    /// Replaces a stored profile. Settings that are left out are removed, but secrets stay; an empty text removes a secret.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::NotFound`], [`Error::Conflict`] for a profile of the settings, [`Error::Stale`] if the version
    /// differs, [`Error::Forbidden`].
    pub async fn replace(
        &self,
        actor: &Actor,
        kind: ProfileKind,
        name: &str,
        values: &Map<String, Value>,
        if_match: Option<i64>,
    ) -> Result<ProfileInfo> {
        let current = self.changeable(actor, kind, name, if_match).await?;
        let former = self.directory.open(&current).unwrap_or_default();
        let values = merged(kind, values, &former);
        self.check(kind, name, &values).await?;
        let stored = self.stored(actor, kind, name, &values, current.version)?;
        let mut tx = self.database.write().await?;
        if !profile::update(&mut tx, &stored).await? {
            return Err(Error::Stale { given: current.version, current: current.version + 1 });
        }
        let entry = AuditEntry::new(AuditEvent::ProfileUpdate, target(kind), name);
        let entry = entry.before(shown(kind, &former)).after(shown(kind, &values));
        self.audit_log.record(&mut tx, actor, entry).await?;
        tx.commit().await?;
        self.changed(actor, kind, name, "profile changed").await?;
        self.get(actor, kind, name).await
    }

    /// Deletes a stored profile that no task and no channel names.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`] for a profile of the settings or one in use, [`Error::Stale`], [`Error::Forbidden`].
    pub async fn delete(&self, actor: &Actor, kind: ProfileKind, name: &str, if_match: Option<i64>) -> Result<()> {
        let current = self.changeable(actor, kind, name, if_match).await?;
        let uses = self.uses(kind, name).await?;
        if let Some(users) = uses.named(NAMED) {
            return Err(Error::Conflict(message!("profile.in_use", name, users)));
        }
        let former = self.directory.open(&current).unwrap_or_default();
        let mut tx = self.database.write().await?;
        if !profile::delete(&mut tx, kind, name, current.version).await? {
            return Err(Error::Stale { given: current.version, current: current.version + 1 });
        }
        let entry = AuditEntry::new(AuditEvent::ProfileDelete, target(kind), name).before(shown(kind, &former));
        self.audit_log.record(&mut tx, actor, entry).await?;
        tx.commit().await?;
        self.changed(actor, kind, name, "profile deleted").await
    }

    /// A stored profile that may be changed.
    async fn changeable(&self, actor: &Actor, kind: ProfileKind, name: &str, if_match: Option<i64>) -> Result<StoredProfile> {
        allow(actor, Action::Administer)?;
        if self.is_from_file(kind, name) {
            return Err(Error::Conflict(message!("profile.in_settings", section = kind.as_str(), name)));
        }
        let found = profile::get(&mut self.database.read().await?, kind, name).await?;
        let current = found.ok_or_else(|| missing(kind, name))?;
        match if_match {
            Some(given) if given != current.version => Err(Error::Stale { given, current: current.version }),
            _ => Ok(current),
        }
    }

    /// Checks a profile as those of the settings file are checked, and that it gives no access to files of the server.
    async fn check(&self, kind: ProfileKind, name: &str, values: &Map<String, Value>) -> Result<()> {
        let too_long = values.iter().filter_map(|(key, value)| {
            let count = value.as_str().map_or(0, str::len);
            (count > TEXT_MAX).then(|| {
                Fault::new(format!("/{key}"), message!("value.byte_count", min = 1, max = TEXT_MAX, count).of(key.as_str()))
            })
        });
        let faults: Vec<Fault> = too_long.collect();
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        let profiles = read_profile(kind, name, values).map_err(Error::Invalid)?;
        let file = database_file(&profiles, name).map_err(|message| Error::invalid("/url", message.of("url")))?;
        let Some(file) = file else { return Ok(()) };
        let limits = self.limits.clone();
        let checked = tokio::task::spawn_blocking(move || limits.files.resolve(&file, &[]));
        let checked = checked.await.map_err(|error| Error::Internal(Box::new(error)))?;
        checked.map(drop).map_err(|message| Error::invalid("/url", message.of("url")))
    }

    async fn uses(&self, kind: ProfileKind, name: &str) -> Result<Uses> {
        let channels = self.courier.directory.all().await?;
        Uses::find(&mut self.database.read().await?, &channels, kind, name).await
    }

    fn stored(
        &self,
        actor: &Actor,
        kind: ProfileKind,
        name: &str,
        values: &Map<String, Value>,
        version: i64,
    ) -> Result<StoredProfile> {
        let now = self.clock.now();
        Ok(StoredProfile {
            kind,
            name: name.to_owned(),
            ciphertext: self.directory.seal(kind, name, values)?,
            version,
            created_at: now,
            updated_at: now,
            updated_by: actor.name.clone(),
        })
    }

    /// Tells this node at once; the others notice at their next use.
    async fn changed(&self, actor: &Actor, kind: ProfileKind, name: &str, what: &str) -> Result<()> {
        self.directory.refresh().await?;
        tracing::info!(actor = actor.name, kind = kind.as_str(), name, "{what}");
        Ok(())
    }
}

/// The values to store: those given, and of `former` the secrets that are left out. An empty text and null stand for nothing.
fn merged(kind: ProfileKind, given: &Map<String, Value>, former: &Map<String, Value>) -> Map<String, Value> {
    let is_set = |value: &Value| !value.is_null() && value.as_str().is_none_or(|text| !text.is_empty());
    let mut values: Map<String, Value> = given.clone().into_iter().filter(|(_, value)| is_set(value)).collect();
    for field in fields(kind).iter().filter(|field| field.secret && given.get(field.key).is_none_or(Value::is_null)) {
        if let Some(kept) = former.get(field.key) {
            values.insert(field.key.to_owned(), kept.clone());
        }
    }
    values
}

/// The file of a datasource that is one. A connection string of ODBC can load any library, so that is left to the settings file.
fn database_file(profiles: &Profiles, name: &str) -> std::result::Result<Option<PathBuf>, Message> {
    let Some(datasource) = profiles.datasource.get(name) else { return Ok(None) };
    let address = datasource.address().map_err(Message::without_field)?;
    match address.engine {
        Engine::Odbc => Err(message!("profile.odbc")),
        Engine::Sqlite if !PathBuf::from(&address.database).is_absolute() => Err(message!("profile.relative_file")),
        Engine::Sqlite => Ok(Some(PathBuf::from(address.database))),
        _ => Ok(None),
    }
}

fn secret_fields(kind: ProfileKind) -> impl Iterator<Item = &'static str> {
    fields(kind).iter().filter(|field| field.secret).map(|field: &ProfileField| field.key)
}

fn set_secrets(kind: ProfileKind, values: &Map<String, Value>) -> Vec<&'static str> {
    secret_fields(kind).filter(|key| values.contains_key(*key)).collect()
}

fn without_secrets(kind: ProfileKind, mut values: Map<String, Value>) -> Map<String, Value> {
    secret_fields(kind).for_each(|key| drop(values.remove(key)));
    values
}

/// A profile for the audit log: without secrets, but with the names of those that are set.
fn shown(kind: ProfileKind, values: &Map<String, Value>) -> Value {
    let plain: BTreeMap<String, Value> = without_secrets(kind, values.clone()).into_iter().collect();
    json!({"settings": plain, "secrets": set_secrets(kind, values)})
}

/// The kind of target in the audit log.
fn target(kind: ProfileKind) -> &'static str {
    match kind {
        ProfileKind::Smtp => "mail",
        ProfileKind::Sms => "sms",
        ProfileKind::Datasource => "datasource",
        ProfileKind::Http => "http_profile",
    }
}

fn exists(kind: ProfileKind, name: &str) -> Error {
    Error::Conflict(message!("profile.exists", section = kind.as_str(), name))
}

/// There is no profile of this name.
pub(super) fn missing(kind: ProfileKind, name: &str) -> Error {
    let name = truncate(name, 64);
    Error::NotFound(match kind {
        ProfileKind::Smtp => message!("profile.mail_server_missing", name),
        ProfileKind::Sms => message!("profile.sms_provider_missing", name),
        ProfileKind::Datasource => message!("datasource.missing", name),
        ProfileKind::Http => message!("profile.http_missing", name),
    })
}
