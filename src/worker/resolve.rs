//! The resolver: renders the templates in a run's parameters. Parameters without templates are passed through unchanged.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::run_inputs::{self, RunInputs};
use super::run_mask::RunMask;
use crate::clock::SharedClock;
use crate::domain::calendar::{CalendarSet, CombinedCalendar, FreezeSet};
use crate::domain::fault::Fault;
use crate::domain::job::Job;
use crate::domain::mask::{MIN_SECRET_LENGTH, Mask};
use crate::domain::reference::Target;
use crate::domain::task::Task;
use crate::i18n::{Message, message};
use crate::storage::{self, Database, Session, calendar, execution, task};
use crate::tasks::RunError;
use crate::tasks::registry::Registry;
use crate::tasks::template::{self, TemplateVariables, taint};
use crate::vault::{TaskSecrets, Vault, VaultError};

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
    pub async fn resolve(&self, job: &Job, params: Value, run_mask: &RunMask) -> Result<Resolved, RunError> {
        if !template::has_templates(&params) {
            return Ok(Resolved { params, masked: None });
        }
        // Apart, so that the many runs without templates do not carry its state.
        Box::pin(self.resolve_templates(job, params, run_mask)).await
    }

    async fn resolve_templates(&self, job: &Job, params: Value, run_mask: &RunMask) -> Result<Resolved, RunError> {
        let inputs = self.inputs_for(job, &params).await?;
        let task = self.task(&job.task_id).await.map_err(|error| RunError::database(&error))?;
        self.rendered(job, params, inputs, task.as_ref(), run_mask).await
    }

    /// As [`Resolver::resolve`], for a task that is not stored, with the defaults of its inputs.
    pub async fn resolve_draft(&self, task: &Task, job: &Job, params: Value, run_mask: &RunMask) -> Result<Resolved, RunError> {
        if !template::has_templates(&params) {
            return Ok(Resolved { params, masked: None });
        }
        self.rendered(job, params, RunInputs::of_defaults(&task.inputs)?, Some(task), run_mask).await
    }

    async fn rendered(
        &self,
        job: &Job,
        params: Value,
        inputs: RunInputs,
        task: Option<&Task>,
        run_mask: &RunMask,
    ) -> Result<Resolved, RunError> {
        run_mask.add_inputs(inputs.secrets());
        let variables = self.variables(job, &params, &inputs, task).await.map_err(|error| RunError::database(&error))?;
        let secrets = self.secrets(job, &params, task).await?;
        let rendered = self.render(params.clone(), variables, secrets, run_mask).await?;
        let shown = taint::show(&params, &rendered, &inputs.names(), &run_mask.mask());
        let shown =
            shown.map_err(|pointer| RunError::fail(message!("run.derived_too_short", pointer, min = MIN_SECRET_LENGTH)))?;
        run_mask.add(shown.derived);
        self.check(job, &rendered, &run_mask.mask())?;
        Ok(Resolved { params: rendered, masked: Some(shown.params) })
    }

    async fn render(
        &self,
        params: Value,
        variables: TemplateVariables,
        secrets: TaskSecrets,
        run_mask: &RunMask,
    ) -> Result<Value, RunError> {
        let secrets: template::Secrets = Arc::new(move |name| secrets.get(name));
        let rendered = template::render(params, variables, secrets).await;
        rendered.map_err(|fault| RunError::fail(message!("run.render_fault", problem = masked(&run_mask.mask(), fault.message))))
    }

    /// The inputs of a run whose templates use them or the hook that started it.
    async fn inputs_for(&self, job: &Job, params: &Value) -> Result<RunInputs, RunError> {
        if !["input", "hook", "__tera_context"].iter().any(|word| template::mentions(params, word)) {
            return Ok(RunInputs::default());
        }
        let mut reader = self.database.read_engine().await.map_err(|error| RunError::database(&error))?;
        run_inputs::read(&mut reader, &self.vault, job).await
    }

    fn check(&self, job: &Job, params: &Value, mask: &Mask) -> Result<(), RunError> {
        let faults = self.registry.get(&job.task_type).map(|entry| entry.check(params, "/params")).unwrap_or_default();
        match faults.into_iter().next() {
            None => Ok(()),
            Some(Fault { pointer, message }) => {
                let problem = masked(mask, message);
                Err(RunError::fail(message!("run.invalid_params", pointer, problem)))
            }
        }
    }

    async fn secrets(&self, job: &Job, params: &Value, task: Option<&Task>) -> Result<TaskSecrets, RunError> {
        if !template::mentions(params, "secret") {
            return Ok(TaskSecrets::default());
        }
        // A task that was deleted meanwhile has no tags and no key any more.
        let target = task.map_or(Target { id: &job.task_id, key: "", tags: &[] }, Task::target);
        self.vault.secrets_for(target).await.map_err(|error| match error {
            VaultError::Database(error) => RunError::database(&error),
            VaultError::Key(message) => RunError::fail(message),
            VaultError::Sealed(name) => RunError::fail(VaultError::sealed(&name)),
        })
    }

    async fn task(&self, id: &str) -> storage::Result<Option<Task>> {
        task::get(&mut self.database.read_engine().await?, id).await
    }

    async fn variables(
        &self,
        job: &Job,
        params: &Value,
        inputs: &RunInputs,
        task: Option<&Task>,
    ) -> storage::Result<TemplateVariables> {
        let mut reader = self.database.read_engine().await?;
        let zone = self.zone(task);
        let at = |when: DateTime<Utc>| when.with_timezone(&zone);
        let last_success_at = match template::mentions(params, "last_success_at") {
            true => execution::last_success(&mut reader, &job.task_id).await?,
            false => None,
        };
        let previous = match &job.started_by {
            Some(id) => previous(&mut reader, id).await?,
            None => None,
        };
        let calendar = match (task, template::mentions(params, "working_days")) {
            (Some(task), true) => self.calendar(&mut reader, task).await?,
            _ => None,
        };
        Ok(TemplateVariables {
            scheduled_at: at(job.scheduled_at),
            calendar,
            now: at(self.clock.now()),
            last_success_at: last_success_at.map(at),
            task_name: task.map(|task| task.name.clone()).unwrap_or_default(),
            task_id: job.task_id.clone(),
            task_type: job.task_type.clone(),
            execution_id: job.execution_id.clone(),
            attempt: job.attempt,
            previous,
            env: self.environment.clone(),
            input: inputs.values.clone(),
            hook: inputs.hook.clone(),
        })
    }

    /// The calendars of a task; `None`: it has none, or one does not exist.
    async fn calendar(&self, s: &mut dyn Session, task: &Task) -> storage::Result<Option<CombinedCalendar>> {
        let Some(rules) = task.rules(self.zone).ok().filter(|rules| !rules.calendar_names().is_empty()) else { return Ok(None) };
        let stored = calendar::list(s).await?;
        let definitions: Vec<_> = stored.into_iter().map(|one| (one.content, one.version)).collect();
        let set = CalendarSet::compile(&definitions, FreezeSet::default()).ok();
        Ok(set.and_then(|set| set.combine(rules.calendar_names()).ok()))
    }

    fn zone(&self, task: Option<&Task>) -> Tz {
        task.and_then(|task| task.rules(self.zone).ok()).map_or(self.zone, |rule| rule.zone())
    }
}

fn masked(mask: &Mask, message: Message) -> Message {
    message.map_texts(&|text| mask.text(text).into_owned())
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
