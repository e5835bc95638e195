//! The audit: kept in the transaction of what it tells of, and read by administrators.

use serde_json::Value;

use super::{Result, Service, allow};
use crate::domain::audit::{Act, AuditFilter, Entry};
use crate::domain::page::{Page, PageRequest};
use crate::domain::user::{Action, Actor};
use crate::ids::new_id;
use crate::storage::{Session, audit};

/// What is told of a change.
pub(super) struct Told {
    pub action: Act,
    pub target: String,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

impl Told {
    /// Something that has a name and neither before nor after.
    pub fn of(action: Act, kind: &str, name: &str) -> Self {
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
    /// One page of the audit, newest first.
    ///
    /// # Errors
    /// [`super::Error::Forbidden`], [`super::Error::Internal`].
    pub async fn audit(&self, actor: &Actor, filter: &AuditFilter, page: &PageRequest) -> Result<Page<Entry>> {
        allow(actor, Action::Administer)?;
        Ok(audit::page(&mut self.database().read().await?, filter, page).await?)
    }

    /// The entries of one page alone, without a count of all: for those who read on and on.
    ///
    /// # Errors
    /// As [`Service::audit`].
    pub async fn audit_only(&self, actor: &Actor, filter: &AuditFilter, page: &PageRequest) -> Result<Vec<Entry>> {
        allow(actor, Action::Administer)?;
        Ok(audit::newest(&mut self.database().read().await?, filter, page).await?)
    }

    /// Adds to the audit, in the transaction of the change; secrets are hidden.
    pub(super) async fn tell(&self, s: &mut dyn Session, actor: &Actor, told: Told) -> Result<()> {
        Ok(audit::add(s, &self.entry(actor, told)).await?)
    }

    /// What is told, as it is kept.
    pub(super) fn entry(&self, actor: &Actor, told: Told) -> Entry {
        let (now, mask) = (self.clock().now(), self.vault().mask());
        Entry {
            id: new_id(now),
            at: now,
            actor: actor.name.clone(),
            via: actor.via,
            address: actor.address.clone(),
            action: told.action,
            target: told.target,
            before: told.before.map(|value| mask.json(value)),
            after: told.after.map(|value| mask.json(value)),
        }
    }
}
