//! One action on many tasks: those named, or all that a filter lets through. Each task is done or not by itself; what was
//! not done is named.

use super::{Error, Result, Service, allow};
use crate::domain::page::TaskFilter;
use crate::domain::user::{Action, Actor};
use crate::storage::task_list;

/// Tasks read at a time where a filter chooses.
const STEP: i64 = 500;
/// Faults answered at most; more say the same.
const MAX_ERRORS: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkAction {
    Run,
    Pause,
    Resume,
    Delete,
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
        allow(actor, if action == BulkAction::Delete { Action::Edit } else { Action::Run })?;
        let mut outcome = BulkOutcome::default();
        match target {
            BulkTarget::Ids(ids) => self.bulk_step(actor, action, ids, &mut outcome).await?,
            BulkTarget::Filter(filter) => {
                let (filter, mut after) = (filter.resolved(), String::new());
                loop {
                    let ids = task_list::ids(&mut self.database().read().await?, &filter, &after, STEP).await?;
                    self.bulk_step(actor, action, &ids, &mut outcome).await?;
                    match ids.last() {
                        Some(last) if ids.len() as i64 == STEP => after.clone_from(last),
                        _ => break,
                    }
                }
            }
        }
        Ok(outcome)
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
