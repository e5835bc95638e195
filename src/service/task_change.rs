//! Changes of tasks: the transaction of a change, in which the tasks are locked and what fell due before the change is recorded
//! under the rule and the policy before it.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Result, tag_scope, task_content};
use crate::clock::SharedClock;
use crate::domain::calendar::CalendarSet;
use crate::domain::overlap::ActiveRuns;
use crate::domain::schedule::Schedule;
use crate::domain::task::{Task, TaskInput};
use crate::domain::user::Actor;
use crate::scheduler::{PlanAhead, Recorded, Settlement};
use crate::storage::{Database, Tx};

/// Begins changes of tasks; clones are cheap.
#[derive(Clone)]
pub(super) struct TaskChanges {
    pub database: Database,
    pub clock: SharedClock,
    pub settlement: Settlement,
}

/// The transaction of a change. Dropping it without [`SettledTx::commit`] changes nothing.
pub(super) struct SettledTx {
    pub tx: Tx,
    /// The time of the change: occurrences up to it are recorded. It may be some milliseconds ahead, see [`Settlement::change_time`].
    pub now: DateTime<Utc>,
    recorded: Vec<Recorded>,
    changes: TaskChanges,
}

impl TaskChanges {
    /// Begins a transaction. The caller locks the tasks that it changes and settles them.
    pub async fn open(&self) -> Result<SettledTx> {
        let tx = self.database.write().await?;
        Ok(SettledTx { tx, now: self.clock.now(), recorded: Vec::new(), changes: self.clone() })
    }

    /// Locks a task in the actor's scope, at the expected version, and records what was due.
    pub async fn begin(&self, actor: &Actor, id: &str, if_match: Option<i64>) -> Result<(SettledTx, Task)> {
        loop {
            let mut change = self.open().await?;
            let mut task = tag_scope::lock_task(&mut change.tx, actor, id, if_match).await?;
            if change.settle(std::slice::from_mut(&mut task)).await? {
                return Ok((change, task));
            }
            change.commit().await?;
        }
    }

    /// The calendars and freezes in force.
    pub async fn calendars(&self, tx: &mut Tx) -> Result<Arc<CalendarSet>> {
        Ok(self.settlement.calendars.current(tx).await?)
    }

    /// The schedule of a task to be saved. `is_new`: its rules or calendars change.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a calendar that does not exist, or one that is closed at each of the task's times.
    pub async fn schedule(&self, tx: &mut Tx, input: &TaskInput, is_new: bool, now: DateTime<Utc>) -> Result<Schedule> {
        let calendars = if input.rules.calendar().is_some() { self.calendars(tx).await? } else { Arc::default() };
        task_content::schedule(input, &calendars, is_new, now)
    }

    /// The unfinished runs of a locked task.
    pub async fn active_runs(&self, tx: &mut Tx, task: &Task) -> Result<ActiveRuns> {
        Ok(self.settlement.active_runs(tx, task).await?)
    }
}

impl SettledTx {
    /// Records what is due of locked tasks. False: a long absence is recorded in parts, so that a transaction stays short; the
    /// caller commits and begins again.
    pub async fn settle(&mut self, tasks: &mut [Task]) -> Result<bool> {
        let now = self.changes.clock.now(); // the locks may have taken a while
        self.now = self.changes.settlement.change_time(&mut self.tx, tasks, now).await?.max(self.now);
        let recorded = self.changes.settlement.settle(&mut self.tx, tasks, self.now).await?;
        let is_settled = !recorded.more;
        self.recorded.push(recorded);
        Ok(is_settled)
    }

    /// Records dates that had passed when their tasks were saved as missed.
    pub async fn record_passed(&mut self, passed: &[(&Task, DateTime<Utc>)]) -> Result<()> {
        let recorded = self.changes.settlement.record_passed(&mut self.tx, passed, self.now).await?;
        self.recorded.push(recorded);
        Ok(())
    }

    /// Commits, and returns when the change has taken effect: what was planned ahead has begun, after some milliseconds at most.
    pub async fn commit(self) -> Result<()> {
        self.tx.commit().await?;
        if let Ok(left) = (self.now - self.changes.clock.now()).min(PlanAhead::STANDARD.most).to_std()
            && !left.is_zero()
        {
            tokio::time::sleep(left).await;
        }
        self.recorded.iter().for_each(|recorded| self.changes.settlement.announce(recorded));
        Ok(())
    }
}
