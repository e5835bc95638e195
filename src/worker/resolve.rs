//! The resolver: renders the templates in a run's parameters. Parameters without templates are passed through unchanged.

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
use crate::tasks::template::{self, TemplateVariables};
use crate::vault::{Values, Vault, VaultError};

/// The time limit for rendering, because a template may loop.
const RENDER_TIMEOUT: Duration = Duration::from_secs(30);

/// Renders parameters; one instance serves all runs.
pub(super) struct Resolver {
    pub database: Database,
    pub clock: SharedClock,
    pub registry: Arc<Registry>,
    pub vault: Arc<Vault>,
    /// The time zone of tasks whose trigger names none.
    pub zone: Tz,
    /// The environment variables that templates may read.
    pub environment: Arc<BTreeMap<String, String>>,
}

/// Rendered parameters.
#[derive(Debug)]
pub(super) struct Resolved {
    pub params: Value,
    /// The parameters with masked secrets, for display; `None` if they had no templates.
    pub masked: Option<Value>,
}

impl Resolver {
    /// Renders and validates the parameters of a job.
    ///
    /// # Errors
    /// A template is invalid or renders to parameters that the task type rejects: not retryable. The database fails: retryable.
    pub async fn resolve(&self, job: &Job, params: Value) -> Result<Resolved, RunError> {
        if !template::has_templates(&params) {
            return Ok(Resolved { params, masked: None });
        }
        let variables = self.variables(job, &params).await.map_err(|error| RunError::retry(error.to_string()))?;
        let values = self.secrets(&params).await?;
        let params = self.render(params, variables, values).await?;
        self.check(job, &params)?;
        let masked = self.vault.mask().json(params.clone());
        Ok(Resolved { params, masked: Some(masked) })
    }

    async fn render(&self, params: Value, variables: TemplateVariables, values: Arc<Values>) -> Result<Value, RunError> {
        let secrets: template::Secrets = Arc::new(move |name| values.get(name).cloned());
        let rendering = tokio::task::spawn_blocking(move || template::render(&params, &variables, secrets));
        match tokio::time::timeout(RENDER_TIMEOUT, rendering).await {
            Ok(Ok(rendered)) => rendered.map_err(|fault| RunError::fail(format!("params.{}", self.masked(&fault.message)))),
            Ok(Err(_)) => Err(RunError::fail("rendering the templates in the parameters failed")),
            Err(_) => Err(RunError::fail(format!(
                "rendering the templates in the parameters took longer than {} s",
                RENDER_TIMEOUT.as_secs()
            ))),
        }
    }

    fn check(&self, job: &Job, params: &Value) -> Result<(), RunError> {
        let faults = self.registry.get(&job.task_type).map(|entry| entry.check(params, "/params")).unwrap_or_default();
        match faults.first() {
            None => Ok(()),
            Some(fault) => {
                let message = self.masked(&fault.message);
                Err(RunError::fail(format!("invalid parameters after rendering templates: {}: {message}", fault.pointer)))
            }
        }
    }

    fn masked(&self, text: &str) -> String {
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

    async fn variables(&self, job: &Job, params: &Value) -> storage::Result<TemplateVariables> {
        let mut reader = self.database.read().await?;
        let task = task::get(&mut reader, &job.task_id).await?;
        let zone = self.zone(task.as_ref());
        let at = |when: DateTime<Utc>| when.with_timezone(&zone);
        let last_success_at = match template::mentions(params, "last_success_at") {
            true => execution::last_success(&mut reader, &job.task_id).await?,
            false => None,
        };
        let previous = match &job.started_by {
            Some(id) => previous(&mut reader, id).await?,
            None => None,
        };
        Ok(TemplateVariables {
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

    fn zone(&self, task: Option<&Task>) -> Tz {
        task.and_then(|task| task.rule(self.zone).ok()).map_or(self.zone, |rule| rule.zone())
    }
}

/// The execution whose end started this one, as the template variable `previous`.
async fn previous(s: &mut dyn Session, id: &str) -> storage::Result<Option<Value>> {
    let Some(run) = execution::get(s, id).await? else { return Ok(None) };
    let result = execution::result(s, id).await?;
    Ok(Some(json!({
        "id": run.id, "task_id": run.task_id, "status": run.status.as_str(), "error": run.error, "result": result,
        "duration_ms": run.duration_ms,
    })))
}
