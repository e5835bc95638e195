//! Fills in the templates of a run's parameters. Plain parameters cost a look at their texts and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::clock::SharedClock;
use crate::domain::job::Job;
use crate::domain::task::Task;
use crate::storage::{self, Database, Session, execution, task};
use crate::tasks::RunError;
use crate::tasks::registry::Registry;
use crate::tasks::template::{self, Facts};
use crate::vault::{Values, Vault, VaultError};

/// A template that loops for longer than this is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// What filling in needs; one value serves all runs.
pub(super) struct Resolver {
    pub database: Database,
    pub clock: SharedClock,
    pub registry: Arc<Registry>,
    pub vault: Arc<Vault>,
    /// For tasks whose trigger names no zone.
    pub zone: Tz,
    /// What templates may read of the server's environment.
    pub environment: Arc<BTreeMap<String, String>>,
}

/// Parameters that are ready for a run.
#[derive(Debug)]
pub(super) struct Resolved {
    pub params: Value,
    /// As they may be shown, where they had templates: secrets hidden.
    pub shown: Option<Value>,
}

impl Resolver {
    /// The parameters of a job (taken out of it), filled in and checked again.
    ///
    /// # Errors
    /// Where a template does not work or gives something that the type refuses: then another attempt would only fail again.
    /// Where the database fails, it may not.
    pub async fn resolve(&self, job: &Job, params: Value) -> Result<Resolved, RunError> {
        if !template::has_templates(&params) {
            return Ok(Resolved { params, shown: None });
        }
        let facts = self.facts(job, &params).await.map_err(|error| RunError::retry(error.to_string()))?;
        let values = self.secrets(&params).await?;
        let params = self.filled(params, facts, values).await?;
        self.check(job, &params)?;
        let shown = self.vault.mask().json(params.clone());
        Ok(Resolved { params, shown: Some(shown) })
    }

    async fn filled(&self, params: Value, facts: Facts, values: Arc<Values>) -> Result<Value, RunError> {
        let secrets: template::Secrets = Arc::new(move |name| values.get(name).cloned());
        let filling = tokio::task::spawn_blocking(move || template::fill(&params, &facts, secrets));
        match tokio::time::timeout(PATIENCE, filling).await {
            Ok(Ok(filled)) => filled.map_err(|fault| RunError::fail(format!("params.{}", self.hidden(&fault.message)))),
            Ok(Err(_)) => Err(RunError::fail("the templates of the parameters could not be filled in")),
            Err(_) => Err(RunError::fail(format!("the templates of the parameters took more than {} s", PATIENCE.as_secs()))),
        }
    }

    fn check(&self, job: &Job, params: &Value) -> Result<(), RunError> {
        let faults = self.registry.get(&job.task_type).map(|entry| entry.check(params, "/params")).unwrap_or_default();
        match faults.first() {
            None => Ok(()),
            Some(fault) => {
                let message = self.hidden(&fault.message);
                Err(RunError::fail(format!("the filled-in parameters are not valid: {}: {message}", fault.pointer)))
            }
        }
    }

    fn hidden(&self, text: &str) -> String {
        self.vault.mask().text(text).into_owned()
    }

    async fn secrets(&self, params: &Value) -> Result<Arc<Values>, RunError> {
        if !template::mentions(params, "secret") {
            return Ok(Arc::default());
        }
        self.vault.values().await.map_err(|error| match error {
            VaultError::Database(error) => RunError::retry(error.to_string()),
            other => RunError::fail(other.to_string()),
        })
    }

    async fn facts(&self, job: &Job, params: &Value) -> storage::Result<Facts> {
        let mut reader = self.database.read().await?;
        let task = task::get(&mut reader, &job.task_id).await?;
        let zone = self.zone_of(task.as_ref());
        let at = |when: DateTime<Utc>| when.with_timezone(&zone);
        let last_success_at = match template::mentions(params, "last_success_at") {
            true => execution::last_success(&mut reader, &job.task_id).await?,
            false => None,
        };
        let previous = match &job.started_by {
            Some(id) => previous(&mut reader, id).await?,
            None => None,
        };
        Ok(Facts {
            scheduled_at: at(job.scheduled_at),
            now: at(self.clock.now()),
            last_success_at: last_success_at.map(at),
            task_name: task.map(|task| task.name).unwrap_or_default(),
            task_id: job.task_id.clone(),
            task_type: job.task_type.clone(),
            execution_id: job.execution_id.clone(),
            attempt: job.attempt,
            previous,
            env: self.environment.clone(),
        })
    }

    fn zone_of(&self, task: Option<&Task>) -> Tz {
        task.and_then(|task| task.rule(self.zone).ok()).map_or(self.zone, |rule| rule.zone())
    }
}

/// The execution whose end started this one, as templates see it.
async fn previous(s: &mut dyn Session, id: &str) -> storage::Result<Option<Value>> {
    let Some(run) = execution::get(s, id).await? else { return Ok(None) };
    let result = execution::result(s, id).await?;
    Ok(Some(json!({
        "id": run.id, "task_id": run.task_id, "status": run.status.as_str(), "error": run.error, "result": result,
        "duration_ms": run.duration_ms,
    })))
}
