//! One action on many tasks: those named, or all that a filter lets through. Each task is done or not by itself; what was
//! not done is named.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::{Error, Result, Service, allow};
use crate::domain::page::TaskFilter;
use crate::domain::user::{Action, Actor};
use crate::storage::task_list;

/// Tasks read at a time where a filter chooses.
const STEP: i64 = 500;
/// Tasks done between two looks at the time.
const AT_ONCE: usize = 20;
/// Faults answered at most; more say the same.
const MAX_ERRORS: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkAction {
    Run,
    Pause,
    Resume,
    Delete,
}

impl BulkAction {
    /// What it takes to do it.
    pub fn takes(self) -> Action {
        if self == BulkAction::Delete { Action::Edit } else { Action::Run }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum BulkTarget {
    Ids(Vec<String>),
    Filter(TaskFilter),
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BulkOutcome {
    /// Tasks that were meant.
    pub matched: i64,
    /// Tasks that were done.
    pub done: i64,
    /// The first hundred that were not.
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
    pub message: String,
}

impl Service {
    /// Does one action on many tasks.
    ///
    /// # Errors
    /// [`Error::Forbidden`]; [`Error::Internal`], after which part of the tasks may be done.
    pub async fn bulk(&self, actor: &Actor, action: BulkAction, target: &BulkTarget) -> Result<BulkOutcome> {
        allow(actor, action.takes())?;
        let (mut all, mut after) = (BulkOutcome::default(), Some(String::new()));
        while let Some(place) = after.take() {
            let (part, next) = self.bulk_part(actor, action, target, &place, Duration::MAX).await?;
            all.add(part);
            after = next;
        }
        Ok(all)
    }

    /// Does a part of one action on many tasks: those that come after the id `after` (empty: from the start), until `limit` is
    /// over. Answers where to go on, or `None` after the last. Nothing is held between the parts, and each task is done in a
    /// transaction of its own, so that neither other requests nor firings wait for the whole.
    ///
    /// # Errors
    /// As [`Service::bulk`].
    pub async fn bulk_part(
        &self,
        actor: &Actor,
        action: BulkAction,
        target: &BulkTarget,
        after: &str,
        limit: Duration,
    ) -> Result<(BulkOutcome, Option<String>)> {
        allow(actor, action.takes())?;
        let (begun, mut outcome) = (Instant::now(), BulkOutcome::default());
        let ids = self.bulk_ids(actor, target, after).await?;
        let mut left = ids.as_slice();
        while !left.is_empty() && (outcome.matched == 0 || begun.elapsed() < limit) {
            let (now, later) = left.split_at(left.len().min(AT_ONCE));
            self.bulk_step(actor, action, now, &mut outcome).await?;
            left = later;
        }
        let done = &ids[..ids.len() - left.len()];
        let more = !left.is_empty() || ids.len() as i64 == STEP;
        Ok((outcome, done.last().filter(|_| more).cloned()))
    }

    /// The next ids that are meant, in their order, each once.
    async fn bulk_ids(&self, actor: &Actor, target: &BulkTarget, after: &str) -> Result<Vec<String>> {
        match target {
            BulkTarget::Ids(ids) => {
                let wanted: BTreeSet<_> = ids.iter().filter(|id| id.as_str() > after).cloned().collect();
                Ok(wanted.into_iter().take(STEP as usize).collect())
            }
            BulkTarget::Filter(filter) => {
                let filter = TaskFilter { reach: actor.reach.clone(), ..filter.resolved() };
                Ok(task_list::ids(&mut self.database().read().await?, &filter, after, STEP).await?)
            }
        }
    }

    async fn bulk_step(&self, actor: &Actor, action: BulkAction, ids: &[String], outcome: &mut BulkOutcome) -> Result<()> {
        for id in ids {
            outcome.matched += 1;
            match self.bulk_one(actor, action, id).await {
                Ok(()) => outcome.done += 1,
                Err(error @ Error::Internal(_)) => return Err(error),
                Err(error) if outcome.errors.len() < MAX_ERRORS => {
                    outcome.errors.push(BulkError { id: id.clone(), message: error.to_string() });
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    async fn bulk_one(&self, actor: &Actor, action: BulkAction, id: &str) -> Result<()> {
        match action {
            BulkAction::Run => self.run_task(actor, id, None, None).await.map(drop),
            BulkAction::Pause => self.pause_task(actor, id, None).await.map(drop),
            BulkAction::Resume => self.resume_task(actor, id, None).await.map(drop),
            BulkAction::Delete => self.delete_task(actor, id, None).await,
        }
    }
}
