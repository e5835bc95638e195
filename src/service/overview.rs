//! How things stand. Every part reads a bounded number of rows from an index, however long the log is.

use chrono::{DateTime, Duration, Utc};

use super::figures::{due, ran, runs, success_rate};
use super::{Result, Service, allow};
use crate::domain::execution::{Execution, Status};
use crate::domain::overview::{self, Current, HOURS, Overview, REACH, STEP, Slot};
use crate::domain::page::{ExecutionFilter, PageRequest};
use crate::domain::permission::Reach;
use crate::domain::stats::Outcome;
use crate::domain::user::{Action, Actor};
use crate::storage::{Reader, execution_list, recent_runs, stats};

/// Rows of each list.
const SHOWN: u32 = 8;
/// Failures that the likely cause is read from.
const JUDGED: u32 = 40;
/// Newest runs that the median is taken from.
const SAMPLE: i64 = 1_000;
/// Active executions that are counted.
const COUNTED: i64 = 10_000;
/// Tasks whose firings the line shows.
const PLANNED: i64 = 200;
/// Runs by which a task's usual duration is judged.
const JUDGED_RUNS: i64 = 20;
/// A task is overdue when nothing has taken its firing for so long.
const PATIENCE: Duration = Duration::minutes(1);
/// Counters are read in steps of a quarter of an hour: no zone's hours and days begin in between.
const QUARTER_MS: i64 = 900_000;

impl Service {
    /// How things stand now, with the tasks within reach.
    ///
    /// # Errors
    /// [`super::Error::Forbidden`], [`super::Error::Internal`].
    pub async fn overview(&self, actor: &Actor) -> Result<Overview> {
        allow(actor, Action::See)?;
        let (now, zone) = (self.clock().now(), self.zone());
        let mut reader = self.database().read().await?;
        let day = overview::hour_of(now, zone) - Duration::hours(HOURS as i64 - 1);
        let today = overview::day_of(now, zone);
        let end = now + Duration::minutes(1);
        let reach = &actor.reach;
        let quarters = ran(&mut reader, reach, (day.min(today), end), QUARTER_MS).await?;
        let hours = overview::slots(day, Duration::hours(1), HOURS, &quarters);
        let (ran_today, failed_today) = since(&quarters, today);
        let active = stats::active_up_to(&mut reader, reach, COUNTED).await?;
        let mut failures =
            latest(&mut reader, reach, Status::ALL.into_iter().filter(|s| s.is_failure()).collect(), JUDGED).await?;
        let cause = overview::likely_cause(&failures);
        failures.truncate(SHOWN as usize);
        let line = self.line(&mut reader, reach, now).await?;
        Ok(Overview {
            now,
            tasks: stats::tasks(&mut reader, reach).await?,
            running: count(&active, Status::Running),
            queued: count(&active, Status::Queued),
            active_is_exact: active.iter().map(|(_, n)| n).sum::<i64>() < COUNTED,
            ran_today,
            failed_today,
            today,
            success_rate: success_rate(&by_status(&hours)),
            median_lateness_ms: median_lateness(&mut reader, reach, now).await?,
            hours,
            past: line.past,
            planned: line.planned,
            planned_more: line.more,
            due_next: stats::due_next(&mut reader, reach, i64::from(SHOWN)).await?,
            failures,
            cause,
            current: current(&mut reader, reach).await?,
            overdue: stats::overdue(&mut reader, reach, now - PATIENCE, i64::from(SHOWN)).await?,
            missed: missed(&mut reader, reach, now).await?,
        })
    }

    async fn line(&self, reader: &mut Reader, reach: &Reach, now: DateTime<Utc>) -> Result<Line> {
        let steps = (REACH.num_seconds() / STEP.num_seconds()) as usize;
        let minute = DateTime::from_timestamp(now.timestamp().div_euclid(60) * 60, 0).unwrap_or(now);
        // The minute that goes on belongs to the past, so that the line's past ends behind it.
        let first = minute + Duration::minutes(1) - REACH;
        let minutes = ran(reader, reach, (first, now + Duration::minutes(1)), 60_000).await?;
        let tasks = due(reader, reach, now + REACH, PLANNED).await?;
        let (planned, more) = overview::planned(minute, steps, &tasks, self.zone());
        Ok(Line { past: overview::slots(first, STEP, steps, &minutes), planned, more: more || tasks.len() as i64 == PLANNED })
    }
}

struct Line {
    past: Vec<Slot>,
    planned: Vec<overview::Planned>,
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

async fn latest(reader: &mut Reader, reach: &Reach, statuses: Vec<Status>, size: u32) -> Result<Vec<Execution>> {
    let filter = ExecutionFilter { statuses, reach: reach.clone(), ..ExecutionFilter::default() };
    Ok(execution_list::newest(reader, &filter, &PageRequest { size, cursor: None }).await?)
}

async fn median_lateness(reader: &mut Reader, reach: &Reach, now: DateTime<Utc>) -> Result<Option<i64>> {
    let runs = runs(reader, reach, now - Duration::days(1), SAMPLE).await?;
    let mut latenesses: Vec<i64> = runs.into_iter().map(|(_, lateness)| lateness).collect();
    latenesses.sort_unstable();
    Ok(latenesses.get(latenesses.len() / 2).copied())
}

async fn current(reader: &mut Reader, reach: &Reach) -> Result<Vec<Current>> {
    let running = latest(reader, reach, vec![Status::Running], SHOWN).await?;
    let ids: Vec<&str> = running.iter().map(|execution| execution.task_id.as_str()).collect();
    let runs = recent_runs::of_tasks(reader, &ids, JUDGED_RUNS).await?;
    let usual = |task_id: &str| runs.get(task_id).and_then(overview::usual_duration);
    Ok(running.iter().map(|execution| Current { usual_ms: usual(&execution.task_id), execution: execution.clone() }).collect())
}

/// Firings of the last day that nothing ran in time.
async fn missed(reader: &mut Reader, reach: &Reach, now: DateTime<Utc>) -> Result<Vec<Execution>> {
    let mut missed = latest(reader, reach, vec![Status::Missed], SHOWN).await?;
    missed.retain(|execution| execution.queued_at > now - Duration::days(1));
    Ok(missed)
}
