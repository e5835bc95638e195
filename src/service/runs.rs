//! Requested runs: run, rerun and cancel.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::audit_log::AuditEntry;
use super::executions::ExecutionService;
use super::given_values::GivenValues;
use super::task_rules::validate_params;
use super::{Error, Result, allow, tag_scope};
use crate::domain::audit::AuditEvent;
use crate::domain::event::{Event, TaskChange};
use crate::domain::execution::{Cause, Execution};
use crate::domain::fault::{Fault, pointer_step};
use crate::domain::input::truncate;
use crate::domain::overlap::Slot;
use crate::domain::task::Task;
use crate::domain::user::{Action, Actor, Via};
use crate::i18n::message;
use crate::ids::new_id;
use crate::storage::execution::{self, NewExecution};
use crate::storage::{Tx, overlap, run_data};
use crate::tasks::template;

/// What a request gives to one run.
#[derive(Debug, Clone, Copy, Default)]
pub struct RunValues<'v> {
    /// Overrides of members of the task's parameters.
    pub params: Option<&'v Value>,
    /// Values of the task's inputs.
    pub inputs: Option<&'v Map<String, Value>>,
}

/// A request to run a task.
pub(super) struct RunRequest<'k> {
    pub action: AuditEvent,
    pub cause: Cause,
    pub params: Value,
    pub given: GivenValues,
    pub key: Option<&'k str>,
    pub started_by: Option<String>,
}

/// A run that may start.
struct Admitted {
    /// Whether it waits for an earlier run to end.
    waits: bool,
    /// The running executions that are cancelled for it.
    cancelled: Vec<String>,
}

impl ExecutionService {
    /// A key that no request has used, for [`ExecutionService::run`] and [`ExecutionService::rerun`].
    pub fn new_idempotency_key(&self) -> String {
        new_id(self.clock.now())
    }

    /// Runs a task now, even if it is paused. `params` override members of the task's parameters for this run. At the limit of
    /// concurrent runs the task's `on_overlap` decides. A second call with the same idempotency key returns the first call's
    /// execution.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`] for invalid parameters, [`Error::Forbidden`]; [`Error::Conflict`] with the oldest
    /// execution if the task is at its limit of concurrent runs.
    pub async fn run(&self, actor: &Actor, id: &str, params: Option<&Value>, idempotency_key: Option<&str>) -> Result<Execution> {
        self.run_with(actor, id, RunValues { params, inputs: None }, idempotency_key).await
    }

    /// As [`ExecutionService::run`], with values of the task's inputs; those not given have their defaults.
    ///
    /// # Errors
    /// As [`ExecutionService::run`]; [`Error::Invalid`] names each input with an invalid or missing value.
    pub async fn run_with(
        &self,
        actor: &Actor,
        id: &str,
        values: RunValues<'_>,
        idempotency_key: Option<&str>,
    ) -> Result<Execution> {
        allow(actor, Action::Run)?;
        if values.params.is_some() {
            self.rules.refresh().await?;
        }
        let mut tx = self.database.write().await?;
        let task = tag_scope::lock_task(&mut tx, actor, id, None).await?;
        if let Some(key) = idempotency_key
            && let Some(earlier) = execution::by_idempotency_key(&mut tx, id, key).await?
        {
            return Ok(earlier);
        }
        let given = GivenValues::of_request(&task, values.inputs)?;
        let params = self.overridden(&mut tx, actor, &task, &task.params, values.params).await?;
        let request = RunRequest {
            action: AuditEvent::TaskRun,
            cause: requested(actor),
            params,
            given,
            key: idempotency_key,
            started_by: None,
        };
        self.enqueue(actor, tx, &task, request).await
    }

    /// Runs the task of an execution again, with that execution's parameters, inputs and hook call, and the given overrides. A second call with the same
    /// idempotency key returns the first call's execution.
    ///
    /// # Errors
    /// As [`ExecutionService::run`]; [`Error::Conflict`] if the task was deleted, also if another one has its id now.
    pub async fn rerun(
        &self,
        actor: &Actor,
        id: &str,
        params: Option<&Value>,
        idempotency_key: Option<&str>,
    ) -> Result<Execution> {
        self.rerun_with(actor, id, RunValues { params, inputs: None }, idempotency_key).await
    }

    /// As [`ExecutionService::rerun`], with other values of inputs.
    ///
    /// # Errors
    /// As [`ExecutionService::rerun`].
    pub async fn rerun_with(
        &self,
        actor: &Actor,
        id: &str,
        values: RunValues<'_>,
        idempotency_key: Option<&str>,
    ) -> Result<Execution> {
        allow(actor, Action::Run)?;
        if values.params.is_some() {
            self.rules.refresh().await?;
        }
        let mut tx = self.database.write().await?;
        let former = tag_scope::execution(&mut tx, actor, id).await?;
        let task = tag_scope::lock_task(&mut tx, actor, &former.task_id, None).await.map_err(|error| match error {
            Error::NotFound(_) => Error::Conflict(message!("execution.task_deleted", task = &former.task_id)),
            other => other,
        })?;
        if let Some(key) = idempotency_key
            && let Some(earlier) = execution::by_idempotency_key(&mut tx, &task.id, key).await?
        {
            return Ok(earlier);
        }
        self.check_rerun(actor, &task, &former)?;
        let given = GivenValues::of_rerun(&mut tx, &self.vault, &task, &former, values.inputs).await?;
        let params = self.overridden(&mut tx, actor, &task, &former.params, values.params).await?;
        // Keeps `previous` available to templates, if the actor may see that execution.
        let started_by = match former.started_by {
            Some(id) if tag_scope::execution(&mut tx, actor, &id).await.is_ok() => Some(id),
            _ => None,
        };
        let request = RunRequest {
            action: AuditEvent::ExecutionRerun,
            cause: requested(actor),
            params,
            given,
            key: idempotency_key,
            started_by,
        };
        self.enqueue(actor, tx, &task, request).await
    }

    /// Cancels an execution: immediately if it is queued, else by signalling the run.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`] if it has ended, [`Error::Forbidden`].
    pub async fn cancel(&self, actor: &Actor, id: &str) -> Result<Execution> {
        allow(actor, Action::Run)?;
        let mut tx = self.database.write().await?;
        tag_scope::execution(&mut tx, actor, id).await?;
        let reason = message!("run.cancelled_by", name = &actor.name);
        let waited = execution::cancel_queued(&mut tx, id, &reason, self.clock.now()).await?;
        let runs = !waited && execution::request_cancel(&mut tx, id).await?;
        let found = execution::get(&mut tx, id).await?.ok_or_else(|| Error::no_execution(id))?;
        if !waited && !runs {
            return Err(Error::Conflict(message!("execution.ended", status = found.status.as_str())));
        }
        self.audit_log.record(&mut tx, actor, AuditEntry::new(AuditEvent::ExecutionCancel, "execution", id)).await?;
        tx.commit().await?;
        self.cancels.cancel(id);
        tracing::info!(actor = actor.name, execution.id = id, task.id = found.task_id, "execution cancelled");
        self.publish_execution(&found);
        Ok(found)
    }

    /// Refuses to run parameters of another task, or of another type, than the one that they were saved for. Parameters other than the
    /// task's own require the permission to use a dangerous type.
    fn check_rerun(&self, actor: &Actor, task: &Task, former: &Execution) -> Result<()> {
        if former.task_type != task.task_type || former.queued_at < task.created_at {
            return Err(Error::Conflict(message!("execution.task_replaced", task = &task.id)));
        }
        if former.params == task.params {
            return Ok(());
        }
        self.rules.allow_type(actor, &task.task_type)?;
        self.check_params(task, &former.params)
    }

    fn check_params(&self, task: &Task, params: &Value) -> Result<()> {
        let faults = self.rules.registry.get(&task.task_type).map_or_else(
            || vec![Fault::new("", message!("task.type_unavailable", task_type = &task.task_type))],
            |entry| validate_params(&entry, params, &task.inputs, "/params"),
        );
        if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
    }

    /// Whether the actor may edit the task, apart from a tasks file that manages it.
    fn may_edit(&self, actor: &Actor, task: &Task) -> bool {
        allow(actor, Action::Edit).is_ok() && self.rules.allow_type(actor, &task.task_type).is_ok()
    }

    /// Refuses overrides by actors that may not edit the task, unless the type allows them and they hold no templates, which could
    /// read secrets and other runs.
    fn check_overrides(&self, actor: &Actor, task: &Task, members: &Map<String, Value>) -> Result<()> {
        if self.may_edit(actor, task) {
            return Ok(());
        }
        let entry = self.rules.registry.get(&task.task_type);
        let allowed = entry.map(|entry| entry.task_type.overridable()).unwrap_or_default();
        let faults: Vec<Fault> = members.iter().filter_map(|(name, value)| override_fault(name, value, allowed)).collect();
        if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
    }

    /// The parameters of one run. Overriding those of a dangerous type requires the permission to use the type.
    async fn overridden(&self, tx: &mut Tx, actor: &Actor, task: &Task, base: &Value, params: Option<&Value>) -> Result<Value> {
        let Some(params) = params.filter(|params| !params.is_null()) else { return Ok(base.clone()) };
        let Value::Object(members) = params else {
            return Err(Error::invalid("/params", message!("value.not_object").of("params")));
        };
        self.rules.allow_type(actor, &task.task_type)?;
        self.check_overrides(actor, task, members)?;
        tag_scope::check_named_tasks(tx, actor, params, "/params").await?;
        let mut merged = base.clone();
        if let Value::Object(merged) = &mut merged {
            merged.extend(members.clone());
        }
        self.check_params(task, &merged)?;
        Ok(merged)
    }

    /// Queues a run of a locked task.
    pub(super) async fn enqueue(&self, actor: &Actor, mut tx: Tx, task: &Task, request: RunRequest<'_>) -> Result<Execution> {
        let now = self.clock.now();
        let admission = self.admit(&mut tx, task, now).await?;
        let new = NewExecution {
            params: (request.params != task.params).then(|| request.params.clone()),
            requested_by: Some(actor.name.clone()),
            idempotency_key: request.key.map(str::to_owned),
            started_by: request.started_by,
            waits: admission.waits,
            ..NewExecution::new(task, request.cause, now, now)
        };
        execution::insert(&mut tx, std::slice::from_ref(&new), now).await?;
        let mut after = json!({"execution": new.id, "params": request.params});
        if let Some(data) = request.given.sealed(&self.vault, task, &new.id)? {
            run_data::insert(&mut tx, &new.id, &data).await?;
            after["inputs"] = Value::Object(data.inputs);
        }
        let entry = AuditEntry::new(request.action, "task", &task.id).after(after);
        self.audit_log.record(&mut tx, actor, entry).await?;
        let execution = execution::get(&mut tx, &new.id).await?.ok_or_else(|| Error::no_execution(&new.id))?;
        tx.commit().await?;
        if new.waits {
            self.signals.schedule.notify_one();
        } else {
            self.signals.jobs.queued([task.policy.queue.as_str()]);
        }
        for id in &admission.cancelled {
            self.cancels.cancel(id);
        }
        tracing::info!(actor = actor.name, task.id, execution.id = execution.id, "run requested");
        self.publish_execution(&execution);
        Ok(execution)
    }

    /// Decides whether one more run of a locked task may start, as its policy says.
    async fn admit(&self, tx: &mut Tx, task: &Task, now: DateTime<Utc>) -> Result<Admitted> {
        let admission = task.policy.admit(self.changes.active_runs(tx, task).await?, 1);
        if !admission.slots.iter().all(|slot| slot.runs()) {
            let oldest = overlap::oldest(tx, &task.id, 1).await?.pop().unwrap_or_default();
            let max = task.policy.max_instances;
            return Err(Error::Conflict(message!("run.at_limit", task = &task.id, max, execution = oldest)));
        }
        let cancelled = match admission.cancelled {
            0 => Vec::new(),
            count => overlap::cancel_oldest(tx, &task.id, count, &message!("run.replaced"), now).await?,
        };
        Ok(Admitted { waits: admission.slots.contains(&Slot::Waits), cancelled })
    }

    fn publish_execution(&self, execution: &Execution) {
        let event = Event::Execution {
            id: execution.id.clone(),
            task_id: execution.task_id.clone(),
            status: execution.status,
            attempt: execution.attempt,
        };
        self.events.publish(vec![event, Event::Task { id: execution.task_id.clone(), change: TaskChange::Updated }]);
    }
}

/// The cause of a run that an actor requests.
fn requested(actor: &Actor) -> Cause {
    if actor.via == Via::Api { Cause::Api } else { Cause::Manual }
}

/// Why somebody who may not edit a task may not override this member of its parameters.
fn override_fault(name: &str, value: &Value, allowed: &[&str]) -> Option<Fault> {
    let pointer = format!("/params/{}", pointer_step(name));
    let shown = truncate(name, 64);
    if !allowed.contains(&name) {
        let message = match allowed {
            [] => message!("run.no_overrides"),
            _ => message!("run.override_not_allowed", allowed = allowed.join(", ")),
        };
        return Some(Fault::new(pointer, message.of(shown)));
    }
    template::has_templates(value).then(|| Fault::new(pointer, message!("run.override_with_template").of(shown)))
}
