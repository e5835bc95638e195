//! Bulk actions on tasks, selected by id or by filter. Each task is processed on its own; failures are reported per task.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::deps::ServiceDeps;
use super::executions::ExecutionService;
use super::search::check_search;
use super::tasks::TaskService;
use super::{Error, Result};
use crate::clock::SharedClock;
use crate::domain::operation::{BulkAction, BulkError, BulkOutcome, BulkWork};
use crate::domain::page::TaskFilter;
use crate::domain::user::Actor;
use crate::storage::{Database, task_list};

/// The number of task ids read at a time.
const BATCH: i64 = 500;

/// The tasks of a bulk action.
#[derive(Debug, Clone, PartialEq)]
pub enum BulkTarget {
    Ids(Vec<String>),
    Filter(TaskFilter),
}

/// Performs one action on many tasks.
#[derive(Clone)]
pub struct BulkService {
    pub(super) database: Database,
    pub(super) clock: SharedClock,
    /// Cancelled at the shutdown: operations end after the part that is being done.
    pub(super) stopping: CancellationToken,
    tasks: TaskService,
    executions: ExecutionService,
}

impl BulkService {
    pub(super) fn new(deps: &ServiceDeps, tasks: TaskService, executions: ExecutionService) -> Self {
        Self { database: deps.database.clone(), clock: deps.clock.clone(), stopping: CancellationToken::new(), tasks, executions }
    }

    /// Performs one action on all selected tasks. `key` is the idempotency key of the runs.
    pub(super) async fn apply(
        &self,
        actor: &Actor,
        work: &BulkWork,
        target: &BulkTarget,
        key: Option<&str>,
    ) -> Result<BulkOutcome> {
        let (mut all, mut after) = (BulkOutcome::default(), Some(String::new()));
        while let Some(place) = after.take() {
            let (part, next) = self.apply_part(actor, work, target, &place, Duration::MAX, key).await?;
            all.add(part);
            after = next;
        }
        Ok(all)
    }

    /// Performs part of a bulk action: on tasks after the id `after` (empty: from the start), until `limit` has passed.
    /// Returns the id to continue after, or `None` at the end. Each task has its own transaction, so other requests and
    /// firings do not wait for the whole action. `key` is the idempotency key of the runs.
    ///
    /// # Errors
    /// [`Error::Internal`] or [`Error::Unavailable`] if the database fails at the first task; at a later one the part ends before it.
    pub(super) async fn apply_part(
        &self,
        actor: &Actor,
        work: &BulkWork,
        target: &BulkTarget,
        after: &str,
        limit: Duration,
        key: Option<&str>,
    ) -> Result<(BulkOutcome, Option<String>)> {
        let (started, mut outcome) = (Instant::now(), BulkOutcome::default());
        let ids = self.next_ids(actor, target, after).await?;
        let mut processed = 0;
        for id in &ids {
            if processed > 0 && started.elapsed() >= limit {
                break;
            }
            match self.apply_one(actor, work, id, key).await {
                Ok(()) => outcome.done += 1,
                Err(error @ (Error::Internal(_) | Error::Unavailable(_))) if processed == 0 => return Err(error),
                Err(Error::Internal(_) | Error::Unavailable(_)) => break,
                Err(error) => outcome.add_error(BulkError { id: id.clone(), message: error.message() }),
            }
            processed += 1;
        }
        outcome.matched = processed as i64;
        let more = processed < ids.len() || ids.len() as i64 == BATCH;
        Ok((outcome, ids[..processed].last().filter(|_| more).cloned()))
    }

    /// The filter with the qualifiers of its search, within the actor's scope.
    pub(super) fn resolved(actor: &Actor, filter: &TaskFilter) -> Result<TaskFilter> {
        check_search(filter.search.as_deref())?;
        Ok(TaskFilter { scope: actor.scope.clone(), ..filter.resolved() })
    }

    /// The next selected ids, sorted and unique.
    async fn next_ids(&self, actor: &Actor, target: &BulkTarget, after: &str) -> Result<Vec<String>> {
        match target {
            BulkTarget::Ids(ids) => {
                let wanted: BTreeSet<_> = ids.iter().filter(|id| id.as_str() > after).cloned().collect();
                Ok(wanted.into_iter().take(BATCH as usize).collect())
            }
            BulkTarget::Filter(filter) => {
                let filter = Self::resolved(actor, filter)?;
                Ok(task_list::ids(&mut self.database.read().await?, &filter, after, BATCH).await?)
            }
        }
    }

    async fn apply_one(&self, actor: &Actor, work: &BulkWork, id: &str, key: Option<&str>) -> Result<()> {
        match work.action {
            BulkAction::Run => self.executions.run(actor, id, None, key).await.map(drop),
            BulkAction::Pause => self.tasks.pause_until(actor, id, &work.pause, None).await.map(drop),
            BulkAction::Resume => self.tasks.resume(actor, id, None).await.map(drop),
            BulkAction::Delete => self.tasks.delete(actor, id, None).await,
        }
    }
}
