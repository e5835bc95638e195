//! The planner: turns due tasks, due retries and waiting runs into executions that workers take. In one transaction the due
//! tasks are locked, `domain` decides their occurrences, and the executions and the next scheduled times are written. The number
//! of statements does not depend on the number of due tasks. Rules are compiled before the transaction, so that it is short.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::ahead::{Horizon, PlanAhead};
use super::calendars::CalendarCache;
use super::occurrences::{self, Recorded};
use super::pauses;
use super::refused::RefusedTasks;
use super::rules::{CompiledRules, CompiledTask};
use crate::clock::SharedClock;
use crate::domain::decision::{DecisionTime, DueTask};
use crate::domain::job::Job;
use crate::domain::task::Task;
use crate::events::EventBus;
use crate::notify::incidents;
use crate::signals::{Signals, Starts};
use crate::storage::execution::NewExecution;
use crate::storage::plan::{self, Advance, DueRow, NextDue};
use crate::storage::unchanged::Unchanged;
use crate::storage::{Database, Result, Session, Tx, overlap, pause, task};

/// Tasks and retries taken in one transaction.
pub(super) const BATCH: i64 = 1000;

/// Plans executions; clones share the same state.
#[derive(Clone)]
pub struct Planner {
    pub database: Database,
    pub clock: SharedClock,
    pub events: EventBus,
    pub signals: Signals,
    /// The time zone of triggers without one.
    pub zone: Tz,
    /// When this scheduler started: occurrences scheduled before are catch-ups.
    pub since: DateTime<Utc>,
    /// How long before its time an occurrence may be planned.
    pub ahead: PlanAhead,
    pub state: PlannerState,
}

/// What the planner keeps between its passes; clones share it.
#[derive(Debug, Clone, Default)]
pub struct PlannerState {
    rules: CompiledRules,
    pub(super) calendars: CalendarCache,
    /// By how many milliseconds the clock was set back since the start.
    set_back_ms: Arc<AtomicI64>,
    horizon: Horizon,
    pub(super) refused: RefusedTasks,
    next_due: Arc<Unchanged<NextDue>>,
}

impl PlannerState {
    pub(super) fn set_back(&self, by: TimeDelta) {
        self.set_back_ms.fetch_add(by.num_milliseconds(), Ordering::Relaxed);
    }

    fn set_back_by(&self) -> TimeDelta {
        TimeDelta::milliseconds(self.set_back_ms.load(Ordering::Relaxed))
    }
}

/// How much one call planned.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// Due tasks that advanced to their next run.
    pub tasks: usize,
    /// Executions inserted, skipped and missed ones included.
    pub executions: usize,
    /// Executions that workers may take: new ones, retries, and those that waited for another run.
    pub queued: usize,
    /// When something is to be planned next, as read before; it may be in the past.
    pub next_pass: Option<DateTime<Utc>>,
}

impl Planned {
    /// Whether anything was due and taken.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.tasks == 0 && self.queued == 0
    }
}

impl Planner {
    /// Plans at most one batch of what is due at `now`. On an error nothing is changed.
    pub async fn run_once(&self, now: DateTime<Utc>) -> Result<Planned> {
        let next = self.state.next_due.get(&self.database, self.read_next_due()).await?;
        self.signals.backfills.store(next.backfills, Ordering::Relaxed);
        let horizon = self.state.horizon.of_pass(self.ahead, now, next.task);
        let tasks_due = next.task.is_some_and(|at| at <= horizon);
        let retries_due = next.retry.is_some_and(|at| at <= now);
        let pauses_due = next.pause.is_some_and(|at| at <= now);
        let next_task = next.task.map(|at| self.state.horizon.next_pass(self.ahead, now, at));
        let mut planned = Planned { next_pass: NextDue { task: next_task, ..next }.earliest(), ..Planned::default() };
        if !tasks_due && !retries_due && !pauses_due && !next.waiting && !next.backfills {
            return Ok(planned);
        }
        let mut reader = self.database.read_engine().await?;
        let releases = next.waiting && !self.releasable(&mut reader).await?.is_empty();
        let backfills = next.backfills && self.has_startable_backfills(&mut reader).await?;
        let mut tasks_due = tasks_due;
        if tasks_due {
            let rows = plan::due_rows(&mut reader, horizon, &self.state.refused.at(now), BATCH).await?;
            self.state.rules.get(&mut reader, &rows, self.zone, &self.state.calendars).await?;
            tasks_due = !rows.is_empty();
        }
        if !tasks_due && !retries_due && !pauses_due && !releases && !backfills {
            return Ok(planned);
        }
        drop(reader);
        let mut starts = self.signals.jobs.starts();
        let mut tx = self.database.write().await?;
        let paused = if pauses_due { self.record_pauses(&mut tx, now).await? } else { Recorded::default() };
        // A pause may have ended just now.
        let tasks_due = tasks_due || pauses_due;
        let (mut recorded, jobs) =
            if tasks_due { self.plan_due(&mut tx, (now, horizon), BATCH, &mut starts).await? } else { Default::default() };
        let mut queues = if retries_due { plan::take_due_retries(&mut tx, now, BATCH).await? } else { Vec::new() };
        if releases {
            queues.extend(self.release(&mut tx).await?);
        }
        let started = if backfills { self.start_backfills(&mut tx, now).await? } else { Vec::new() };
        tx.commit().await?;
        recorded.add(paused);
        recorded.executions.extend(started);
        starts.hand_over(jobs);
        recorded.announce(&self.signals, &self.events);
        if !queues.is_empty() {
            self.signals.jobs.queued(queues.iter().map(String::as_str));
        }
        planned.tasks = recorded.next.len();
        planned.executions = recorded.executions.len();
        planned.queued = recorded.queued().count() + queues.len();
        Ok(planned)
    }

    async fn read_next_due(&self) -> Result<NextDue> {
        plan::next_due(&mut self.database.read_engine().await?).await
    }

    /// Records what fell into pauses, and ends those whose end has come.
    async fn record_pauses(&self, tx: &mut Tx, now: DateTime<Utc>) -> Result<Recorded> {
        let mut tasks = pause::take_due(tx, now, BATCH).await?;
        pauses::record(tx, &mut tasks, (self.zone, &self.state.calendars), now, false).await
    }

    /// Decides what is due at `now`, and what may be planned ahead up to the horizon, of at most `limit` tasks, and moves the tasks on.
    /// Returns the jobs for which free workers of this node were reserved.
    pub(super) async fn plan_due(
        &self,
        tx: &mut Tx,
        (now, horizon): (DateTime<Utc>, DateTime<Utc>),
        limit: i64,
        starts: &mut Starts,
    ) -> Result<(Recorded, Vec<Job>)> {
        let rows = plan::take_due(tx, horizon, &self.state.refused.at(now), limit).await?;
        let compiled = self.state.rules.get(tx, &rows, self.zone, &self.state.calendars).await?;
        let pairs: Vec<(&DueRow, &CompiledTask)> =
            rows.iter().zip(&compiled).filter_map(|(row, one)| one.as_deref().map(|one| (row, one))).collect();
        let invalid = pairs.iter().filter(|(_, one)| one.schedule.is_none());
        plan::advance(tx, &invalid.map(|(row, _)| Advance::never(&row.task_id)).collect::<Vec<_>>()).await?;
        let due: Vec<DueTask<'_>> = pairs.iter().filter_map(|(row, one)| one.due(row)).collect();
        let at = DecisionTime { now, since: self.since - self.state.set_back_by() };
        let mut reserve = |new: &NewExecution| match new.scheduled_at > now {
            true => starts.reserve_ahead(&new.id, &new.queue),
            false => starts.reserve(&new.id, &new.queue),
        };
        let mut recorded = occurrences::record(tx, &due, at, &self.signals.ended, &mut reserve).await?;
        let at = incidents::DecisionTime { now, zone: self.zone };
        recorded.notifies = incidents::record_new(tx, &recorded.executions, at).await?;
        let tasks: HashMap<&str, &Task> = due.iter().map(|one| (one.task.id.as_str(), one.task)).collect();
        let held = recorded.executions.iter().filter(|new| new.holder.is_some());
        let jobs = held.filter_map(|new| Some(new.job(tasks.get(new.task_id.as_str())?)));
        let jobs = jobs.collect();
        Ok((recorded, jobs))
    }

    /// The tasks whose waiting runs may start, with how many.
    async fn releasable(&self, s: &mut dyn Session) -> Result<Vec<(Task, i64)>> {
        let waiting = overlap::waiting(s).await?;
        let tasks = task::many(s, &waiting.into_keys().collect::<Vec<_>>()).await?;
        let active = occurrences::active_runs(s, tasks.iter(), &self.signals.ended).await?;
        let free = |task: Task| {
            let count = task.policy.releasable(active.get(&task.id).copied().unwrap_or_default());
            (count > 0).then_some((task, count))
        };
        Ok(tasks.into_iter().filter_map(free).collect())
    }

    /// Lets waiting runs start where an earlier run has ended. Returns their queues.
    async fn release(&self, tx: &mut Tx) -> Result<Vec<String>> {
        let waiting: Vec<String> = overlap::waiting(tx).await?.into_keys().collect();
        let locked = plan::lock(tx, &waiting).await?;
        let mut queues = Vec::new();
        for (task, count) in self.releasable(tx).await?.into_iter().filter(|(task, _)| locked.contains(&task.id)) {
            overlap::release(tx, &task.id, count).await?;
            queues.push(task.policy.queue);
        }
        Ok(queues)
    }
}
