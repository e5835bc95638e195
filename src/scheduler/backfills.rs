//! Backfills: starts the runs of chosen occurrences, in order, as many at a time as the backfill and its task allow.

use chrono::{DateTime, Utc};

use super::occurrences;
use super::planner::Planner;
use crate::domain::backfill::free_slots;
use crate::domain::event::{Event, TaskChange};
use crate::domain::execution::Cause;
use crate::domain::task::Task;
use crate::storage::backfill::{self, ActiveBackfill};
use crate::storage::execution::{self, NewExecution};
use crate::storage::{Result, Session, Tx, plan, task};

/// Backfills looked at in one transaction.
const BATCH: i64 = 100;

impl Planner {
    /// Whether runs of backfills may start, or backfills have ended.
    pub(super) async fn has_startable_backfills(&self, s: &mut dyn Session) -> Result<bool> {
        let found = backfill::startable(s, BATCH).await?;
        let ids: Vec<String> = found.iter().map(|one| one.task_id.clone()).collect();
        let tasks = task::many(s, &ids).await?;
        let active = occurrences::active_runs(s, tasks.iter(), &self.signals.ended).await?;
        let may_go_on = |one: &ActiveBackfill| match tasks.iter().find(|task| task.id == one.task_id) {
            Some(task) if one.has_waiting => {
                let active = active.get(&task.id).copied().unwrap_or_default();
                free_slots(&task.policy, one.concurrency, one.unfinished, active) > 0
            }
            _ => true,
        };
        Ok(found.iter().any(may_go_on))
    }

    /// Starts the next runs of backfills. Returns the new executions; all of them wait in their queues.
    pub(super) async fn start_backfills(&self, tx: &mut Tx, now: DateTime<Utc>) -> Result<Vec<NewExecution>> {
        let mut started = Vec::new();
        let found = backfill::startable(tx, BATCH).await?;
        let locked = backfill::lock(tx, &found.iter().map(|one| one.id.clone()).collect::<Vec<_>>()).await?;
        for one in backfill::startable(tx, BATCH).await?.iter().filter(|one| locked.contains(&one.id)) {
            started.extend(self.start_backfill(tx, one, now).await?);
        }
        Ok(started)
    }

    async fn start_backfill(&self, tx: &mut Tx, one: &ActiveBackfill, now: DateTime<Utc>) -> Result<Vec<NewExecution>> {
        if !one.has_waiting {
            self.end_backfill(tx, one, false, now).await?;
            return Ok(Vec::new());
        }
        // A task that another node has locked is looked at again.
        if plan::lock(tx, std::slice::from_ref(&one.task_id)).await?.is_empty() {
            if task::get(tx, &one.task_id).await?.is_none() {
                self.end_backfill(tx, one, true, now).await?;
            }
            return Ok(Vec::new());
        }
        match task::get(tx, &one.task_id).await?.filter(|task| task.key == one.task_key) {
            Some(task) => self.start_runs(tx, one, &task, now).await,
            None => {
                self.end_backfill(tx, one, true, now).await?;
                Ok(Vec::new())
            }
        }
    }

    async fn start_runs(&self, tx: &mut Tx, one: &ActiveBackfill, task: &Task, now: DateTime<Utc>) -> Result<Vec<NewExecution>> {
        let active = occurrences::active_runs(tx, std::iter::once(task), &self.signals.ended).await?;
        let active = active.get(&task.id).copied().unwrap_or_default();
        let free = free_slots(&task.policy, one.concurrency, one.unfinished, active);
        if free == 0 {
            return Ok(Vec::new());
        }
        let times = backfill::next(tx, &one.id, free).await?;
        let Some(last) = times.last().copied() else { return Ok(Vec::new()) };
        let run = |at: &DateTime<Utc>| NewExecution {
            requested_by: Some(one.actor.clone()),
            ..NewExecution::new(task, Cause::Backfill, *at, now)
        };
        let new: Vec<NewExecution> = times.iter().map(run).collect();
        execution::insert(tx, &new, now).await?;
        let runs: Vec<_> = new.iter().map(|run| (run.scheduled_at, run.id.as_str())).collect();
        backfill::started(tx, &one.id, &runs, last).await?;
        Ok(new)
    }

    async fn end_backfill(&self, tx: &mut Tx, one: &ActiveBackfill, cancelled: bool, now: DateTime<Utc>) -> Result<()> {
        backfill::finish(tx, &one.id, cancelled, now).await?;
        tracing::info!(backfill.id = one.id, task.id = one.task_id, cancelled, "backfill ended");
        let change = TaskChange::Updated;
        self.events.publish(vec![Event::Task { id: one.task_id.clone(), change }]);
        Ok(())
    }
}
