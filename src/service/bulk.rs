//! Bulk actions on tasks, selected by id or by filter. Each task is processed on its own; failures are reported per task.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::deps::ServiceDeps;
use super::executions::ExecutionService;
use super::search::check_search;
use super::tasks::TaskService;
use super::{Error, Result, allow};
use crate::domain::page::TaskFilter;
use crate::domain::user::{Action, Actor};
use crate::i18n::Message;
use crate::storage::{Database, task_list};

/// The number of task ids read at a time.
const BATCH: i64 = 500;
/// The number of tasks processed between two checks of the time limit.
const CHUNK: usize = 20;
/// The maximum number of errors returned.
const MAX_ERRORS: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkAction {
    Run,
    Pause,
    Resume,
    Delete,
}

impl BulkAction {
    /// The permission that the action requires.
    pub fn required_action(self) -> Action {
        if self == BulkAction::Delete { Action::Edit } else { Action::Run }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum BulkTarget {
    Ids(Vec<String>),
    Filter(TaskFilter),
}

/// The result of a bulk action.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BulkOutcome {
    /// The number of selected tasks.
    pub matched: i64,
    /// The number of tasks processed successfully.
    pub done: i64,
    /// The first hundred failures.
    pub errors: Vec<BulkError>,
}

impl BulkOutcome {
    fn add(&mut self, part: BulkOutcome) {
        self.matched += part.matched;
        self.done += part.done;
        self.errors.extend(part.errors);
        self.errors.truncate(MAX_ERRORS);
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkError {
    pub id: String,
    pub message: Message,
}

/// Performs one action on many tasks.
#[derive(Clone)]
pub struct BulkService {
    database: Database,
    tasks: TaskService,
    executions: ExecutionService,
}

impl BulkService {
    pub(super) fn new(deps: &ServiceDeps, tasks: TaskService, executions: ExecutionService) -> Self {
        Self { database: deps.database.clone(), tasks, executions }
    }

    /// Performs one action on many tasks.
    ///
    /// # Errors
    /// [`Error::Forbidden`]; [`Error::Internal`], after which some of the tasks may be processed.
    pub async fn apply(&self, actor: &Actor, action: BulkAction, target: &BulkTarget) -> Result<BulkOutcome> {
        allow(actor, action.required_action())?;
        let (mut all, mut after) = (BulkOutcome::default(), Some(String::new()));
        while let Some(place) = after.take() {
            let (part, next) = self.apply_part(actor, action, target, &place, Duration::MAX, None).await?;
            all.add(part);
            after = next;
        }
        Ok(all)
    }

    /// Performs part of a bulk action: on tasks after the id `after` (empty: from the start), until `limit` has passed.
    /// Returns the id to continue after, or `None` at the end. Each task has its own transaction, so other requests and
    /// firings do not wait for the whole action. `key` is the idempotency key of the runs.
    pub async fn apply_part(
        &self,
        actor: &Actor,
        action: BulkAction,
        target: &BulkTarget,
        after: &str,
        limit: Duration,
        key: Option<&str>,
    ) -> Result<(BulkOutcome, Option<String>)> {
        allow(actor, action.required_action())?;
        let (started, mut outcome) = (Instant::now(), BulkOutcome::default());
        let ids = self.next_ids(actor, target, after).await?;
        let mut left = ids.as_slice();
        while !left.is_empty() && (outcome.matched == 0 || started.elapsed() < limit) {
            let (now, later) = left.split_at(left.len().min(CHUNK));
            self.apply_step(actor, action, now, key, &mut outcome).await?;
            left = later;
        }
        let done = &ids[..ids.len() - left.len()];
        let more = !left.is_empty() || ids.len() as i64 == BATCH;
        Ok((outcome, done.last().filter(|_| more).cloned()))
    }

    /// The next selected ids, sorted and unique.
    async fn next_ids(&self, actor: &Actor, target: &BulkTarget, after: &str) -> Result<Vec<String>> {
        match target {
            BulkTarget::Ids(ids) => {
                let wanted: BTreeSet<_> = ids.iter().filter(|id| id.as_str() > after).cloned().collect();
                Ok(wanted.into_iter().take(BATCH as usize).collect())
            }
            BulkTarget::Filter(filter) => {
                check_search(filter.search.as_deref())?;
                let filter = TaskFilter { scope: actor.scope.clone(), ..filter.resolved() };
                Ok(task_list::ids(&mut self.database.read().await?, &filter, after, BATCH).await?)
            }
        }
    }

    async fn apply_step(
        &self,
        actor: &Actor,
        action: BulkAction,
        ids: &[String],
        key: Option<&str>,
        outcome: &mut BulkOutcome,
    ) -> Result<()> {
        for id in ids {
            outcome.matched += 1;
            match self.apply_one(actor, action, id, key).await {
                Ok(()) => outcome.done += 1,
                Err(error @ Error::Internal(_)) => return Err(error),
                Err(error) if outcome.errors.len() < MAX_ERRORS => {
                    outcome.errors.push(BulkError { id: id.clone(), message: error.message() });
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    async fn apply_one(&self, actor: &Actor, action: BulkAction, id: &str, key: Option<&str>) -> Result<()> {
        match action {
            BulkAction::Run => self.executions.run(actor, id, None, key).await.map(drop),
            BulkAction::Pause => self.tasks.pause(actor, id, None).await.map(drop),
            BulkAction::Resume => self.tasks.resume(actor, id, None).await.map(drop),
            BulkAction::Delete => self.tasks.delete(actor, id, None).await,
        }
    }
}
