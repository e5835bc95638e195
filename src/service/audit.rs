//! The audit log: entries are written in the transaction of the change; only administrators may read them.

use serde_json::Value;

use super::{Result, Service, allow};
use crate::domain::audit::{AuditEvent, AuditFilter, Entry};
use crate::domain::page::{Page, PageRequest};
use crate::domain::user::{Action, Actor};
use crate::ids::new_id;
use crate::storage::{Session, audit};

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

impl Service {
    /// One page of the audit log, newest first.
    pub async fn audit(&self, actor: &Actor, filter: &AuditFilter, page: &PageRequest) -> Result<Page<Entry>> {
        allow(actor, Action::Administer)?;
        Ok(audit::page(&mut self.database().read().await?, filter, page).await?)
    }

    /// One page of the audit log without the total count, for reading many pages in sequence.
    pub async fn audit_without_total(&self, actor: &Actor, filter: &AuditFilter, page: &PageRequest) -> Result<Vec<Entry>> {
        allow(actor, Action::Administer)?;
        Ok(audit::newest(&mut self.database().read().await?, filter, page).await?)
    }

    /// Records an entry in the transaction of the change; secrets are masked.
    pub(super) async fn record_audit(&self, s: &mut dyn Session, actor: &Actor, entry: AuditEntry) -> Result<()> {
        Ok(audit::add(s, &self.audit_entry(actor, entry)).await?)
    }

    /// The stored form of an entry, secrets masked.
    pub(super) fn audit_entry(&self, actor: &Actor, entry: AuditEntry) -> Entry {
        let (now, mask) = (self.clock().now(), self.vault().mask());
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
