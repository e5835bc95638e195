//! An execution as answers show it: short in lists, with output, result and attempts by itself.

use std::collections::HashMap;

use chrono_tz::Tz;
use poem_openapi::Object;

use super::instant;
use super::named::{CauseWord, Instant, Params, RunResult, StatusWord};
use crate::domain::execution::{Attempt, Execution, ExecutionDetail, OutputChunk};
use crate::domain::page::Page;

/// One run of a task, for one scheduled instant or one request.
#[derive(Default, Object)]
#[oai(rename = "Execution", read_only_all)]
pub struct ExecutionView {
    /// A ULID; ids sort by the time at which executions were queued.
    id: String,
    task_id: String,
    task_type: String,
    /// The version of the task that it ran.
    task_version: Option<i64>,
    /// The task's rule in one line, as it was then.
    schedule_text: String,
    params: Params,
    cause: CauseWord,
    /// The instant for which it was due.
    scheduled_at: Instant,
    queued_at: Instant,
    /// Start of the latest attempt.
    started_at: Option<Instant>,
    /// End of the latest attempt.
    finished_at: Option<Instant>,
    /// How long after `scheduled_at` the first attempt started, in milliseconds.
    lateness_ms: Option<i64>,
    /// How long the latest attempt took, in milliseconds.
    duration_ms: Option<i64>,
    /// The number of the latest attempt, from 1.
    attempt: i64,
    status: StatusWord,
    /// When the next attempt is due, while waiting for it.
    retry_at: Option<Instant>,
    /// What went wrong, or why it was skipped or missed.
    error: Option<String>,
    /// The name of the node that ran it.
    node: Option<String>,
    /// Who asked for it, where somebody did.
    requested_by: Option<String>,
    /// The execution whose end started this one.
    started_by: Option<String>,
}

/// An execution with its output, result and attempts.
#[derive(Default, Object)]
#[oai(rename = "ExecutionDetail", read_only_all)]
pub struct ExecutionDetailView {
    /// A ULID; ids sort by the time at which executions were queued.
    id: String,
    task_id: String,
    task_type: String,
    /// The version of the task that it ran.
    task_version: Option<i64>,
    /// The task's rule in one line, as it was then.
    schedule_text: String,
    params: Params,
    cause: CauseWord,
    /// The instant for which it was due.
    scheduled_at: Instant,
    queued_at: Instant,
    /// Start of the latest attempt.
    started_at: Option<Instant>,
    /// End of the latest attempt.
    finished_at: Option<Instant>,
    /// How long after `scheduled_at` the first attempt started, in milliseconds.
    lateness_ms: Option<i64>,
    /// How long the latest attempt took, in milliseconds.
    duration_ms: Option<i64>,
    /// The number of the latest attempt, from 1.
    attempt: i64,
    status: StatusWord,
    /// When the next attempt is due, while waiting for it.
    retry_at: Option<Instant>,
    /// What went wrong, or why it was skipped or missed.
    error: Option<String>,
    /// The name of the node that ran it.
    node: Option<String>,
    /// Who asked for it, where somebody did.
    requested_by: Option<String>,
    /// The execution whose end started this one.
    started_by: Option<String>,
    /// What all attempts wrote, both streams in the order of writing.
    output: String,
    /// The parameters with their templates filled in and secrets hidden; null where they had no templates.
    filled_params: Option<Params>,
    /// The executions that its end started, oldest first.
    started: Vec<StartedView>,
    /// What the latest attempt gave; null where there is nothing.
    result: Option<RunResult>,
    /// Every attempt, oldest first.
    attempts: Vec<AttemptView>,
}

/// An execution that the end of another one started.
#[derive(Default, Object)]
#[oai(rename = "StartedExecution", read_only_all)]
pub struct StartedView {
    id: String,
    task_id: String,
    status: StatusWord,
}

/// One try within an execution.
#[derive(Default, Object)]
#[oai(rename = "Attempt", read_only_all)]
pub struct AttemptView {
    /// From 1.
    attempt: i64,
    status: StatusWord,
    started_at: Option<Instant>,
    finished_at: Option<Instant>,
    duration_ms: Option<i64>,
    error: Option<String>,
    /// The name of the node that ran it.
    node: Option<String>,
}

/// One page of executions, newest first.
#[derive(Default, Object)]
#[oai(read_only_all)]
pub struct ExecutionList {
    items: Vec<ExecutionView>,
    /// `cursor` of the next page; null on the last one.
    next_cursor: Option<String>,
    /// `cursor` of the page before; null on the first one.
    prev_cursor: Option<String>,
    /// How many executions match.
    total: i64,
    /// Whether `total` is exact, or a lower bound.
    total_is_exact: bool,
}

impl ExecutionView {
    pub fn new(run: Execution, zone: Tz) -> Self {
        let at = |when| instant(when, zone);
        Self {
            id: run.id,
            task_id: run.task_id,
            task_type: run.task_type,
            task_version: run.task_version,
            schedule_text: run.schedule_text,
            params: Params(run.params),
            cause: CauseWord(run.cause.as_str()),
            scheduled_at: at(run.scheduled_at),
            queued_at: at(run.queued_at),
            started_at: run.started_at.map(at),
            finished_at: run.finished_at.map(at),
            lateness_ms: run.lateness_ms,
            duration_ms: run.duration_ms,
            attempt: run.attempt,
            status: StatusWord(run.status.as_str()),
            retry_at: run.retry_at.map(at),
            error: run.error,
            node: run.node,
            requested_by: run.requested_by,
            started_by: run.started_by,
        }
    }
}

impl ExecutionDetailView {
    pub fn new(detail: ExecutionDetail, zone: Tz) -> Self {
        let output = text_of(&detail.output, None);
        let short = ExecutionView::new(detail.execution, zone);
        Self {
            id: short.id,
            task_id: short.task_id,
            task_type: short.task_type,
            task_version: short.task_version,
            schedule_text: short.schedule_text,
            params: short.params,
            cause: short.cause,
            scheduled_at: short.scheduled_at,
            queued_at: short.queued_at,
            started_at: short.started_at,
            finished_at: short.finished_at,
            lateness_ms: short.lateness_ms,
            duration_ms: short.duration_ms,
            attempt: short.attempt,
            status: short.status,
            retry_at: short.retry_at,
            error: short.error,
            node: short.node,
            requested_by: short.requested_by,
            started_by: short.started_by,
            output,
            filled_params: detail.filled_params.map(Params),
            started: detail.started.into_iter().map(StartedView::from).collect(),
            result: detail.result.map(RunResult),
            attempts: detail.attempts.into_iter().map(|attempt| AttemptView::new(attempt, zone)).collect(),
        }
    }
}

impl From<Execution> for StartedView {
    fn from(run: Execution) -> Self {
        Self { id: run.id, task_id: run.task_id, status: StatusWord(run.status.as_str()) }
    }
}

impl AttemptView {
    fn new(attempt: Attempt, zone: Tz) -> Self {
        Self {
            attempt: attempt.attempt,
            status: StatusWord(attempt.status.as_str()),
            started_at: attempt.started_at.map(|at| instant(at, zone)),
            finished_at: attempt.finished_at.map(|at| instant(at, zone)),
            duration_ms: attempt.duration_ms,
            error: attempt.error,
            node: attempt.node,
        }
    }
}

impl ExecutionList {
    /// `zones`: of the tasks that still exist; the others' instants are in UTC.
    pub fn new(page: Page<Execution>, zones: &HashMap<String, Tz>) -> Self {
        let view = |run: Execution| {
            let zone = zones.get(&run.task_id).copied().unwrap_or(Tz::UTC);
            ExecutionView::new(run, zone)
        };
        Self {
            items: page.items.into_iter().map(view).collect(),
            next_cursor: page.next.map(|cursor| cursor.encode()),
            prev_cursor: page.previous.map(|cursor| cursor.encode()),
            total: page.total,
            total_is_exact: page.total_is_exact,
        }
    }
}

/// Output as one text: of one attempt, or of all.
pub fn text_of(chunks: &[OutputChunk], attempt: Option<i64>) -> String {
    let wanted = chunks.iter().filter(|chunk| attempt.is_none_or(|attempt| chunk.attempt == attempt));
    wanted.map(|chunk| chunk.text.as_str()).collect()
}
