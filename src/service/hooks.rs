//! Hooks: addresses that start a task. The address and a generated key are shown once, at creation; only a hash and an encrypted
//! key are stored.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::audit_log::{AuditEntry, AuditLog};
use super::deps::{ServiceDeps, Shared, from_deps};
use super::executions::ExecutionService;
use super::given_values::GivenValues;
use super::hashing::{hash_secret, new_secret, random};
use super::runs::RunRequest;
use super::task_rules::TaskRules;
use super::{Error, Result, allow, tag_scope};
use crate::clock::SharedClock;
use crate::domain::audit::AuditEvent;
use crate::domain::execution::{Cause, Execution};
use crate::domain::fault::Fault;
use crate::domain::hook::{self, Headers, Hook, MAX_HOOKS, NewHook, STANDARD_KEY_PREFIX, Signing};
use crate::domain::input::truncate;
use crate::domain::run_data::HookCall;
use crate::domain::task::Task;
use crate::domain::user::{Action, Actor};
use crate::i18n::message;
use crate::ids::new_id;
use crate::rate_limit::{KeyedLimiter, client_key};
use crate::storage::hook::StoredHook;
use crate::storage::{self, Database, Tx, execution, task};
use crate::vault::Vault;

/// The prefix of the secret in an address, for secret scanners.
const PREFIX: &str = "blh_";

/// A hook with what is shown once.
pub struct CreatedHook {
    pub hook: Hook,
    /// The path of the address, below the server's base path.
    pub path: String,
    /// The key of the signatures, if the server made one.
    pub key: Option<String>,
}

/// A call of a hook.
pub struct Call<'c> {
    pub secret: &'c str,
    pub address: Option<IpAddr>,
    pub headers: &'c Headers,
    pub body: &'c [u8],
}

/// Manages hooks, and starts runs when they are called.
#[derive(Clone)]
pub struct HookService {
    database: Database,
    clock: SharedClock,
    audit_log: AuditLog,
    rules: TaskRules,
    vault: Arc<Vault>,
    executions: ExecutionService,
    limits: Arc<Limits>,
}

/// The calls that are allowed: a burst, then a number per second.
struct Limits {
    by_address: KeyedLimiter<IpAddr>,
    by_hook: KeyedLimiter<String>,
    start: Instant,
}

impl Limits {
    fn new() -> Self {
        Self {
            by_address: KeyedLimiter::new(120, Duration::from_millis(500)),
            by_hook: KeyedLimiter::new(60, Duration::from_secs(1)),
            start: Instant::now(),
        }
    }

    fn admit<K: std::hash::Hash + Eq + Clone>(&self, limiter: &KeyedLimiter<K>, key: &K) -> Result<()> {
        let admitted = limiter.admit(key, self.start.elapsed());
        admitted.map_err(|wait| Error::TooManyRequests(message!("hook.too_many", seconds = wait.as_secs() + 1)))
    }
}

impl HookService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared, executions: ExecutionService) -> Self {
        from_deps!(deps { database, clock, vault }, shared { audit_log, rules }, { executions, limits: Arc::new(Limits::new()) })
    }

    /// The hooks of a task, oldest first, without their secrets.
    pub async fn list(&self, actor: &Actor, task_id: &str) -> Result<Vec<Hook>> {
        allow(actor, Action::See)?;
        let mut reader = self.database.read().await?;
        tag_scope::task(&mut reader, actor, task_id).await?;
        Ok(storage::hook::list(&mut reader, task_id).await?)
    }

    /// Creates a hook of a task.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`]; [`Error::Conflict`] if the task has the most hooks allowed.
    pub async fn create(&self, actor: &Actor, task_id: &str, new: &NewHook) -> Result<CreatedHook> {
        let (mut tx, task) = self.editable(actor, task_id).await?;
        if storage::hook::list(&mut tx, task_id).await?.len() >= MAX_HOOKS {
            return Err(Error::Conflict(message!("hook.too_many_of_task", max = MAX_HOOKS)));
        }
        let now = self.clock.now();
        let hook = Hook {
            id: new_id(now),
            task_id: task.id,
            task_key: task.key,
            name: new.name.clone(),
            signing: new.signing,
            created_at: now,
            created_by: actor.name.clone(),
            used_at: None,
        };
        let secret = format!("{PREFIX}{}", new_secret()?);
        let made = match (&new.key, new.signing) {
            (None, Signing::StandardWebhooks) => Some(format!("{STANDARD_KEY_PREFIX}{}", STANDARD.encode(random::<32>()?))),
            (None, Signing::Github) => Some(new_secret()?),
            _ => None,
        };
        let sealed = made.as_ref().or(new.key.as_ref()).map(|key| self.vault.seal(&seal_name(&hook), key)).transpose()?;
        storage::hook::insert(&mut tx, &hook, &hash_secret(&secret), sealed.as_deref()).await?;
        self.record(&mut tx, actor, AuditEvent::HookCreate, &hook).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, task.id = hook.task_id, hook.id, "hook created");
        Ok(CreatedHook { path: path(&secret), hook, key: made })
    }

    /// Gives a hook another address; the former one ends at once. The key of the signatures stays.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`].
    pub async fn rotate(&self, actor: &Actor, task_id: &str, id: &str) -> Result<CreatedHook> {
        let (mut tx, _) = self.editable(actor, task_id).await?;
        let hook = find(&mut tx, task_id, id).await?;
        let secret = format!("{PREFIX}{}", new_secret()?);
        storage::hook::set_secret(&mut tx, task_id, id, &hash_secret(&secret)).await?;
        self.record(&mut tx, actor, AuditEvent::HookRotate, &hook).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, task.id = hook.task_id, hook.id, "hook rotated");
        Ok(CreatedHook { path: path(&secret), hook, key: None })
    }

    /// Revokes a hook: its address answers 404 from now on.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`].
    pub async fn revoke(&self, actor: &Actor, task_id: &str, id: &str) -> Result<()> {
        let (mut tx, _) = self.editable(actor, task_id).await?;
        let hook = find(&mut tx, task_id, id).await?;
        storage::hook::delete(&mut tx, task_id, id).await?;
        self.record(&mut tx, actor, AuditEvent::HookRevoke, &hook).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, task.id = hook.task_id, hook.id, "hook revoked");
        Ok(())
    }

    /// Queues a run of the hook's task, or returns the run that an earlier call with the same id has queued.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown secret, [`Error::Unauthorized`] for a wrong signature, [`Error::TooManyRequests`],
    /// [`Error::Invalid`] for a body that is not UTF-8 or a call id that cannot be one; [`Error::Conflict`] if the task is paused
    /// or at its limit of concurrent runs.
    pub async fn call(&self, call: &Call<'_>) -> Result<Execution> {
        // A proxy on this machine that is not configured as trusted would share one limit among all clients.
        if let Some(address) = call.address.filter(|address| !address.is_loopback()) {
            self.limits.admit(&self.limits.by_address, &client_key(address))?;
        }
        let hash = hash_secret(call.secret);
        let found = storage::hook::by_secret(&mut self.database.read().await?, &hash).await?;
        let StoredHook { hook, sealed_key } = found.ok_or_else(|| Error::NotFound(message!("hook.unknown")))?;
        self.limits.admit(&self.limits.by_hook, &hook.id)?;
        let key = match &sealed_key {
            Some(sealed) => self.vault.open(&seal_name(&hook), sealed)?,
            None => String::new(),
        };
        hook::check_signature(hook.signing, &key, call.headers, call.body, self.clock.now()).map_err(Error::Unauthorized)?;
        self.start(call, &hook, &hash).await
    }

    async fn start(&self, call: &Call<'_>, hook: &Hook, hash: &str) -> Result<Execution> {
        let id = hook::call_id(call.headers).map_err(|message| Error::Invalid(vec![Fault::new("", message)]))?;
        let id = id.map(|id| format!("hook:{}:{id}", hook.id));
        let body = std::str::from_utf8(call.body).ok().filter(|body| !body.contains('\0'));
        let body = body.ok_or_else(|| Error::invalid("", message!("hook.body_not_text")))?;
        let mut tx = self.database.write().await?;
        let task = task::lock(&mut tx, &hook.task_id).await?.filter(|task| task.key == hook.task_key);
        // The hook may have been rotated or revoked meanwhile.
        let current = storage::hook::by_secret(&mut tx, hash).await?;
        let (Some(task), Some(_)) = (task, current) else { return Err(Error::NotFound(message!("hook.unknown"))) };
        if let Some(id) = &id
            && let Some(earlier) = execution::by_idempotency_key(&mut tx, &task.id, id).await?
        {
            return Ok(earlier);
        }
        if !task.enabled {
            return Err(Error::Conflict(message!("hook.task_paused", task = &task.id)));
        }
        storage::hook::set_used(&mut tx, &hook.id, self.clock.now()).await?;
        let kept = HookCall { name: hook.name.clone(), headers: hook::kept_headers(call.headers), body: body.to_owned() };
        let request = RunRequest {
            action: AuditEvent::TaskRun,
            cause: Cause::Hook,
            params: task.params.clone(),
            given: GivenValues::of_hook(&task, kept)?,
            key: id.as_deref(),
            started_by: None,
        };
        let actor = Actor::hook(&hook.name).with_address(call.address.map(|address| address.to_string()));
        self.executions.enqueue(&actor, tx, &task, request).await
    }

    /// Locks a task that the actor may edit, and whose type it may use.
    async fn editable(&self, actor: &Actor, task_id: &str) -> Result<(Tx, Task)> {
        allow(actor, Action::Edit)?;
        let mut tx = self.database.write().await?;
        let task = tag_scope::lock_task(&mut tx, actor, task_id, None).await?;
        self.rules.allow_type(actor, &task.task_type)?;
        Ok((tx, task))
    }

    async fn record(&self, tx: &mut Tx, actor: &Actor, event: AuditEvent, hook: &Hook) -> Result<()> {
        let state = json!({"hook": hook.id, "name": hook.name, "hmac": hook.signing.as_str()});
        let entry = AuditEntry::new(event, "task", &hook.task_id);
        let entry = if event == AuditEvent::HookRevoke { entry.before(state) } else { entry.after(state) };
        self.audit_log.record(tx, actor, entry).await
    }
}

async fn find(tx: &mut Tx, task_id: &str, id: &str) -> Result<Hook> {
    let found = storage::hook::list(tx, task_id).await?.into_iter().find(|hook| hook.id == id);
    found.ok_or_else(|| Error::NotFound(message!("hook.missing", id = truncate(id, 40))))
}

fn path(secret: &str) -> String {
    format!("/hook/{secret}")
}

/// The name under which the key of a hook is encrypted.
fn seal_name(hook: &Hook) -> String {
    format!("hook:{}", hook.id)
}
