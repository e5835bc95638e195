//! The audit log's writer: records entries in the transaction of the change, secrets masked.

use std::sync::Arc;

use serde_json::Value;

use super::Result;
use super::recent_values::LastChange;
use crate::clock::SharedClock;
use crate::domain::audit::{AuditEvent, Entry};
use crate::domain::user::Actor;
use crate::ids::new_id;
use crate::storage::{Session, audit};
use crate::vault::Vault;

/// An audit entry to be recorded.
pub(super) struct AuditEntry {
    pub action: AuditEvent,
    pub target: String,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

impl AuditEntry {
    /// An entry for the target `kind:name`, without before and after state.
    pub fn new(action: AuditEvent, kind: &str, name: &str) -> Self {
        Self { action, target: format!("{kind}:{name}"), before: None, after: None }
    }

    pub fn before(mut self, value: Value) -> Self {
        self.before = Some(value);
        self
    }

    pub fn after(mut self, value: Value) -> Self {
        self.after = Some(value);
        self
    }
}

/// Records audit entries; clones are cheap.
#[derive(Clone)]
pub(super) struct AuditLog {
    clock: SharedClock,
    vault: Arc<Vault>,
    last_change: LastChange,
}

impl AuditLog {
    pub fn new(clock: SharedClock, vault: Arc<Vault>, last_change: LastChange) -> Self {
        Self { clock, vault, last_change }
    }

    /// Records an entry in the transaction of the change; secrets are masked.
    pub async fn record(&self, s: &mut dyn Session, actor: &Actor, entry: AuditEntry) -> Result<()> {
        Ok(audit::add(s, &self.entry(actor, entry)).await?)
    }

    /// The stored form of an entry, secrets masked. Every change by a person comes by here, so it ends what is kept of earlier reads.
    pub fn entry(&self, actor: &Actor, entry: AuditEntry) -> Entry {
        self.last_change.note();
        let (now, mask) = (self.clock.now(), self.vault.mask());
        Entry {
            id: new_id(now),
            at: now,
            actor: actor.name.clone(),
            via: actor.via,
            address: actor.address.clone(),
            action: entry.action,
            target: entry.target,
            before: entry.before.map(|value| mask.json(value)),
            after: entry.after.map(|value| mask.json(value)),
        }
    }
}
