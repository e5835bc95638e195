//! Notification channels: list, create, change, delete, test, and what was delivered. Credentials are write-only.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::audit_log::{AuditEntry, AuditLog};
use super::deps::{ServiceDeps, Shared, from_deps};
use super::throttle::{Subject, Throttle};
use super::{Error, Result, allow};
use crate::clock::SharedClock;
use crate::domain::audit::AuditEvent;
use crate::domain::input::truncate;
use crate::domain::notify::channel::{Channel, ChannelOptions, ChannelType, Credentials};
use crate::domain::notify::channel_health::ChannelHealth;
use crate::domain::notify::event::NotifyEvent;
use crate::domain::notify::message::{Message, NewMessage, Notice};
use crate::domain::page::{Page, PageRequest};
use crate::domain::secret::Secret;
use crate::domain::user::{Action, Actor};
use crate::i18n::message;
use crate::ids::new_id;
use crate::notify::delivery::Delivery;
use crate::notify::own_text;
use crate::storage::notify_channel::{self, StoredChannel};
use crate::storage::{self, Database, notify_message};

/// The provider's answer to a test message.
pub use crate::notify::channels::Outcome as ChannelTestOutcome;

/// The most stored channels.
const MAX_CHANNELS: usize = 200;

/// A channel to store. No `Debug`, because it contains credentials.
#[derive(Clone)]
pub struct ChannelInput {
    pub channel_type: ChannelType,
    pub options: ChannelOptions,
    pub credentials: CredentialsInput,
}

/// Credentials to store: `None` keeps the former value, an empty text removes it.
#[derive(Clone, Default)]
pub struct CredentialsInput {
    pub url: Option<String>,
    pub secret: Option<String>,
    pub token: Option<String>,
    pub key: Option<String>,
    pub proxy: Option<String>,
}

/// A channel with its health.
#[derive(Debug, Clone)]
pub struct ChannelInfo {
    pub channel: Channel,
    pub health: ChannelHealth,
    /// When it was changed last, and by whom; `None` for one of the settings.
    pub updated: Option<(DateTime<Utc>, String)>,
}

/// Manages the notification channels.
#[derive(Clone)]
pub struct NotifyChannelService {
    database: Database,
    clock: SharedClock,
    throttle: Throttle,
    audit_log: AuditLog,
    delivery: Delivery,
}

impl NotifyChannelService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared) -> Self {
        let node_id: Arc<str> = new_id(deps.clock.now()).into();
        from_deps!(deps { database, clock }, shared { throttle, audit_log }, {
            delivery: Delivery {
                database: deps.database.clone(),
                clock: deps.clock.clone(),
                signals: deps.signals.clone(),
                courier: deps.courier.clone(),
                node_id,
                zone: deps.zone,
            },
        })
    }

    /// All channels by name, those of the settings too.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub async fn list(&self, actor: &Actor) -> Result<Vec<ChannelInfo>> {
        allow(actor, Action::Administer)?;
        let channels = self.delivery.courier.directory.all().await?;
        let mut reader = self.database.read().await?;
        let (health, stored) = (notify_channel::health(&mut reader).await?, notify_channel::list(&mut reader).await?);
        let info = |channel: &Channel| {
            let health = health.iter().find(|health| health.channel == channel.name).cloned().unwrap_or_default();
            let row = stored.iter().find(|row| row.name == channel.name && !channel.from_file);
            ChannelInfo { health, updated: row.map(|row| (row.updated_at, row.updated_by.clone())), channel: channel.clone() }
        };
        Ok(channels.values().map(info).collect())
    }

    /// One channel.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`].
    pub async fn get(&self, actor: &Actor, name: &str) -> Result<ChannelInfo> {
        let found = self.list(actor).await?.into_iter().find(|info| info.channel.name == name);
        found.ok_or_else(|| missing(name))
    }

    /// Stores a new channel.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Conflict`] if there is one of that name, [`Error::Forbidden`].
    pub async fn create(&self, actor: &Actor, name: &str, input: &ChannelInput) -> Result<ChannelInfo> {
        allow(actor, Action::Administer)?;
        check_name(name)?;
        let channels = self.delivery.courier.directory.all().await?;
        if channels.contains_key(name) {
            return Err(Error::Conflict(message!("channel.exists", name)));
        }
        if channels.len() >= MAX_CHANNELS {
            return Err(Error::Conflict(message!("channel.too_many_channels", count = channels.len())));
        }
        let channel = input.channel(name, &Credentials::default())?;
        check_templates(&channel)?;
        let stored = self.stored(actor, &channel)?;
        let mut tx = self.database.write().await?;
        let inserted = notify_channel::insert(&mut tx, &stored).await;
        inserted.map_err(|error| match error {
            storage::Error::Conflict(_) => Error::Conflict(message!("channel.exists", name)),
            other => other.into(),
        })?;
        let entry = AuditEntry::new(AuditEvent::ChannelCreate, "notify_channel", name).after(shown(&channel));
        self.audit_log.record(&mut tx, actor, entry).await?;
        tx.commit().await?;
        self.get(actor, name).await
    }

    /// Replaces a stored channel. Credentials that the input leaves out stay as long as the type does.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::NotFound`], [`Error::Conflict`] for a channel of the settings, [`Error::Forbidden`].
    pub async fn update(&self, actor: &Actor, name: &str, input: &ChannelInput) -> Result<ChannelInfo> {
        let former = self.changeable(actor, name).await?;
        let kept = if former.channel_type == input.channel_type { former.credentials.clone() } else { Credentials::default() };
        let channel = input.channel(name, &kept)?;
        check_templates(&channel)?;
        let stored = self.stored(actor, &channel)?;
        let mut tx = self.database.write().await?;
        if !notify_channel::update(&mut tx, &stored).await? {
            return Err(missing(name));
        }
        let entry =
            AuditEntry::new(AuditEvent::ChannelUpdate, "notify_channel", name).before(shown(&former)).after(shown(&channel));
        self.audit_log.record(&mut tx, actor, entry).await?;
        tx.commit().await?;
        self.delivery.signals.notifications.notify_one();
        self.get(actor, name).await
    }

    /// Deletes a stored channel; its queued messages are given up.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`] for a channel of the settings, [`Error::Forbidden`].
    pub async fn delete(&self, actor: &Actor, name: &str) -> Result<()> {
        let former = self.changeable(actor, name).await?;
        let mut tx = self.database.write().await?;
        if !notify_channel::delete(&mut tx, name).await? {
            return Err(missing(name));
        }
        notify_message::give_up(&mut tx, name, &message!("channel.gone")).await?;
        let told = self.delivery.end_failing(&mut tx, name, self.clock.now()).await?;
        let entry = AuditEntry::new(AuditEvent::ChannelDelete, "notify_channel", name).before(shown(&former));
        self.audit_log.record(&mut tx, actor, entry).await?;
        tx.commit().await?;
        if told {
            self.delivery.signals.notifications.notify_one();
        }
        Ok(())
    }

    /// Sends a test message and returns the provider's answer. A refusal is a result, not an error.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`], [`Error::TooManyRequests`] after several tests in a row, or if the channel's rate
    /// limit is used up.
    pub async fn test(&self, actor: &Actor, name: &str) -> Result<ChannelTestOutcome> {
        allow(actor, Action::Administer)?;
        let channels = self.delivery.courier.directory.all().await?;
        let channel = channels.get(name).ok_or_else(|| missing(name))?;
        let now = self.clock.now();
        let admitted = self.throttle.attempt(Subject::ConnectionTest(&actor.name), None, now);
        admitted.map_err(|seconds| Error::TooManyRequests(message!("profile.too_many_tests", seconds)))?;
        let sent = self.delivery.send_now(channel, &test_message(channel, actor, now)).await?;
        let outcome = sent.map_err(|at| {
            let seconds = (at - now).num_seconds().max(1);
            Error::TooManyRequests(message!("channel.rate_limited", seconds))
        })?;
        let entry =
            AuditEntry::new(AuditEvent::ChannelTest, "notify_channel", name).after(json!({"delivered": outcome.delivered}));
        let mut tx = self.database.write().await?;
        self.audit_log.record(&mut tx, actor, entry).await?;
        tx.commit().await?;
        Ok(outcome)
    }

    /// The messages of a channel, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`].
    pub async fn deliveries(&self, actor: &Actor, name: &str, request: &PageRequest) -> Result<Page<Message>> {
        allow(actor, Action::Administer)?;
        if !self.delivery.courier.directory.all().await?.contains_key(name) {
            return Err(missing(name));
        }
        Ok(notify_message::page(&mut self.database.read().await?, name, request).await?)
    }

    /// A stored channel that may be changed.
    async fn changeable(&self, actor: &Actor, name: &str) -> Result<Channel> {
        allow(actor, Action::Administer)?;
        let channels = self.delivery.courier.directory.all().await?;
        let channel = channels.get(name).ok_or_else(|| missing(name))?;
        match channel.from_file {
            true => Err(Error::Conflict(message!("channel.in_settings", name))),
            false => Ok(channel.clone()),
        }
    }

    fn stored(&self, actor: &Actor, channel: &Channel) -> Result<StoredChannel> {
        let now = self.clock.now();
        Ok(StoredChannel {
            name: channel.name.clone(),
            channel_type: channel.channel_type,
            options: channel.options.clone(),
            ciphertext: self.delivery.courier.directory.encrypt(channel)?,
            created_at: now,
            updated_at: now,
            updated_by: actor.name.clone(),
        })
    }
}

impl ChannelInput {
    /// The checked channel; `kept` are the credentials that the input may leave out.
    fn channel(&self, name: &str, kept: &Credentials) -> Result<Channel> {
        let channel = Channel {
            name: name.to_owned(),
            channel_type: self.channel_type,
            options: self.options.clone(),
            credentials: self.credentials.over(kept),
            from_file: false,
        };
        match channel.check() {
            faults if faults.is_empty() => Ok(channel),
            faults => Err(Error::Invalid(faults)),
        }
    }
}

impl CredentialsInput {
    fn over(&self, kept: &Credentials) -> Credentials {
        let choose = |given: &Option<String>, kept: &Option<Secret>| match given {
            Some(text) => Some(Secret::new(text)).filter(|_| !text.is_empty()),
            None => kept.clone(),
        };
        Credentials {
            url: choose(&self.url, &kept.url),
            secret: choose(&self.secret, &kept.secret),
            token: choose(&self.token, &kept.token),
            key: choose(&self.key, &kept.key),
            proxy: choose(&self.proxy, &kept.proxy),
        }
    }
}

/// A channel for the audit log: without credentials, but with the names of those that are set.
fn shown(channel: &Channel) -> Value {
    let set: Vec<&str> = channel.credentials.fields().into_iter().filter_map(|(name, field)| field.map(|_| name)).collect();
    json!({"type": channel.channel_type.as_str(), "url": channel.shown_url(), "credentials": set, "options": channel.options})
}

fn test_message(channel: &Channel, actor: &Actor, now: DateTime<Utc>) -> NewMessage {
    let (id, language) = (new_id(now), channel.language());
    let title = message!("channel.test_title", name = channel.name.as_str()).text(language);
    let mut notice = Notice::new(&id, NotifyEvent::Test, language, title);
    notice.error = Some(message!("channel.test_text", actor = actor.name.as_str()).text(language));
    NewMessage {
        id,
        channel: channel.name.clone(),
        incident_id: None,
        rule: String::new(),
        notice,
        not_before: now,
        created_at: now,
    }
}

fn check_templates(channel: &Channel) -> Result<()> {
    match own_text::faults(&channel.templates()) {
        faults if faults.is_empty() => Ok(()),
        faults => Err(Error::Invalid(faults)),
    }
}

fn check_name(name: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    if !(1..=64).contains(&name.len()) || !name.chars().all(fits) {
        return Err(Error::invalid("/name", message!("channel.name").of("name")));
    }
    Ok(())
}

fn missing(name: &str) -> Error {
    Error::NotFound(message!("channel.missing", name = truncate(name, 64)))
}
