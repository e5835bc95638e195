//! Isolation: finds the due task that the database refuses to plan, so that the others are planned.

use chrono::{DateTime, Utc};

use super::planner::{BATCH, Planner};
use crate::signals::Starts;
use crate::storage::refusal::{self, Refusal};
use crate::storage::{Result, plan};

impl Planner {
    /// Looks for the first due task that cannot be planned, and leaves it out for a minute. Returns whether there is one. Nothing is
    /// planned.
    pub(super) async fn isolate(&self, now: DateTime<Utc>) -> Result<bool> {
        let refused = refusal::smallest(BATCH, |count| self.trial(now, count)).await?;
        let Some(Refusal { last: Some(task_id), error }) = refused else { return Ok(false) };
        tracing::error!(%error, task.id = task_id, "database refuses to plan a task; leaving it out for a minute");
        self.state.refused.add(task_id, now);
        Ok(true)
    }

    /// Tries to plan the first `count` due tasks, without a commit. `None`: the database accepts them.
    ///
    /// # Errors
    /// The database is unavailable.
    async fn trial(&self, now: DateTime<Utc>, count: i64) -> Result<Option<Refusal>> {
        let mut tx = self.database.write().await?;
        let rows = plan::due_rows(&mut tx, now, &self.state.refused.at(now), count).await?;
        let refusal = match self.plan_due(&mut tx, (now, now), count, &mut Starts::none()).await {
            Ok(_) => None,
            Err(error) if error.is_transient() || error.is_conflict() => return Err(error),
            Err(error) => Some(Refusal { last: rows.into_iter().last().map(|row| row.task_id), error }),
        };
        tx.roll_back().await?;
        Ok(refusal)
    }
}
