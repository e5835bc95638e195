//! Requested runs: run, rerun and cancel.

use serde_json::{Value, json};

use super::audit::AuditEntry;
use super::task_checks::validate_params;
use super::{Error, Result, Service, allow, tag_scope};
use crate::domain::audit::AuditEvent;
use crate::domain::event::{Event, TaskChange};
use crate::domain::execution::{Cause, Execution, Status};
use crate::domain::fault::Fault;
use crate::domain::task::Task;
use crate::domain::user::{Action, Actor, Via};
use crate::ids::new_id;
use crate::storage::Tx;
use crate::storage::execution::{self, NewExecution};
use crate::storage::queue::{self, NewJob};

/// A request to run a task.
struct RunRequest<'k> {
    action: AuditEvent,
    params: Value,
    key: Option<&'k str>,
    started_by: Option<String>,
}

impl Service {
    /// Runs a task now, even if it is paused or has active runs. `params` override members of the task's parameters for this
    /// run. A second call with the same idempotency key returns the first call's execution.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`] for invalid parameters, [`Error::Forbidden`].
    pub async fn run_task(
        &self,
        actor: &Actor,
        id: &str,
        params: Option<&Value>,
        idempotency_key: Option<&str>,
    ) -> Result<Execution> {
        allow(actor, Action::Run)?;
        let mut tx = self.database().write().await?;
        let task = tag_scope::lock_task(&mut tx, actor, id, None).await?;
        if let Some(key) = idempotency_key
            && let Some(earlier) = execution::by_idempotency_key(&mut tx, id, key).await?
        {
            return Ok(earlier);
        }
        let params = self.overridden(&mut tx, actor, &task, &task.params, params).await?;
        self.enqueue(actor, tx, &task, RunRequest { action: AuditEvent::TaskRun, params, key: idempotency_key, started_by: None })
            .await
    }

    /// Runs the task of an execution again, with that execution's parameters and the given overrides.
    ///
    /// # Errors
    /// As [`Service::run_task`]; [`Error::Conflict`] if the task was deleted.
    pub async fn rerun(&self, actor: &Actor, id: &str, params: Option<&Value>) -> Result<Execution> {
        allow(actor, Action::Run)?;
        let mut tx = self.database().write().await?;
        let former = tag_scope::execution(&mut tx, actor, id).await?;
        let task = tag_scope::lock_task(&mut tx, actor, &former.task_id, None).await.map_err(|error| match error {
            Error::NotFound(_) => Error::Conflict(format!("the task '{}' of this execution was deleted", former.task_id)),
            other => other,
        })?;
        let params = self.overridden(&mut tx, actor, &task, &former.params, params).await?;
        // Keeps `previous` available to templates.
        self.enqueue(
            actor,
            tx,
            &task,
            RunRequest { action: AuditEvent::ExecutionRerun, params, key: None, started_by: former.started_by },
        )
        .await
    }

    /// Cancels an execution: immediately if it is queued, else by signalling the run.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`] if it has ended, [`Error::Forbidden`].
    pub async fn cancel(&self, actor: &Actor, id: &str) -> Result<Execution> {
        allow(actor, Action::Run)?;
        let mut tx = self.database().write().await?;
        tag_scope::execution(&mut tx, actor, id).await?;
        let reason = format!("cancelled by {}", actor.name);
        let waited = execution::cancel_queued(&mut tx, id, &reason, self.clock().now()).await?;
        let runs = !waited && execution::request_cancel(&mut tx, id).await?;
        let found = execution::get(&mut tx, id).await?.ok_or_else(|| Error::no_execution(id))?;
        if !waited && !runs {
            return Err(Error::Conflict(format!("the execution has ended: it is {}", found.status.as_str())));
        }
        self.record_audit(&mut tx, actor, AuditEntry::new(AuditEvent::ExecutionCancel, "execution", id)).await?;
        tx.commit().await?;
        self.0.deps.cancels.cancel(id);
        tracing::info!(actor = actor.name, execution.id = id, task.id = found.task_id, "execution cancelled");
        self.publish_execution(&found);
        Ok(found)
    }

    /// The parameters of one run. Overriding those of a dangerous type requires the permission to use the type.
    async fn overridden(&self, tx: &mut Tx, actor: &Actor, task: &Task, base: &Value, params: Option<&Value>) -> Result<Value> {
        let Some(params) = params.filter(|params| !params.is_null()) else { return Ok(base.clone()) };
        let Value::Object(members) = params else {
            return Err(Error::invalid("/params", "params: must be an object"));
        };
        self.allow_type(actor, &task.task_type)?;
        self.check_named_tasks(tx, actor, params, "/params").await?;
        let mut merged = base.clone();
        if let Value::Object(merged) = &mut merged {
            merged.extend(members.clone());
        }
        let faults = self.registry().get(&task.task_type).map_or_else(
            || vec![Fault::new("", format!("the task type '{}' is not available here", task.task_type))],
            |entry| validate_params(&entry, &merged, "/params"),
        );
        if faults.is_empty() { Ok(merged) } else { Err(Error::Invalid(faults)) }
    }

    async fn enqueue(&self, actor: &Actor, mut tx: Tx, task: &Task, request: RunRequest<'_>) -> Result<Execution> {
        let now = self.clock().now();
        let new = NewExecution {
            id: new_id(now),
            task_id: task.id.clone(),
            task_type: task.task_type.clone(),
            schedule_text: task.schedule_text.clone(),
            params: request.params,
            cause: if actor.via == Via::Api { Cause::Api } else { Cause::Manual },
            status: Status::Queued,
            scheduled_at: now,
            error: None,
            requested_by: Some(actor.name.clone()),
            idempotency_key: request.key.map(str::to_owned),
            started_by: request.started_by,
            task_version: task.version,
        };
        execution::insert(&mut tx, std::slice::from_ref(&new), now).await?;
        queue::push(&mut tx, &[NewJob::first(&new, task)], now).await?;
        let entry = AuditEntry::new(request.action, "task", &task.id).after(json!({"execution": new.id, "params": new.params}));
        self.record_audit(&mut tx, actor, entry).await?;
        let execution = execution::get(&mut tx, &new.id).await?.ok_or_else(|| Error::no_execution(&new.id))?;
        tx.commit().await?;
        self.0.deps.signals.jobs.queued([task.policy.queue.as_str()]);
        tracing::info!(actor = actor.name, task.id, execution.id, "run requested");
        self.publish_execution(&execution);
        Ok(execution)
    }

    fn publish_execution(&self, execution: &Execution) {
        let event = Event::Execution {
            id: execution.id.clone(),
            task_id: execution.task_id.clone(),
            status: execution.status,
            attempt: execution.attempt,
        };
        self.0.deps.events.publish(vec![event, Event::Task { id: execution.task_id.clone(), change: TaskChange::Updated }]);
    }
}
