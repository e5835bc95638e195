//! The state of a task during a run: read at the start, saved at the end. It outlives the log of executions.

use std::time::Duration;

use serde_json::Value;

use super::{RunContext, RunError, Toolbox};
use crate::clock::SharedClock;
use crate::i18n::message;
use crate::storage::task_state::{self, Snapshot};
use crate::storage::{self, Database};

/// The pause between attempts to save while the database is unavailable.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Reads and saves the states of tasks.
#[derive(Clone)]
pub(super) struct StateStore {
    database: Database,
    clock: SharedClock,
}

/// The state of one task as a run has read it.
pub(super) struct RunState<'c> {
    store: &'c StateStore,
    context: &'c RunContext,
    /// `None` if the task was deleted meanwhile.
    read: Option<Snapshot>,
}

impl StateStore {
    pub fn new(toolbox: &Toolbox) -> Self {
        Self { database: toolbox.database.clone(), clock: toolbox.clock.clone() }
    }

    /// The state that the task's last run saved.
    ///
    /// # Errors
    /// A retryable error if the database cannot be read.
    pub async fn read<'c>(&'c self, context: &'c RunContext) -> Result<RunState<'c>, RunError> {
        let read = async { task_state::snapshot(&mut self.database.read().await?, &context.task_id).await };
        let read = read.await.map_err(|error| RunError::retry(message!("state.unreadable", error = error.to_string())))?;
        Ok(RunState { store: self, context, read })
    }
}

impl RunState<'_> {
    /// The state; `None` if no run has saved one, or it was reset.
    pub fn value(&self) -> Option<&Value> {
        self.read.as_ref()?.state.as_ref()
    }

    /// Saves the state, unless it was reset or saved by another run since it was read. While the database is unavailable it tries
    /// again, until the run's time limit.
    ///
    /// # Errors
    /// The state cannot be stored.
    pub async fn save(&self, state: &Value) -> Result<(), RunError> {
        let Some(read) = self.read.as_ref().filter(|read| read.state.as_ref() != Some(state)) else { return Ok(()) };
        let mut was_failing = false;
        loop {
            let error = match self.store.save(self.context, read, state).await {
                Ok(true) => return Ok(()),
                Ok(false) => {
                    self.context.output.line(SUPERSEDED);
                    return Ok(());
                }
                Err(error) => error,
            };
            if !error.is_transient() {
                return Err(RunError::fail(message!("state.unsaved", error = error.to_string())));
            }
            if !std::mem::replace(&mut was_failing, true) {
                let task = &self.context.task_id;
                tracing::warn!(task.id = task, error = &error as &dyn std::error::Error, "failed to save task state; retrying");
            }
            tokio::time::sleep(RETRY_DELAY).await;
        }
    }
}

/// The line in the output of a run whose state is not saved.
const SUPERSEDED: &str = "the state of the task was reset or changed during this run; the state of this run is not saved";

impl StateStore {
    async fn save(&self, context: &RunContext, read: &Snapshot, state: &Value) -> storage::Result<bool> {
        let mut tx = self.database.write().await?;
        let saved = task_state::save(&mut tx, &context.task_id, &context.execution_id, read, state, self.clock.now()).await?;
        tx.commit().await?;
        Ok(saved)
    }
}
