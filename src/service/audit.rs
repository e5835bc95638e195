//! The audit log for administrators: pages and export.

use super::deps::ServiceDeps;
use super::search::check_search;
use super::{Result, allow};
use crate::domain::audit::{AuditFilter, Entry};
use crate::domain::page::{Page, PageRequest};
use crate::domain::user::{Action, Actor};
use crate::storage::{Database, audit};

/// Reads the audit log.
#[derive(Clone)]
pub struct AuditService {
    database: Database,
}

impl AuditService {
    pub(super) fn new(deps: &ServiceDeps) -> Self {
        Self { database: deps.database.clone() }
    }

    /// One page of the audit log, newest first.
    pub async fn list(&self, actor: &Actor, filter: &AuditFilter, page: &PageRequest) -> Result<Page<Entry>> {
        allow(actor, Action::Administer)?;
        check_search(filter.search.as_deref())?;
        Ok(audit::page(&mut self.database.read().await?, filter, page).await?)
    }

    /// One page of the audit log without the total count, for reading many pages in sequence.
    pub async fn list_without_total(&self, actor: &Actor, filter: &AuditFilter, page: &PageRequest) -> Result<Vec<Entry>> {
        allow(actor, Action::Administer)?;
        check_search(filter.search.as_deref())?;
        Ok(audit::newest(&mut self.database.read().await?, filter, page).await?)
    }
}
