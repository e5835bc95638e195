//! View of one execution.

use chrono_tz::Tz;
use serde::Serialize;

use super::context::ViewContext;
use super::executions::ExecutionRow;
use super::output::OutputView;
use super::output_search::OutputSearch;
use super::result::ResultView;
use super::run_timeline::RunTimeline;
use super::tasks::task_href;
use super::{Moment, View, pretty};
use crate::domain::execution::{Execution, ExecutionDetail, Status};
use crate::domain::input::truncate;
use crate::domain::run_data::{HookCall, RunData};
use crate::domain::schedule::Origin;
use crate::domain::stats::RunPoint;
use crate::stats::percentiles::Percentiles;

mod samples;

/// Name of the type that runs commands.
const SEND_CMD: &str = "send_cmd";

/// Maximum characters of a hook's body on the page.
const MAX_BODY: usize = 10_000;

#[derive(Debug, Clone, Serialize)]
pub struct ExecutionPage {
    pub row: ExecutionRow,
    pub task_exists: bool,
    /// Version of the task that it ran, with its URL; 0 if it is older than version history.
    pub version: i64,
    pub version_href: String,
    pub queued: Moment,
    pub finished: Option<Moment>,
    pub retry: Option<Moment>,
    /// Time in the queue before its latest start, in milliseconds.
    pub waited: Option<i64>,
    pub attempts: Vec<AttemptView>,
    /// The rendered parameters; empty if they had no templates.
    pub filled_params: String,
    /// The values of its inputs as JSON, secrets as stars; empty without any.
    pub inputs: String,
    /// The call of the hook that started it.
    pub hook: Option<HookView>,
    /// The rule and the calendars behind it.
    pub origin: Option<OriginView>,
    /// Id of the execution that started this one through a chain; empty if none did.
    pub started_by: String,
    /// Executions that this one started through its chain.
    pub started: Vec<StartedView>,
    pub result: ResultView,
    /// To scale, from the scheduled time to the end.
    pub timeline: RunTimeline,
    pub usual: Option<UsualDuration>,
    /// Whether it ran a command: then the output says more than the result.
    pub is_command: bool,
    /// What was searched in the output; empty without a search.
    pub found: OutputSearch,
    pub output: OutputView,
}

#[derive(Debug, Clone, Serialize)]
pub struct AttemptView {
    pub number: i64,
    pub status: &'static str,
    pub started: Option<Moment>,
    pub finished: Option<Moment>,
    pub duration: Option<i64>,
    pub error: String,
    pub node: String,
}

/// The call of a hook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HookView {
    pub name: String,
    /// Its headers as JSON; empty without any.
    pub headers: String,
    /// Its body, cut if it is long.
    pub body: String,
}

impl HookView {
    fn new(call: &HookCall) -> HookView {
        let headers = if call.headers.is_empty() { String::new() } else { pretty(&call.headers.clone().into()) };
        HookView { name: call.name.clone(), headers, body: truncate(&call.body, MAX_BODY) }
    }
}

/// The rule and the calendars behind an occurrence.
#[derive(Debug, Clone, Serialize)]
pub struct OriginView {
    pub rule: String,
    /// `moved`, `held` or `provisional`; empty: as the rule says.
    pub note: &'static str,
    pub original: Option<Moment>,
    /// Their versions.
    pub calendars: String,
}

impl OriginView {
    fn new(origin: &Origin, zone: Tz) -> OriginView {
        let note = match origin.note.as_deref() {
            Some("moved") => "moved",
            Some("held") => "held",
            _ if origin.provisional => "provisional",
            _ => "",
        };
        OriginView {
            rule: origin.rule.clone().unwrap_or_default(),
            note,
            original: origin.original.map(|at| Moment::zoned(at, zone)),
            calendars: origin.calendars.clone(),
        }
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct StartedView {
    pub id: String,
    pub task_id: String,
    pub status: &'static str,
}

/// How long the task's runs usually take, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct UsualDuration {
    pub median: i64,
    pub p95: i64,
    /// The number of runs it is known from.
    pub runs: usize,
}

impl UsualDuration {
    /// From the successful ones of these runs; `None` without any.
    pub fn new(runs: &[RunPoint]) -> Option<UsualDuration> {
        let good = runs.iter().filter(|run| run.status == Status::Succeeded);
        let durations: Vec<i64> = good.filter_map(|run| run.duration_ms).collect();
        let (runs, found) = (durations.len(), Percentiles::from_values(durations));
        Some(UsualDuration { median: found.p50?, p95: found.p95?, runs })
    }
}

impl ExecutionPage {
    /// `line`: of the output, to show the lines around it.
    pub fn new(ctx: &ViewContext, detail: &ExecutionDetail, task_exists: bool, line: Option<i64>) -> ExecutionPage {
        let zone = ctx.zone;
        let execution = &detail.execution;
        let precise = |at| Moment::precise(at, zone);
        ExecutionPage {
            row: ExecutionRow::new(ctx, execution, task_exists),
            task_exists,
            version: execution.task_version.unwrap_or(0),
            version_href: version_href(&execution.task_id, execution.task_version.unwrap_or(0)),
            queued: precise(execution.queued_at),
            finished: execution.finished_at.map(precise),
            retry: execution.retry_at.map(precise),
            waited: execution.started_at.map(|at| {
                let waited = (at - execution.queued_at).num_milliseconds().max(0);
                // The start delay is measured by a steadier clock.
                execution.lateness_ms.map_or(waited, |lateness| waited.min(lateness.max(0)))
            }),
            attempts: detail
                .attempts
                .iter()
                .map(|attempt| AttemptView {
                    number: attempt.attempt,
                    status: attempt.status.as_str(),
                    started: attempt.started_at.map(precise),
                    finished: attempt.finished_at.map(precise),
                    duration: attempt.duration_ms,
                    error: attempt.error_text(ctx.language),
                    node: attempt.node.clone().unwrap_or_default(),
                })
                .collect(),
            filled_params: detail.filled_params.as_ref().map(pretty).unwrap_or_default(),
            inputs: detail.given.as_ref().map(inputs_json).unwrap_or_default(),
            hook: detail.given.as_ref().and_then(|given| given.hook.as_ref()).map(HookView::new),
            origin: execution.origin.as_ref().map(|origin| OriginView::new(origin, zone)),
            started_by: execution.started_by.clone().unwrap_or_default(),
            started: detail.started.iter().map(StartedView::new).collect(),
            result: ResultView::new(detail.result.as_ref()),
            timeline: RunTimeline::new(ctx, detail),
            usual: None,
            is_command: execution.task_type == SEND_CMD,
            found: OutputSearch::default(),
            output: OutputView::whole(&detail.output, line),
        }
    }
}

fn inputs_json(given: &RunData) -> String {
    if given.inputs.is_empty() { String::new() } else { pretty(&given.inputs.clone().into()) }
}

/// Returns the URL of a task's versions, from this one back.
fn version_href(task_id: &str, version: i64) -> String {
    format!("{}/versions?before={}", task_href(task_id), version.saturating_add(1))
}

impl StartedView {
    fn new(run: &Execution) -> StartedView {
        StartedView { id: run.id.clone(), task_id: run.task_id.clone(), status: run.status.as_str() }
    }
}

impl View for ExecutionPage {
    const TEMPLATE: &'static str = "pages/execution.html";

    fn samples() -> Vec<Self> {
        samples::execution_pages()
    }
}
