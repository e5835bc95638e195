//! The overview page's data. Every query reads a bounded number of rows from an index, independent of the log's size.

use chrono::{DateTime, Duration, Utc};

use super::stats::{due_tasks, outcomes_between, run_timings, success_rate};
use super::{Result, Service, allow};
use crate::domain::execution::{Execution, Status};
use crate::domain::overview::{self, HOURS, Overview, RunningExecution, Slot, TIMELINE_SPAN, TIMELINE_STEP};
use crate::domain::page::{ExecutionFilter, PageRequest};
use crate::domain::permission::TagScope;
use crate::domain::stats::Outcome;
use crate::domain::user::{Action, Actor};
use crate::storage::{Reader, execution_list, recent_runs, stats};

/// Maximum rows per list.
const LIST_LIMIT: u32 = 8;
/// The number of newest failures that the likely cause is computed from.
const CAUSE_SAMPLE: u32 = 40;
/// The number of newest runs that the median lateness is computed from.
const LATENESS_SAMPLE: i64 = 1_000;
/// The maximum number of active executions counted.
const COUNT_LIMIT: i64 = 10_000;
/// The maximum number of tasks in the timeline.
const TIMELINE_TASKS: i64 = 200;
/// The number of newest runs that a task's median duration is computed from.
const DURATION_SAMPLE: i64 = 20;
/// A task is overdue when its firing has not been processed for this long.
const OVERDUE_AFTER: Duration = Duration::minutes(1);
/// The step of the counters: hours and days of every time zone begin at a quarter of an hour.
const QUARTER_MS: i64 = 900_000;

impl Service {
    /// The current overview of the tasks in the actor's scope.
    pub async fn overview(&self, actor: &Actor) -> Result<Overview> {
        allow(actor, Action::See)?;
        let (now, zone) = (self.clock().now(), self.zone());
        let mut reader = self.database().read().await?;
        let day = overview::start_of_hour(now, zone) - Duration::hours(HOURS as i64 - 1);
        let today = overview::start_of_day(now, zone);
        let end = now + Duration::minutes(1);
        let scope = &actor.scope;
        let quarters = outcomes_between(&mut reader, scope, (day.min(today), end), QUARTER_MS).await?;
        let hours = overview::slots(day, Duration::hours(1), HOURS, &quarters);
        let (ran_today, failed_today) = since(&quarters, today);
        let active = stats::active_up_to(&mut reader, scope, COUNT_LIMIT).await?;
        let mut failures =
            latest(&mut reader, scope, Status::ALL.into_iter().filter(|s| s.is_failure()).collect(), CAUSE_SAMPLE).await?;
        let cause = overview::likely_cause(&failures);
        failures.truncate(LIST_LIMIT as usize);
        let timeline = self.timeline(&mut reader, scope, now).await?;
        Ok(Overview {
            now,
            tasks: stats::tasks(&mut reader, scope).await?,
            running: count(&active, Status::Running),
            queued: count(&active, Status::Queued),
            active_is_exact: active.iter().map(|(_, n)| n).sum::<i64>() < COUNT_LIMIT,
            ran_today,
            failed_today,
            today,
            success_rate: success_rate(&by_status(&hours)),
            median_lateness_ms: median_lateness(&mut reader, scope, now).await?,
            hours,
            past: timeline.past,
            planned: timeline.planned,
            planned_more: timeline.more,
            due_next: stats::due_next(&mut reader, scope, i64::from(LIST_LIMIT)).await?,
            failures,
            cause,
            current: current(&mut reader, scope).await?,
            overdue: stats::overdue(&mut reader, scope, now - OVERDUE_AFTER, i64::from(LIST_LIMIT)).await?,
            missed: missed(&mut reader, scope, now).await?,
        })
    }

    async fn timeline(&self, reader: &mut Reader, scope: &TagScope, now: DateTime<Utc>) -> Result<Timeline> {
        let steps = (TIMELINE_SPAN.num_seconds() / TIMELINE_STEP.num_seconds()) as usize;
        let minute = DateTime::from_timestamp(now.timestamp().div_euclid(60) * 60, 0).unwrap_or(now);
        // The current minute belongs to the past part of the timeline.
        let first = minute + Duration::minutes(1) - TIMELINE_SPAN;
        let minutes = outcomes_between(reader, scope, (first, now + Duration::minutes(1)), 60_000).await?;
        let tasks = due_tasks(reader, scope, now + TIMELINE_SPAN, TIMELINE_TASKS).await?;
        let (planned, more) = overview::planned(minute, steps, &tasks, self.zone());
        Ok(Timeline {
            past: overview::slots(first, TIMELINE_STEP, steps, &minutes),
            planned,
            more: more || tasks.len() as i64 == TIMELINE_TASKS,
        })
    }
}

struct Timeline {
    past: Vec<Slot>,
    planned: Vec<overview::PlannedSlot>,
    more: bool,
}

fn since(outcomes: &[Outcome], from: DateTime<Utc>) -> (i64, i64) {
    let today = outcomes.iter().filter(|outcome| outcome.at >= from);
    today.fold((0, 0), |(ran, failed), o| (ran + o.runs, failed + if o.status.is_failure() { o.runs } else { 0 }))
}

fn by_status(hours: &[Slot]) -> Vec<(Status, i64)> {
    hours.iter().flat_map(|hour| hour.outcomes.iter().copied()).collect()
}

fn count(active: &[(Status, i64)], status: Status) -> i64 {
    active.iter().filter(|(found, _)| *found == status).map(|(_, n)| n).sum()
}

async fn latest(reader: &mut Reader, scope: &TagScope, statuses: Vec<Status>, size: u32) -> Result<Vec<Execution>> {
    let filter = ExecutionFilter { statuses, scope: scope.clone(), ..ExecutionFilter::default() };
    Ok(execution_list::newest(reader, &filter, &PageRequest { size, cursor: None }).await?)
}

async fn median_lateness(reader: &mut Reader, scope: &TagScope, now: DateTime<Utc>) -> Result<Option<i64>> {
    let runs = run_timings(reader, scope, now - Duration::days(1), LATENESS_SAMPLE).await?;
    let mut latenesses: Vec<i64> = runs.into_iter().map(|(_, lateness)| lateness).collect();
    latenesses.sort_unstable();
    Ok(latenesses.get(latenesses.len() / 2).copied())
}

async fn current(reader: &mut Reader, scope: &TagScope) -> Result<Vec<RunningExecution>> {
    let running = latest(reader, scope, vec![Status::Running], LIST_LIMIT).await?;
    let ids: Vec<&str> = running.iter().map(|execution| execution.task_id.as_str()).collect();
    let runs = recent_runs::for_tasks(reader, &ids, DURATION_SAMPLE).await?;
    let median = |task_id: &str| runs.get(task_id).and_then(overview::median_duration);
    Ok(running
        .iter()
        .map(|execution| RunningExecution { median_ms: median(&execution.task_id), execution: execution.clone() })
        .collect())
}

/// Missed occurrences of the last 24 hours.
async fn missed(reader: &mut Reader, scope: &TagScope, now: DateTime<Utc>) -> Result<Vec<Execution>> {
    let mut missed = latest(reader, scope, vec![Status::Missed], LIST_LIMIT).await?;
    missed.retain(|execution| execution.queued_at > now - Duration::days(1));
    Ok(missed)
}
