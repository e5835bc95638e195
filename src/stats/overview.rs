//! The overview: counts, outcomes of the last day by hour, and the firings around now. Every query reads a bounded number of
//! rows from an index, independent of the log's size.

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;

use super::counts::{QUARTER_MS, success_rate};
use super::likely_cause::{FailureGroup, LikelyCause, by_cause, likely_cause};
use super::percentiles::{median, median_duration};
use super::timeline::{HOURS, PlannedSlot, Slot, TIMELINE_SPAN, TIMELINE_STEP, planned, slots, start_of_day, start_of_hour};
use crate::domain::calendar::CalendarSet;
use crate::domain::execution::{Execution, Status};
use crate::domain::page::{ExecutionFilter, PageRequest};
use crate::domain::queue::QueueSettings;
use crate::domain::stats::{ActiveRuns, DueTask, Outcome, SlowTask, TaskCounts};
use crate::domain::tag_scope::TagScope;
use crate::storage::{Reader, Result, execution_list, queue_setting, recent_runs, stats, tag_scope_stats};

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

/// The state of the server at one moment, for the tasks in the actor's scope.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    pub now: DateTime<Utc>,
    pub tasks: TaskCounts,
    /// Running and queued executions; lower bounds if `active_is_exact` is false.
    pub running: i64,
    pub queued: i64,
    pub active_is_exact: bool,
    /// Runs that began today in the server's time zone and have ended, and the failed ones of them.
    pub ran_today: i64,
    pub failed_today: i64,
    pub today: DateTime<Utc>,
    /// Succeeded / (succeeded + failed) of the last 24 hours, 0 to 1.
    pub success_rate: Option<f64>,
    /// Over the newest runs of the last 24 hours, in milliseconds.
    pub median_lateness_ms: Option<i64>,
    /// One slot per hour, oldest first; the last is the current hour.
    pub hours: Vec<Slot>,
    /// Runs that began within [`TIMELINE_SPAN`] before now, and firings planned within it after now, in slots of
    /// [`TIMELINE_STEP`].
    pub past: Vec<Slot>,
    pub planned: Vec<PlannedSlot>,
    /// True: the timeline leaves out some of the planned firings, because there are too many.
    pub planned_more: bool,
    pub due_next: Vec<DueTask>,
    /// The newest failures by cause.
    pub failures: Vec<FailureGroup>,
    /// The error that several of the failures share, if any.
    pub cause: Option<LikelyCause>,
    pub current: Vec<RunningExecution>,
    /// The tasks whose last run took longest, if it took a second or more.
    pub slowest: Vec<SlowTask>,
    /// The active executions by queue, and what is set for queues.
    pub active: Vec<ActiveRuns>,
    pub queue_settings: QueueSettings,
    /// Tasks whose next firing has passed without being processed.
    pub overdue: Vec<DueTask>,
    /// Missed occurrences of the last 24 hours.
    pub missed: Vec<Execution>,
}

/// A running execution, and the median duration of its task's runs in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct RunningExecution {
    pub execution: Execution,
    pub median_ms: Option<i64>,
}

/// The overview of the tasks in scope at `now`. Hours and days are those of `zone`.
pub async fn load(
    reader: &mut Reader,
    scope: &TagScope,
    now: DateTime<Utc>,
    zone: Tz,
    calendars: &CalendarSet,
) -> Result<Overview> {
    let day = start_of_hour(now, zone) - Duration::hours(HOURS as i64 - 1);
    let today = start_of_day(now, zone);
    let end = now + Duration::minutes(1);
    let quarters = tag_scope_stats::outcomes(reader, scope, day.min(today), end, QUARTER_MS).await?;
    let hours = slots(day, Duration::hours(1), HOURS, &quarters);
    let (ran_today, failed_today) = since(&quarters, today);
    let active = stats::active_by_queue(reader, scope, COUNT_LIMIT).await?;
    let failures = latest(reader, scope, Status::ALL.into_iter().filter(|s| s.is_failure()).collect(), CAUSE_SAMPLE).await?;
    let cause = likely_cause(&failures);
    let mut groups = by_cause(&failures);
    groups.truncate(LIST_LIMIT as usize);
    let timeline = load_timeline(reader, scope, now, zone, calendars).await?;
    Ok(Overview {
        now,
        tasks: stats::tasks(reader, scope).await?,
        running: count(&active, Status::Running),
        queued: count(&active, Status::Queued),
        active_is_exact: active.iter().map(|one| one.runs).sum::<i64>() < COUNT_LIMIT,
        ran_today,
        failed_today,
        today,
        success_rate: success_rate(&by_status(&hours)),
        median_lateness_ms: median_lateness(reader, scope, now).await?,
        hours,
        past: timeline.past,
        planned: timeline.planned,
        planned_more: timeline.more,
        due_next: stats::due_next(reader, scope, i64::from(LIST_LIMIT)).await?,
        failures: groups,
        cause,
        current: current(reader, scope).await?,
        slowest: stats::slowest(reader, scope, i64::from(LIST_LIMIT)).await?,
        queue_settings: queue_setting::all(reader).await?,
        active,
        overdue: stats::overdue(reader, scope, now - OVERDUE_AFTER, i64::from(LIST_LIMIT)).await?,
        missed: missed(reader, scope, now).await?,
    })
}

async fn load_timeline(
    reader: &mut Reader,
    scope: &TagScope,
    now: DateTime<Utc>,
    zone: Tz,
    calendars: &CalendarSet,
) -> Result<Timeline> {
    let steps = (TIMELINE_SPAN.num_seconds() / TIMELINE_STEP.num_seconds()) as usize;
    let minute = DateTime::from_timestamp(now.timestamp().div_euclid(60) * 60, 0).unwrap_or(now);
    // The current minute belongs to the past part of the timeline.
    let first = minute + Duration::minutes(1) - TIMELINE_SPAN;
    let minutes = tag_scope_stats::outcomes(reader, scope, first, now + Duration::minutes(1), 60_000).await?;
    let tasks = tag_scope_stats::due(reader, scope, now + TIMELINE_SPAN, TIMELINE_TASKS).await?;
    let (planned, more) = planned(minute, steps, &tasks, calendars, zone);
    Ok(Timeline {
        past: slots(first, TIMELINE_STEP, steps, &minutes),
        planned,
        more: more || tasks.len() as i64 == TIMELINE_TASKS,
    })
}

struct Timeline {
    past: Vec<Slot>,
    planned: Vec<PlannedSlot>,
    more: bool,
}

fn since(outcomes: &[Outcome], from: DateTime<Utc>) -> (i64, i64) {
    let today = outcomes.iter().filter(|outcome| outcome.at >= from);
    today.fold((0, 0), |(ran, failed), o| (ran + o.runs, failed + if o.status.is_failure() { o.runs } else { 0 }))
}

fn by_status(hours: &[Slot]) -> Vec<(Status, i64)> {
    hours.iter().flat_map(|hour| hour.outcomes.iter().copied()).collect()
}

fn count(active: &[ActiveRuns], status: Status) -> i64 {
    active.iter().filter(|one| one.status == status).map(|one| one.runs).sum()
}

async fn latest(reader: &mut Reader, scope: &TagScope, statuses: Vec<Status>, size: u32) -> Result<Vec<Execution>> {
    let filter = ExecutionFilter { statuses, scope: scope.clone(), ..ExecutionFilter::default() };
    execution_list::newest(reader, &filter, &PageRequest { size, cursor: None }).await
}

async fn median_lateness(reader: &mut Reader, scope: &TagScope, now: DateTime<Utc>) -> Result<Option<i64>> {
    let runs = tag_scope_stats::runs(reader, scope, now - Duration::days(1), LATENESS_SAMPLE).await?;
    Ok(median(runs.into_iter().map(|(_, lateness)| lateness).collect()))
}

async fn current(reader: &mut Reader, scope: &TagScope) -> Result<Vec<RunningExecution>> {
    let running = latest(reader, scope, vec![Status::Running], LIST_LIMIT).await?;
    let ids: Vec<&str> = running.iter().map(|execution| execution.task_id.as_str()).collect();
    let runs = recent_runs::for_tasks(reader, &ids, DURATION_SAMPLE).await?;
    let median = |task_id: &str| runs.get(task_id).and_then(median_duration);
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
