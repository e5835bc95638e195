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

view! {
    /// One run of a task, for one scheduled time or one request.
    #[derive(Serialize)]
    #[oai(rename = "Execution", read_only_all)]
    pub struct ExecutionView new(run: Execution, zone: Tz) where
        at = |when| timestamp(when, zone);
    {
        /// A ULID; ids sort by the time at which executions were queued.
        id: String = run.id,
        task_id: String = run.task_id,
        task_type: String = run.task_type,
        /// The version of the task that was run.
        task_version: Option<i64> = run.task_version,
        /// The task's schedule in one line, at that time.
        schedule_text: String = run.schedule_text,
        params: Params = Params(run.params),
        cause: CauseWord = CauseWord(run.cause.as_str()),
        /// The scheduled time.
        scheduled_at: Timestamp = at(run.scheduled_at),
        queued_at: Timestamp = at(run.queued_at),
        /// Start of the latest attempt.
        started_at: Option<Timestamp> = run.started_at.map(at),
        /// End of the latest attempt.
        finished_at: Option<Timestamp> = run.finished_at.map(at),
        /// How long after `scheduled_at` the first attempt started, in milliseconds.
        lateness_ms: Option<i64> = run.lateness_ms,
        /// How long the latest attempt took, in milliseconds.
        duration_ms: Option<i64> = run.duration_ms,
        /// The number of the latest attempt, from 1.
        attempt: i64 = run.attempt,
        status: StatusWord = StatusWord(run.status.as_str()),
        /// When the next attempt is due, while waiting for it.
        retry_at: Option<Timestamp> = run.retry_at.map(at),
        /// Whether it waits for an earlier run of its task to end (`policy.on_overlap`).
        waits: bool = run.waits,
        /// Why it failed, was skipped or missed.
        error: Option<String> = run.error,
        /// The name of the node that ran it.
        node: Option<String> = run.node,
        /// Who requested it; null for scheduled runs.
        requested_by: Option<String> = run.requested_by,
        /// The execution whose end started this one.
        started_by: Option<String> = run.started_by,
        /// The rule and the calendars behind it; left out if there is nothing beyond the task itself.
        #[oai(skip_serializing_if_is_none)]
        #[serde(skip_serializing_if = "Option::is_none")]
        origin: Option<OriginView> = run.origin.map(|origin| OriginView::new(origin, zone)),
    }
}

view! {
    /// The rule and the calendars behind an occurrence.
    #[derive(Serialize)]
    #[oai(rename = "Origin", read_only_all)]
    pub struct OriginView new(origin: Origin, zone: Tz) {
        /// The name of the rule. Null: it has none.
        rule: Option<String> = origin.rule,
        /// `moved` to another day, `held` until the calendar opened, or `closed`. Null: as the rule says.
        note: Option<String> = origin.note,
        /// The time by the rule, if the calendars changed it.
        originally_at: Option<Timestamp> = origin.original.map(|at| timestamp(at, zone)),
        /// Whether a day that decided lay in a year that its calendar did not know yet.
        provisional: bool = origin.provisional,
        /// The versions of the calendars that decided, `cn@2026 release@3`; empty without calendars.
        calendars: String = origin.calendars,
    }
}

view! {
    /// An execution with its output, result and attempts.
    #[oai(rename = "ExecutionDetail", read_only_all)]
    pub struct ExecutionDetailView new(detail: ExecutionDetail, zone: Tz) where
        given = detail.given;
        inputs = given.as_ref().map(|given| given.inputs.clone());
    {
        #[oai(flatten)]
        execution: ExecutionView = ExecutionView::new(detail.execution, zone),
        /// The output of all attempts, both streams in the order of writing.
        output: String = text_of(&detail.output, None),
        /// The values of its inputs, secrets as `***`; null if its task has none, or its schedule started it with the defaults.
        inputs: Option<Params> = inputs.filter(|inputs| !inputs.is_empty()).map(|inputs| Params(inputs.into())),
        /// The call of the hook that started it; null if none did.
        hook: Option<HookCallView> = given.and_then(|given| given.hook).map(HookCallView::from),
        /// The parameters with their templates filled in and secrets hidden; null where they had no templates.
        filled_params: Option<Params> = detail.filled_params.map(Params),
        /// The executions started by its end, oldest first.
        started: Vec<StartedExecutionView> = detail.started.into_iter().map(StartedExecutionView::from).collect(),
        /// The result of the latest attempt; null if it has none.
        result: Option<RunResult> = detail.result.map(RunResult),
        /// Every attempt, oldest first.
        attempts: Vec<AttemptView> = detail.attempts.into_iter().map(|attempt| AttemptView::new(attempt, zone)).collect(),
    }
}

view! {
    /// The call of a hook.
    #[oai(rename = "HookCall", read_only_all)]
    pub struct HookCallView from (call: HookCall) {
        /// The hook's name.
        name: String = call.name,
        /// The headers that templates may read.
        headers: Params = Params(call.headers.into()),
        body: String = call.body,
    }
}

view! {
    /// An execution started by the end of another one.
    #[oai(rename = "StartedExecution", read_only_all)]
    pub struct StartedExecutionView from (run: Execution) {
        id: String = run.id,
        task_id: String = run.task_id,
        status: StatusWord = StatusWord(run.status.as_str()),
    }
}

view! {
    /// One attempt of an execution.
    #[oai(rename = "Attempt", read_only_all)]
    pub struct AttemptView new(attempt: Attempt, zone: Tz) {
        /// From 1.
        attempt: i64 = attempt.attempt,
        status: StatusWord = StatusWord(attempt.status.as_str()),
        started_at: Option<Timestamp> = attempt.started_at.map(|at| timestamp(at, zone)),
        finished_at: Option<Timestamp> = attempt.finished_at.map(|at| timestamp(at, zone)),
        duration_ms: Option<i64> = attempt.duration_ms,
        error: Option<String> = attempt.error,
        /// The name of the node that ran it.
        node: Option<String> = attempt.node,
    }
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
