//! View of one execution.

use chrono_tz::Tz;
use serde::Serialize;

use super::context::ViewContext;
use super::executions::ExecutionRow;
use super::result::ResultView;
use super::tasks::task_href;
use super::{Moment, View, pretty};
use crate::domain::execution::{Execution, ExecutionDetail, OutputChunk, Stream};
use crate::domain::input::truncate;
use crate::domain::run_data::{HookCall, RunData};
use crate::domain::schedule::Origin;
use crate::web::ansi::{self, Span, TextStyle, spans};

mod samples;

/// Maximum bytes of output on the page; the download is complete.
const MAX_OUTPUT: usize = 512 * 1024;
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

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OutputView {
    /// Number of earlier chunks that are not shown.
    pub omitted: usize,
    pub chunks: Vec<ChunkView>,
    /// Position of the last chunk, `attempt.seq`; empty at the start.
    pub last: String,
    /// ANSI styles at its end, see [`ansi::to_token`].
    pub style: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChunkView {
    pub stream: &'static str,
    pub spans: Vec<Span>,
    /// Attempt number if this is the first chunk of another attempt, else 0.
    pub attempt: i64,
}

impl ExecutionPage {
    pub fn new(ctx: &ViewContext, detail: &ExecutionDetail, task_exists: bool) -> ExecutionPage {
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
            waited: execution.started_at.map(|at| (at - execution.queued_at).num_milliseconds().max(0)),
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
            output: OutputView::new(&detail.output, 0, Default::default()),
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

impl OutputView {
    /// `attempt` is the last one that the page already shows, `styles` are its ANSI styles at that point. Long output is cut at
    /// its start.
    pub fn new(chunks: &[OutputChunk], attempt: i64, mut styles: [TextStyle; 2]) -> OutputView {
        let first_shown = tail(chunks);
        let mut shown = attempt;
        let mut view = OutputView { omitted: first_shown, ..OutputView::default() };
        for chunk in &chunks[first_shown..] {
            let first = chunk.attempt != shown && (chunk.attempt > 1 || shown > 0);
            if chunk.attempt != shown {
                styles = Default::default();
            }
            shown = chunk.attempt;
            view.chunks.push(ChunkView {
                stream: chunk.stream.as_str(),
                spans: spans(&chunk.text, &mut styles[usize::from(chunk.stream == Stream::Stderr)]),
                attempt: if first { chunk.attempt } else { 0 },
            });
            view.last = format!("{}.{}", chunk.attempt, chunk.seq);
        }
        view.style = ansi::to_token(&styles);
        view
    }
}

/// Returns the index of the first chunk to show, so that the shown ones have about [`MAX_OUTPUT`] bytes.
fn tail(chunks: &[OutputChunk]) -> usize {
    let mut left = MAX_OUTPUT;
    let fits = chunks.iter().rev().take_while(|chunk| {
        let before = left;
        left = left.saturating_sub(chunk.text.len());
        before > 0
    });
    chunks.len() - fits.count()
}

impl View for ExecutionPage {
    const TEMPLATE: &'static str = "pages/execution.html";

    fn samples() -> Vec<Self> {
        samples::execution_pages()
    }
}

/// New output.
#[derive(Debug, Clone, Serialize)]
pub struct MoreOutput {
    pub output: OutputView,
}

impl View for MoreOutput {
    const TEMPLATE: &'static str = "fragments/output.html";

    fn samples() -> Vec<Self> {
        let chunk =
            |stream, attempt| ChunkView { stream, spans: vec![Span { text: "…\n".into(), class: "ansi-1".into() }], attempt };
        vec![MoreOutput {
            output: OutputView {
                omitted: 0,
                chunks: vec![chunk("stdout", 2), chunk("stderr", 0)],
                last: "2.1".into(),
                style: "[]".into(),
            },
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_output_is_cut_at_its_start() {
        let chunk = |seq: i64, text: &str| OutputChunk {
            attempt: 1,
            seq,
            stream: Stream::Stdout,
            at: chrono::DateTime::UNIX_EPOCH,
            text: text.to_owned(),
        };
        let long = "x".repeat(MAX_OUTPUT / 2);
        let chunks: Vec<_> = (0..5).map(|seq| chunk(seq, &long)).collect();
        let view = OutputView::new(&chunks, 0, Default::default());
        assert_eq!((view.omitted, view.chunks.len(), view.last.as_str()), (3, 2, "1.4"));
        let short = OutputView::new(&[chunk(0, "\u{1b}[31mred"), chunk(1, "still red")], 0, Default::default());
        let more = OutputView::new(&[chunk(2, "red too")], 1, ansi::from_token(&short.style));
        assert_eq!(more.chunks[0].spans[0].class, "ansi-1", "also in chunks fetched later");
        assert_eq!(short.omitted, 0);
        assert_eq!(short.chunks[1].spans[0].class, "ansi-1", "a color lasts until it is reset");
    }
}
