//! Datasources: list and connection test.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::audit_log::{AuditEntry, AuditLog};
use super::deps::{ServiceDeps, Shared};
use super::{Error, Result, allow};
use crate::domain::audit::AuditEvent;
use crate::domain::user::{Action, Actor};
use crate::i18n::{Message, message};
use crate::storage::Database;
use crate::tasks::sql::{Datasources, Source};

/// The time limit of a test, whatever time the settings allow a run.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

/// The result of a connection test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionTest {
    pub elapsed_ms: u64,
    /// The server's version or answer, or the error.
    pub outcome: std::result::Result<String, Message>,
}

/// Lists and tests the databases of the settings.
#[derive(Clone)]
pub struct DatasourceService {
    database: Database,
    audit_log: AuditLog,
    datasources: Arc<Datasources>,
}

impl DatasourceService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared) -> Self {
        Self { database: deps.database.clone(), audit_log: shared.audit_log.clone(), datasources: deps.datasources.clone() }
    }

    /// The databases of the settings, by name. They belong to the whole server: an account limited to tags sees them only with
    /// a grant.
    pub fn list(&self, actor: &Actor) -> Result<Vec<Arc<Source>>> {
        allow(actor, if actor.has_type_grant() { Action::See } else { Action::SeeServer })?;
        Ok(self.datasources.all().cloned().collect())
    }

    /// Connects to a database and reads its version. A failed connection is a result, not an error.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`].
    pub async fn test(&self, actor: &Actor, name: &str) -> Result<ConnectionTest> {
        allow(actor, Action::Administer)?;
        let found = self.datasources.all().find(|source| source.name == name).cloned();
        let missing = || Error::NotFound(message!("datasource.missing", name = crate::domain::input::truncate(name, 64)));
        let source = found.ok_or_else(missing)?;
        let started = Instant::now();
        let outcome = match tokio::time::timeout(TEST_TIMEOUT, source.version()).await {
            Ok(outcome) => outcome.map_err(|error| error.message),
            Err(_) => Err(message!("datasource.no_answer", seconds = TEST_TIMEOUT.as_secs())),
        };
        let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut tx = self.database.write().await?;
        self.audit_log.record(&mut tx, actor, AuditEntry::new(AuditEvent::DatasourceTest, "datasource", name)).await?;
        tx.commit().await?;
        tracing::info!(datasource = name, actor = %actor.name, ok = outcome.is_ok(), "datasource tested");
        Ok(ConnectionTest { elapsed_ms, outcome })
    }
}
