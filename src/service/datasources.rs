//! The databases that tasks may use: what there is, and whether they answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::audit::Told;
use super::{Error, Result, Service, allow};
use crate::domain::audit::Act;
use crate::domain::user::{Action, Actor};
use crate::tasks::sql::Source;

/// The longest trial; callers do not wait for ever, whatever the settings allow a run.
const TRIAL_LIMIT: Duration = Duration::from_secs(20);

/// What came of trying a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    pub elapsed_ms: u64,
    /// The server's own words for its version, or why there is none.
    pub outcome: std::result::Result<String, String>,
}

impl Service {
    /// The databases of the settings, by name. They belong to the whole server: who is limited to tags sees them with a grant
    /// to set up tasks that may use them.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn datasources(&self, actor: &Actor) -> Result<Vec<Arc<Source>>> {
        allow(actor, if actor.grants.is_empty() { Action::SeeServer } else { Action::See })?;
        Ok(self.0.parts.datasources.all().cloned().collect())
    }

    /// Connects to a database and asks for its version. One that does not answer is an answer too.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`].
    pub async fn try_datasource(&self, actor: &Actor, name: &str) -> Result<Trial> {
        allow(actor, Action::Administer)?;
        let found = self.0.parts.datasources.all().find(|source| source.name == name).cloned();
        let missing = || Error::NotFound(format!("there is no datasource '{}'", crate::domain::input::cut(name, 64)));
        let source = found.ok_or_else(missing)?;
        let begun = Instant::now();
        let outcome = match tokio::time::timeout(TRIAL_LIMIT, source.version()).await {
            Ok(outcome) => outcome.map_err(|error| error.message),
            Err(_) => Err(format!("the database did not answer within {} s", TRIAL_LIMIT.as_secs())),
        };
        let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut tx = self.database().write().await?;
        self.tell(&mut tx, actor, Told::of(Act::DatasourceTest, "datasource", name)).await?;
        tx.commit().await?;
        tracing::info!(datasource = name, actor = %actor.name, ok = outcome.is_ok(), "tried a datasource");
        Ok(Trial { elapsed_ms, outcome })
    }
}
