//! Read access to executions.

use std::collections::HashMap;

use super::audit_log::AuditLog;
use super::deps::{ServiceDeps, Shared};
use super::search::check_search;
use super::task_rules::TaskRules;
use super::{Result, allow, tag_scope};
use crate::clock::SharedClock;
use crate::domain::execution::{Attempt, Execution, ExecutionDetail, OutputChunk};
use crate::domain::page::{ExecutionFilter, Page, PageRequest};
use crate::domain::stats::RunPoint;
use crate::domain::user::{Action, Actor};
use crate::events::EventBus;
use crate::signals::Signals;
use crate::storage::{self, Database, execution, execution_list, recent_runs};
use crate::worker::cancel::CancelRegistry;

/// Reads, starts and cancels executions.
#[derive(Clone)]
pub struct ExecutionService {
    pub(super) database: Database,
    pub(super) clock: SharedClock,
    pub(super) signals: Signals,
    pub(super) events: EventBus,
    pub(super) audit_log: AuditLog,
    pub(super) rules: TaskRules,
    pub(super) cancels: CancelRegistry,
}

impl ExecutionService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared) -> Self {
        Self {
            database: deps.database.clone(),
            clock: deps.clock.clone(),
            signals: deps.signals.clone(),
            events: deps.events.clone(),
            audit_log: shared.audit_log.clone(),
            rules: shared.rules.clone(),
            cancels: deps.cancels.clone(),
        }
    }

    /// One page of executions, newest first.
    pub async fn list(&self, actor: &Actor, filter: &ExecutionFilter, page: &PageRequest) -> Result<Page<Execution>> {
        allow(actor, Action::See)?;
        check_search(filter.search.as_deref())?;
        let filter = ExecutionFilter { scope: actor.scope.clone(), ..filter.resolved() };
        Ok(execution_list::page(&mut self.database.read().await?, &filter, page).await?)
    }

    /// One page of executions without the total count, for reading many pages in sequence.
    pub async fn list_without_total(
        &self,
        actor: &Actor,
        filter: &ExecutionFilter,
        page: &PageRequest,
    ) -> Result<Vec<Execution>> {
        allow(actor, Action::See)?;
        check_search(filter.search.as_deref())?;
        let filter = ExecutionFilter { scope: actor.scope.clone(), ..filter.resolved() };
        Ok(execution_list::newest(&mut self.database.read().await?, &filter, page).await?)
    }

    /// The newest `limit` executions of each task, oldest first; tasks without any are left out.
    pub async fn recent_runs(&self, actor: &Actor, task_ids: &[&str], limit: i64) -> Result<HashMap<String, Vec<RunPoint>>> {
        allow(actor, Action::See)?;
        let mut reader = self.database.read().await?;
        let visible = storage::tag_scope::visible_tasks(&mut reader, &actor.scope, task_ids).await?;
        let ids: Vec<&str> = task_ids.iter().copied().filter(|id| visible.contains(*id)).collect();
        Ok(recent_runs::for_tasks(&mut reader, &ids, limit).await?)
    }

    /// One execution with its result, attempts and output.
    ///
    /// # Errors
    /// [`super::Error::NotFound`], and as [`ExecutionService::list`].
    pub async fn get(&self, actor: &Actor, id: &str) -> Result<ExecutionDetail> {
        allow(actor, Action::See)?;
        let mut reader = self.database.read().await?;
        let found = tag_scope::execution(&mut reader, actor, id).await?;
        let result = execution::result(&mut reader, id).await?;
        let mut attempts = execution::attempts(&mut reader, id).await?;
        let output = execution::output(&mut reader, id, None).await?;
        attempts.extend(latest_attempt(&found));
        let filled_params = execution::rendered_params(&mut reader, id).await?;
        let mut started = execution::started_by(&mut reader, id).await?;
        let ids: Vec<&str> = started.iter().map(|run| run.task_id.as_str()).collect();
        let visible = storage::tag_scope::visible_tasks(&mut reader, &actor.scope, &ids).await?;
        started.retain(|run| visible.contains(&run.task_id));
        Ok(ExecutionDetail { execution: found, filled_params, result, started, attempts, output })
    }

    /// The output of all attempts in order; with `after` only the chunks after (attempt, seq).
    pub async fn output(&self, actor: &Actor, id: &str, after: Option<(i64, i64)>) -> Result<Vec<OutputChunk>> {
        Ok(self.output_so_far(actor, id, after).await?.1)
    }

    /// As [`ExecutionService::output`], with the execution as read before the output: if it had ended, the output is complete.
    pub async fn output_so_far(
        &self,
        actor: &Actor,
        id: &str,
        after: Option<(i64, i64)>,
    ) -> Result<(Execution, Vec<OutputChunk>)> {
        allow(actor, Action::See)?;
        let mut reader = self.database.read().await?;
        let found = tag_scope::execution(&mut reader, actor, id).await?;
        let output = execution::output(&mut reader, id, after).await?;
        Ok((found, output))
    }
}

/// The attempt stored in the execution's own row: the current or the last one. `None` while the next one is queued.
fn latest_attempt(execution: &Execution) -> Option<Attempt> {
    let begun = execution.started_at.is_some() && execution.retry_at.is_none();
    let waits = execution.status == crate::domain::execution::Status::Queued;
    (begun && !waits).then(|| Attempt {
        attempt: execution.attempt,
        status: execution.status,
        started_at: execution.started_at,
        finished_at: execution.finished_at,
        duration_ms: execution.duration_ms,
        error: execution.error.clone(),
        error_message: execution.error_message.clone(),
        node: execution.node.clone(),
    })
}
