//! Heartbeats: monitors of jobs that run elsewhere, and the pings of these jobs.

mod document;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono_tz::Tz;
use serde_json::Value;

use super::audit_log::{AuditEntry, AuditLog};
use super::deps::{ServiceDeps, Shared, from_deps};
use super::hashing::{hash_secret, new_secret};
use super::task_rules::TaskRules;
use super::{Error, Result, allow, tag_scope};
use crate::clock::SharedClock;
use crate::domain::audit::AuditEvent;
use crate::domain::fault::Fault;
use crate::domain::heartbeat::{Heartbeat, HeartbeatInput, HeartbeatStatus, MAX_BODY, MAX_HEARTBEATS, Ping, PingKind, PingRow};
use crate::domain::input::truncate;
use crate::domain::user::{Action, Actor};
use crate::i18n::message;
use crate::notify::heartbeats::{record_ping, recover};
use crate::notify::incidents::DecisionTime;
use crate::rate_limit::{KeyedLimiter, client_key};
use crate::signals::Signals;
use crate::storage::heartbeat::StoredSecret;
use crate::storage::{self, Database, Tx};
use crate::vault::Vault;

/// What follows a body that was cut.
const CUT_MARK: &str = "…";

/// A ping as it came.
pub struct PingCall<'c> {
    pub secret: &'c str,
    pub kind: PingKind,
    pub address: Option<IpAddr>,
    /// The beginning of the body, and whether more was left out.
    pub body: &'c [u8],
    pub cut: bool,
}

/// Manages heartbeats, and records pings.
#[derive(Clone)]
pub struct HeartbeatService {
    database: Database,
    clock: SharedClock,
    zone: Tz,
    audit_log: AuditLog,
    rules: TaskRules,
    vault: Arc<Vault>,
    signals: Signals,
    limits: Arc<Limits>,
}

/// The pings that are allowed: a burst, then a number per second.
struct Limits {
    by_address: KeyedLimiter<IpAddr>,
    by_heartbeat: KeyedLimiter<String>,
    start: Instant,
}

impl HeartbeatService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared) -> Self {
        from_deps!(deps { database, clock, zone, vault, signals }, shared { audit_log, rules }, {
            limits: Arc::new(Limits {
                by_address: KeyedLimiter::new(600, Duration::from_millis(50)),
                by_heartbeat: KeyedLimiter::new(60, Duration::from_secs(1)),
                start: Instant::now(),
            }),
        })
    }

    /// The heartbeats in the actor's scope, ordered by id.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<Heartbeat>> {
        allow(actor, Action::See)?;
        let mut all = storage::heartbeat::list(&mut self.database.read().await?).await?;
        all.retain(|heartbeat| actor.scope.allows(&heartbeat.tags));
        Ok(all)
    }

    /// A heartbeat.
    ///
    /// # Errors
    /// [`Error::NotFound`], also for one outside the actor's scope.
    pub async fn get(&self, actor: &Actor, id: &str) -> Result<Heartbeat> {
        allow(actor, Action::See)?;
        let found = storage::heartbeat::get(&mut self.database.read().await?, id).await?;
        found.filter(|heartbeat| actor.scope.allows(&heartbeat.tags)).ok_or_else(|| no_heartbeat(id))
    }

    /// The newest rows of a heartbeat's record below an id.
    pub async fn pings(&self, actor: &Actor, id: &str, before: Option<&str>, limit: i64) -> Result<Vec<PingRow>> {
        self.get(actor, id).await?;
        let mut rows = storage::heartbeat::pings(&mut self.database.read().await?, id, before, limit).await?;
        let mask = self.vault.mask();
        for row in &mut rows {
            row.body = mask.text(&row.body).into_owned();
        }
        Ok(rows)
    }

    /// The path to ping, below the server's base path, for those who may change the heartbeat; `None` for others.
    pub async fn path(&self, actor: &Actor, id: &str) -> Result<Option<String>> {
        self.get(actor, id).await?;
        if allow(actor, Action::Edit).is_err() {
            return Ok(None);
        }
        let sealed = storage::heartbeat::sealed_secret(&mut self.database.read().await?, id).await?;
        let sealed = sealed.ok_or_else(|| no_heartbeat(id))?;
        Ok(Some(path(&self.vault.open(&seal_name(id), &sealed)?)))
    }

    /// Creates a heartbeat from JSON.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault, [`Error::Conflict`] if the id is taken, [`Error::Forbidden`].
    pub async fn create(&self, actor: &Actor, body: &Value) -> Result<Heartbeat> {
        allow(actor, Action::Edit)?;
        let mut input = HeartbeatInput::parse(body, self.zone).map_err(Error::Invalid)?;
        let mut tx = self.database.write().await?;
        tag_scope::keep_in_scope(&mut tx, actor, &mut input.tags, &[], &self.rules.reserved_tags).await?;
        if storage::heartbeat::list(&mut tx).await?.len() >= MAX_HEARTBEATS {
            return Err(Error::Conflict(message!("heartbeat.too_many", max = MAX_HEARTBEATS)));
        }
        let heartbeat = self.insert(&mut tx, actor, &input).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, heartbeat.id, "heartbeat created");
        Ok(heartbeat)
    }

    /// Replaces what can be changed of a heartbeat. `if_match`: the version that the caller expects.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`], [`Error::Stale`], [`Error::Forbidden`].
    pub async fn replace(&self, actor: &Actor, id: &str, body: &Value, if_match: Option<i64>) -> Result<Heartbeat> {
        allow(actor, Action::Edit)?;
        let mut input = HeartbeatInput::parse(body, self.zone).map_err(Error::Invalid)?;
        let (mut tx, current) = self.lock(actor, id, if_match).await?;
        if input.id != current.id {
            let fault = Fault::new("/id", message!("task.immutable", value = &current.id).of("id"));
            return Err(Error::Invalid(vec![fault]));
        }
        tag_scope::keep_in_scope(&mut tx, actor, &mut input.tags, &current.tags, &self.rules.reserved_tags).await?;
        let (changed, told) = self.update(&mut tx, actor, &current, &input).await?;
        tx.commit().await?;
        self.told(told);
        tracing::info!(actor = actor.name, heartbeat.id = id, "heartbeat changed");
        Ok(changed)
    }

    /// Inserts a heartbeat with a new address.
    async fn insert(&self, tx: &mut Tx, actor: &Actor, input: &HeartbeatInput) -> Result<Heartbeat> {
        let heartbeat = Heartbeat::new(input, self.clock.now());
        let secret = new_secret()?;
        let sealed = self.vault.seal(&seal_name(&heartbeat.id), &secret)?;
        let stored = StoredSecret { hash: &hash_secret(&secret), sealed: &sealed };
        storage::heartbeat::insert(tx, &heartbeat, &stored).await.map_err(|error| match error {
            storage::Error::Conflict(_) => exists(&heartbeat.id),
            other => other.into(),
        })?;
        let entry = AuditEntry::new(AuditEvent::HeartbeatCreate, "heartbeat", &heartbeat.id).after(heartbeat.to_input());
        self.audit_log.record(tx, actor, entry).await?;
        Ok(heartbeat)
    }

    /// Saves other content of a locked heartbeat; also whether its incident has ended thereby.
    async fn update(&self, tx: &mut Tx, actor: &Actor, current: &Heartbeat, input: &HeartbeatInput) -> Result<(Heartbeat, bool)> {
        let now = self.clock.now();
        let changed = current.changed(input, now);
        storage::heartbeat::update(tx, &changed).await?;
        // One that is switched off is not waited for any more.
        let told = match !changed.enabled && current.state.status == HeartbeatStatus::Down {
            true => recover(tx, &changed, DecisionTime { now, zone: self.zone }).await?,
            false => false,
        };
        let entry = AuditEntry::new(AuditEvent::HeartbeatUpdate, "heartbeat", &current.id);
        let entry = entry.before(current.to_input()).after(changed.to_input());
        self.audit_log.record(tx, actor, entry).await?;
        Ok((changed, told))
    }

    /// Deletes a heartbeat with its record; its address answers 404 from now on.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Stale`], [`Error::Forbidden`].
    pub async fn delete(&self, actor: &Actor, id: &str, if_match: Option<i64>) -> Result<()> {
        allow(actor, Action::Edit)?;
        let (mut tx, current) = self.lock(actor, id, if_match).await?;
        let told = recover(&mut tx, &current, DecisionTime { now: self.clock.now(), zone: self.zone }).await?;
        storage::heartbeat::delete(&mut tx, id).await?;
        let entry = AuditEntry::new(AuditEvent::HeartbeatDelete, "heartbeat", id).before(current.to_input());
        self.audit_log.record(&mut tx, actor, entry).await?;
        tx.commit().await?;
        self.told(told);
        tracing::info!(actor = actor.name, heartbeat.id = id, "heartbeat deleted");
        Ok(())
    }

    /// Gives a heartbeat another address to ping; the former one ends at once.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`].
    pub async fn rotate(&self, actor: &Actor, id: &str) -> Result<Heartbeat> {
        allow(actor, Action::Edit)?;
        let (mut tx, current) = self.lock(actor, id, None).await?;
        let secret = new_secret()?;
        let sealed = self.vault.seal(&seal_name(id), &secret)?;
        let stored = StoredSecret { hash: &hash_secret(&secret), sealed: &sealed };
        storage::heartbeat::set_secret(&mut tx, id, &stored).await?;
        self.audit_log.record(&mut tx, actor, AuditEntry::new(AuditEvent::HeartbeatRotate, "heartbeat", id)).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, heartbeat.id = id, "heartbeat given another address");
        Ok(current)
    }

    /// Records a ping.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown secret, [`Error::TooManyRequests`].
    pub async fn ping(&self, call: &PingCall<'_>) -> Result<()> {
        let limits = &self.limits;
        let too_many = |wait: Duration| Error::TooManyRequests(message!("hook.too_many", seconds = wait.as_secs() + 1));
        if let Some(address) = call.address.filter(|address| !address.is_loopback()) {
            limits.by_address.admit(&client_key(address), limits.start.elapsed()).map_err(too_many)?;
        }
        let hash = hash_secret(call.secret);
        let unknown = || Error::NotFound(message!("heartbeat.unknown"));
        let id = storage::heartbeat::by_secret(&mut self.database.read().await?, &hash).await?.ok_or_else(unknown)?;
        limits.by_heartbeat.admit(&id, limits.start.elapsed()).map_err(too_many)?;
        let mut tx = self.database.write().await?;
        let mut heartbeat = storage::heartbeat::lock(&mut tx, &id).await?.ok_or_else(unknown)?;
        let ping = Ping { kind: call.kind, at: self.clock.now(), body: kept_body(call) };
        let told = record_ping(&mut tx, &mut heartbeat, &ping, self.zone).await?;
        tx.commit().await?;
        self.told(told);
        Ok(())
    }

    /// Locks a heartbeat in the actor's scope, at the expected version.
    async fn lock(&self, actor: &Actor, id: &str, if_match: Option<i64>) -> Result<(Tx, Heartbeat)> {
        let mut tx = self.database.write().await?;
        let found = storage::heartbeat::lock(&mut tx, id).await?;
        let found = found.filter(|heartbeat| actor.scope.allows(&heartbeat.tags)).ok_or_else(|| no_heartbeat(id))?;
        match if_match {
            Some(given) if given != found.version => Err(Error::Stale { given, current: found.version }),
            _ => Ok((tx, found)),
        }
    }

    fn told(&self, told: bool) {
        if told {
            self.signals.notifications.notify_one();
        }
    }
}

/// The body of a ping as text of at most [`MAX_BODY`] bytes.
fn kept_body(call: &PingCall<'_>) -> String {
    let body = call.body.get(..MAX_BODY).unwrap_or(call.body);
    let text = String::from_utf8_lossy(body).replace('\0', "\u{fffd}");
    if call.cut || call.body.len() > MAX_BODY { format!("{text}{CUT_MARK}") } else { text }
}

fn exists(id: &str) -> Error {
    Error::Conflict(message!("heartbeat.exists", id))
}

fn no_heartbeat(id: &str) -> Error {
    Error::NotFound(message!("heartbeat.missing", id = truncate(id, 64)))
}

fn path(secret: &str) -> String {
    format!("/ping/{secret}")
}

/// The name under which the secret of a heartbeat is encrypted.
fn seal_name(id: &str) -> String {
    format!("heartbeat:{id}")
}
