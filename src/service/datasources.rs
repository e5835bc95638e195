//! Datasources: list and connection test.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::audit_log::{AuditEntry, AuditLog};
use super::deps::{ServiceDeps, Shared, from_deps};
use super::stored_profiles::missing;
use super::{Result, allow};
use crate::domain::audit::AuditEvent;
use crate::domain::profile::ProfileKind;
use crate::domain::user::{Action, Actor};
use crate::i18n::{Message, message};
use crate::profiles::ProfileDirectory;
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

/// Lists and tests the databases of the profiles.
#[derive(Clone)]
pub struct DatasourceService {
    database: Database,
    audit_log: AuditLog,
    datasources: Arc<Datasources>,
    profiles: Arc<ProfileDirectory>,
}

impl DatasourceService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared) -> Self {
        from_deps!(deps { database, datasources, profiles }, shared { audit_log })
    }

    /// The databases, by name. They belong to the whole server: an account limited to tags sees them only with
    /// a grant.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<Arc<Source>>> {
        allow(actor, if actor.has_type_grant() { Action::See } else { Action::SeeServer })?;
        self.profiles.refresh().await?;
        Ok(self.datasources.all())
    }

    /// Connects to a database and reads its version. A failed connection is a result, not an error.
    ///
    /// # Errors
    /// [`super::Error::NotFound`], [`super::Error::Forbidden`].
    pub async fn test(&self, actor: &Actor, name: &str) -> Result<ConnectionTest> {
        allow(actor, Action::Administer)?;
        self.profiles.refresh().await?;
        let found = self.datasources.all().into_iter().find(|source| source.name == name);
        let source = found.ok_or_else(|| missing(ProfileKind::Datasource, name))?;
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
