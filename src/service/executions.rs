//! Executions, read.

use std::collections::HashMap;

use super::{Result, Service, allow, reach};
use crate::domain::execution::{Attempt, Execution, ExecutionDetail, OutputChunk};
use crate::domain::page::{ExecutionFilter, Page, PageRequest};
use crate::domain::stats::RunPoint;
use crate::domain::user::{Action, Actor};
use crate::storage::{self, execution, execution_list, recent_runs};

impl Service {
    /// One page of executions, newest first.
    ///
    /// # Errors
    /// [`super::Error::Forbidden`], [`super::Error::Internal`].
    pub async fn executions(&self, actor: &Actor, filter: &ExecutionFilter, page: &PageRequest) -> Result<Page<Execution>> {
        allow(actor, Action::See)?;
        let filter = ExecutionFilter { reach: actor.reach.clone(), ..filter.resolved() };
        Ok(execution_list::page(&mut self.database().read().await?, &filter, page).await?)
    }

    /// The rows of one page alone, without a count of all: for those who read on and on.
    ///
    /// # Errors
    /// As [`Service::executions`].
    pub async fn executions_only(&self, actor: &Actor, filter: &ExecutionFilter, page: &PageRequest) -> Result<Vec<Execution>> {
        allow(actor, Action::See)?;
        let filter = ExecutionFilter { reach: actor.reach.clone(), ..filter.resolved() };
        Ok(execution_list::newest(&mut self.database().read().await?, &filter, page).await?)
    }

    /// The newest `limit` executions of each task, oldest first; tasks without any are left out.
    ///
    /// # Errors
    /// As [`Service::executions`].
    pub async fn recent_runs(&self, actor: &Actor, task_ids: &[&str], limit: i64) -> Result<HashMap<String, Vec<RunPoint>>> {
        allow(actor, Action::See)?;
        let mut reader = self.database().read().await?;
        let reached = storage::reach::tasks_among(&mut reader, &actor.reach, task_ids).await?;
        let ids: Vec<&str> = task_ids.iter().copied().filter(|id| reached.contains(*id)).collect();
        Ok(recent_runs::of_tasks(&mut reader, &ids, limit).await?)
    }

    /// One execution with its result, attempts and output.
    ///
    /// # Errors
    /// [`super::Error::NotFound`], and as [`Service::executions`].
    pub async fn execution(&self, actor: &Actor, id: &str) -> Result<ExecutionDetail> {
        allow(actor, Action::See)?;
        let mut reader = self.database().read().await?;
        let found = reach::execution(&mut reader, actor, id).await?;
        let result = execution::result(&mut reader, id).await?;
        let mut attempts = execution::attempts(&mut reader, id).await?;
        let output = execution::output(&mut reader, id, None).await?;
        attempts.extend(latest_attempt(&found));
        let filled_params = execution::filled_params(&mut reader, id).await?;
        let mut started = execution::started_by(&mut reader, id).await?;
        let ids: Vec<&str> = started.iter().map(|run| run.task_id.as_str()).collect();
        let reached = storage::reach::tasks_among(&mut reader, &actor.reach, &ids).await?;
        started.retain(|run| reached.contains(&run.task_id));
        Ok(ExecutionDetail { execution: found, filled_params, result, started, attempts, output })
    }

    /// Output of all attempts in order; with `after` only what lies behind (attempt, seq).
    ///
    /// # Errors
    /// As [`Service::execution`].
    pub async fn output(&self, actor: &Actor, id: &str, after: Option<(i64, i64)>) -> Result<Vec<OutputChunk>> {
        Ok(self.output_so_far(actor, id, after).await?.1)
    }

    /// As [`Service::output`], with the execution as it was before: one that had ended then has no more output than this.
    ///
    /// # Errors
    /// As [`Service::execution`].
    pub async fn output_so_far(
        &self,
        actor: &Actor,
        id: &str,
        after: Option<(i64, i64)>,
    ) -> Result<(Execution, Vec<OutputChunk>)> {
        allow(actor, Action::See)?;
        let mut reader = self.database().read().await?;
        let found = reach::execution(&mut reader, actor, id).await?;
        let output = execution::output(&mut reader, id, after).await?;
        Ok((found, output))
    }
}

/// The attempt that the execution's own row tells of: the one going on or the last. None while the next one waits.
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
        node: execution.node.clone(),
    })
}
