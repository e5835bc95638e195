//! Settlement: records what fell due before a change of tasks, under the rule and the policy before the change, in the
//! transaction of the change.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::ahead::PlanAhead;
use super::calendars::CalendarCache;
use super::occurrences::{self, Recorded};
use super::pauses;
use crate::domain::calendar::CalendarSet;
use crate::domain::decision::{Decision, DecisionTime, DueTask, Firing, FiringOutcome, Occurrence};
use crate::domain::overlap::ActiveRuns;
use crate::domain::schedule::Schedule;
use crate::domain::task::Task;
use crate::events::EventBus;
use crate::i18n::message;
use crate::notify::incidents;
use crate::signals::Signals;
use crate::storage::{Result, Tx, overlap};

/// Settles tasks before they change; clones are cheap.
#[derive(Clone)]
pub struct Settlement {
    /// The time zone of triggers without one.
    pub zone: Tz,
    /// When this process started: occurrences scheduled before are catch-ups.
    pub since: DateTime<Utc>,
    pub calendars: CalendarCache,
    pub signals: Signals,
    pub events: EventBus,
}

impl Settlement {
    /// Records the due occurrences of tasks that the transaction has locked, and moves the tasks on to their next firings. If
    /// [`Recorded::more`] is true, the caller commits and settles again.
    pub async fn settle(&self, tx: &mut Tx, tasks: &mut [Task], now: DateTime<Utc>) -> Result<Recorded> {
        let paused = pauses::record(tx, tasks, (self.zone, &self.calendars), now, true).await?;
        if paused.more {
            return Ok(paused);
        }
        let is_due = tasks.iter().any(|task| task.next_run_at.is_some_and(|at| at <= now));
        let calendars = if is_due { self.calendars.current(tx).await? } else { Arc::default() };
        let rules: Vec<Option<(Schedule, Firing)>> = tasks.iter().map(|task| self.due_schedule(task, &calendars, now)).collect();
        let due: Vec<DueTask<'_>> = tasks
            .iter()
            .zip(&rules)
            .filter_map(|(task, due)| due.as_ref().map(|(schedule, next)| DueTask { task, schedule, next: Some(*next) }))
            .collect();
        let at = DecisionTime { now, since: self.since };
        let mut recorded = occurrences::record(tx, &due, at, &self.signals.ended, &mut |_| None).await?;
        recorded.notifies = self.record_incidents(tx, &recorded, now).await?;
        let mut next = recorded.next.iter();
        for (task, _) in tasks.iter_mut().zip(&rules).filter(|(_, due)| due.is_some()) {
            let firing = next.next().and_then(|(_, firing)| *firing);
            (task.next_run_at, task.next_rule_at) = firing.map(|firing| (firing.run_at, firing.rule_at)).unzip();
        }
        recorded.add(paused);
        Ok(recorded)
    }

    /// The time from which a change of tasks that the transaction has locked applies: after what was planned ahead of them.
    pub async fn change_time(&self, tx: &mut Tx, tasks: &[Task], now: DateTime<Utc>) -> Result<DateTime<Utc>> {
        let ids: Vec<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
        let Some(latest) = overlap::planned_ahead(tx, &ids, now, now + PlanAhead::STANDARD.most).await? else { return Ok(now) };
        let at = latest + TimeDelta::milliseconds(1);
        // What else becomes due until then must not begin before its time.
        if tasks.iter().any(|task| task.next_run_at.is_some_and(|next| now < next && next <= at)) {
            tokio::time::sleep((at - now).to_std().unwrap_or_default()).await;
        }
        Ok(at)
    }

    /// Records dates that had passed when their tasks were saved as missed.
    pub async fn record_passed(&self, tx: &mut Tx, passed: &[(&Task, DateTime<Utc>)], now: DateTime<Utc>) -> Result<Recorded> {
        let outcome = || FiringOutcome::Missed(message!("firing.past_when_saved"));
        let missed = |scheduled_at| Occurrence { scheduled_at, outcome: outcome(), detail: None };
        let decided =
            passed.iter().map(|(task, at)| (*task, Decision { occurrences: vec![missed(*at)], next: None, cancelled: 0 }));
        let at = DecisionTime { now, since: self.since };
        let mut recorded = occurrences::record_decisions(tx, decided.collect(), at, &mut |_| None).await?;
        recorded.notifies = self.record_incidents(tx, &recorded, now).await?;
        Ok(recorded)
    }

    /// Opens incidents for what was missed or skipped, but not for what a pause left out. Returns whether notifications were queued.
    async fn record_incidents(&self, tx: &mut Tx, recorded: &Recorded, now: DateTime<Utc>) -> Result<bool> {
        let at = incidents::DecisionTime { now, zone: self.zone };
        incidents::record_new(tx, &recorded.executions, at).await
    }

    /// The unfinished runs of a locked task.
    pub async fn active_runs(&self, tx: &mut Tx, task: &Task) -> Result<ActiveRuns> {
        let active = occurrences::active_runs(tx, std::iter::once(task), &self.signals.ended).await?;
        Ok(active.get(&task.id).copied().unwrap_or_default())
    }

    /// Wakes the workers and publishes events, after the commit.
    pub fn announce(&self, recorded: &Recorded) {
        recorded.announce(&self.signals, &self.events);
    }

    /// The schedule of a due task, with its next firing. A task whose stored trigger is invalid has none.
    fn due_schedule(&self, task: &Task, calendars: &CalendarSet, now: DateTime<Utc>) -> Option<(Schedule, Firing)> {
        let (run_at, rule_at) = task.next_run_at.zip(task.next_rule_at).filter(|(run_at, _)| *run_at <= now)?;
        Some((task.schedule(self.zone, calendars).ok()?, Firing { rule_at, run_at }))
    }
}
