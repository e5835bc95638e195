//! Response models of executions: a short form for lists, and a full one with output, result and attempts.

use std::collections::HashMap;

use chrono_tz::Tz;
use poem_openapi::Object;
use serde::Serialize;

use super::named::{CauseWord, Params, RunResult, StatusWord, Timestamp};
use super::{PageInfo, split_page, timestamp};
use crate::domain::execution::{Attempt, Execution, ExecutionDetail, OutputChunk};
use crate::domain::page::Page;
use crate::domain::run_data::HookCall;
use crate::domain::schedule::Origin;

/// One run of a task, for one scheduled time or one request.
#[derive(Default, Object, Serialize)]
#[oai(rename = "Execution", read_only_all)]
pub struct ExecutionView {
    /// A ULID; ids sort by the time at which executions were queued.
    id: String,
    task_id: String,
    task_type: String,
    /// The version of the task that was run.
    task_version: Option<i64>,
    /// The task's schedule in one line, at that time.
    schedule_text: String,
    params: Params,
    cause: CauseWord,
    /// The scheduled time.
    scheduled_at: Timestamp,
    queued_at: Timestamp,
    /// Start of the latest attempt.
    started_at: Option<Timestamp>,
    /// End of the latest attempt.
    finished_at: Option<Timestamp>,
    /// How long after `scheduled_at` the first attempt started, in milliseconds.
    lateness_ms: Option<i64>,
    /// How long the latest attempt took, in milliseconds.
    duration_ms: Option<i64>,
    /// The number of the latest attempt, from 1.
    attempt: i64,
    status: StatusWord,
    /// When the next attempt is due, while waiting for it.
    retry_at: Option<Timestamp>,
    /// Whether it waits for an earlier run of its task to end (`policy.on_overlap`).
    waits: bool,
    /// Why it failed, was skipped or missed.
    error: Option<String>,
    /// The name of the node that ran it.
    node: Option<String>,
    /// Who requested it; null for scheduled runs.
    requested_by: Option<String>,
    /// The execution whose end started this one.
    started_by: Option<String>,
    /// The rule and the calendars behind it; left out if there is nothing beyond the task itself.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<OriginView>,
}

/// The rule and the calendars behind an occurrence.
#[derive(Default, Object, Serialize)]
#[oai(rename = "Origin", read_only_all)]
pub struct OriginView {
    /// The name of the rule. Null: it has none.
    rule: Option<String>,
    /// `moved` to another day, `held` until the calendar opened, or `closed`. Null: as the rule says.
    note: Option<String>,
    /// The time by the rule, if the calendars changed it.
    originally_at: Option<Timestamp>,
    /// Whether a day that decided lay in a year that its calendar did not know yet.
    provisional: bool,
    /// The versions of the calendars that decided, `cn@2026 release@3`; empty without calendars.
    calendars: String,
}

impl OriginView {
    fn new(origin: Origin, zone: Tz) -> Self {
        Self {
            rule: origin.rule,
            note: origin.note,
            originally_at: origin.original.map(|at| timestamp(at, zone)),
            provisional: origin.provisional,
            calendars: origin.calendars,
        }
    }
}

/// An execution with its output, result and attempts.
#[derive(Default, Object)]
#[oai(rename = "ExecutionDetail", read_only_all)]
pub struct ExecutionDetailView {
    #[oai(flatten)]
    execution: ExecutionView,
    /// The output of all attempts, both streams in the order of writing.
    output: String,
    /// The values of its inputs, secrets as `***`; null if its task has none, or its schedule started it with the defaults.
    inputs: Option<Params>,
    /// The call of the hook that started it; null if none did.
    hook: Option<HookCallView>,
    /// The parameters with their templates filled in and secrets hidden; null where they had no templates.
    filled_params: Option<Params>,
    /// The executions started by its end, oldest first.
    started: Vec<StartedExecutionView>,
    /// The result of the latest attempt; null if it has none.
    result: Option<RunResult>,
    /// Every attempt, oldest first.
    attempts: Vec<AttemptView>,
}

/// The call of a hook.
#[derive(Default, Object)]
#[oai(rename = "HookCall", read_only_all)]
pub struct HookCallView {
    /// The hook's name.
    name: String,
    /// The headers that templates may read.
    headers: Params,
    body: String,
}

/// An execution started by the end of another one.
#[derive(Default, Object)]
#[oai(rename = "StartedExecution", read_only_all)]
pub struct StartedExecutionView {
    id: String,
    task_id: String,
    status: StatusWord,
}

/// One attempt of an execution.
#[derive(Default, Object)]
#[oai(rename = "Attempt", read_only_all)]
pub struct AttemptView {
    /// From 1.
    attempt: i64,
    status: StatusWord,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    duration_ms: Option<i64>,
    error: Option<String>,
    /// The name of the node that ran it.
    node: Option<String>,
}

/// One page of executions, newest first.
#[derive(Default, Object, Serialize)]
#[oai(read_only_all)]
pub struct ExecutionList {
    items: Vec<ExecutionView>,
    #[oai(flatten)]
    #[serde(flatten)]
    page: PageInfo,
}

impl ExecutionView {
    pub fn new(run: Execution, zone: Tz) -> Self {
        let at = |when| timestamp(when, zone);
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
            waits: run.waits,
            error: run.error,
            node: run.node,
            requested_by: run.requested_by,
            started_by: run.started_by,
            origin: run.origin.map(|origin| OriginView::new(origin, zone)),
        }
    }
}

impl ExecutionDetailView {
    pub fn new(detail: ExecutionDetail, zone: Tz) -> Self {
        let given = detail.given;
        Self {
            output: text_of(&detail.output, None),
            execution: ExecutionView::new(detail.execution, zone),
            inputs: given.as_ref().filter(|given| !given.inputs.is_empty()).map(|given| Params(given.inputs.clone().into())),
            hook: given.and_then(|given| given.hook).map(HookCallView::from),
            filled_params: detail.filled_params.map(Params),
            started: detail.started.into_iter().map(StartedExecutionView::from).collect(),
            result: detail.result.map(RunResult),
            attempts: detail.attempts.into_iter().map(|attempt| AttemptView::new(attempt, zone)).collect(),
        }
    }
}

impl From<HookCall> for HookCallView {
    fn from(call: HookCall) -> Self {
        Self { name: call.name, headers: Params(call.headers.into()), body: call.body }
    }
}

impl From<Execution> for StartedExecutionView {
    fn from(run: Execution) -> Self {
        Self { id: run.id, task_id: run.task_id, status: StatusWord(run.status.as_str()) }
    }
}

impl AttemptView {
    fn new(attempt: Attempt, zone: Tz) -> Self {
        Self {
            attempt: attempt.attempt,
            status: StatusWord(attempt.status.as_str()),
            started_at: attempt.started_at.map(|at| timestamp(at, zone)),
            finished_at: attempt.finished_at.map(|at| timestamp(at, zone)),
            duration_ms: attempt.duration_ms,
            error: attempt.error,
            node: attempt.node,
        }
    }
}

impl ExecutionList {
    /// `zones` holds the zones of the existing tasks; times of other tasks are in UTC.
    pub fn new(page: Page<Execution>, zones: &HashMap<String, Tz>) -> Self {
        let (items, page) = split_page(page, |run| {
            let zone = zones.get(&run.task_id).copied().unwrap_or(Tz::UTC);
            ExecutionView::new(run, zone)
        });
        Self { items, page }
    }
}

/// The output as one text: of one attempt, or of all.
pub fn text_of(chunks: &[OutputChunk], attempt: Option<i64>) -> String {
    let wanted = chunks.iter().filter(|chunk| attempt.is_none_or(|attempt| chunk.attempt == attempt));
    wanted.map(|chunk| chunk.text.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use poem_openapi::types::ToJSON;

    use super::*;

    #[test]
    fn both_ways_of_writing_a_list_agree() {
        let full = ExecutionView { error: Some("no".into()), origin: Some(OriginView::default()), ..Default::default() };
        let list = ExecutionList { items: vec![ExecutionView::default(), full], page: PageInfo::default() };
        assert_eq!(serde_json::to_string(&list).unwrap(), serde_json::to_string(&list.to_json()).unwrap());
    }
}
