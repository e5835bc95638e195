//! One execution.

use serde::Serialize;

use super::executions::ExecutionRow;
use super::result::ResultView;
use super::tasks::task_href;
use super::{Moment, View, pretty};
use crate::domain::execution::{Execution, ExecutionDetail, OutputChunk, Stream};
use crate::web::ansi::{self, Look, Span, spans};
use crate::web::visit::Visit;

/// Bytes of output that a page shows; the download has all of it.
const MAX_OUTPUT: usize = 512 * 1024;

#[derive(Debug, Clone, Serialize)]
pub struct ExecutionPage {
    pub row: ExecutionRow,
    pub task_exists: bool,
    /// The version of the task that it ran, with its place among the others; 0: it was run before versions were kept.
    pub version: i64,
    pub version_href: String,
    pub queued: Moment,
    pub finished: Option<Moment>,
    pub retry: Option<Moment>,
    /// How long it waited in the queue before its latest start, in milliseconds.
    pub waited: Option<i64>,
    pub attempts: Vec<AttemptView>,
    /// The parameters with their templates filled in; empty where they had none.
    pub filled_params: String,
    /// The execution whose end started this one; empty where none did.
    pub started_by: String,
    /// The executions that the end of this one started.
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

#[derive(Debug, Clone, Serialize)]
pub struct StartedView {
    pub id: String,
    pub task_id: String,
    pub status: &'static str,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OutputView {
    /// Pieces at the begin that are not shown.
    pub omitted: usize,
    pub chunks: Vec<ChunkView>,
    /// Where the next piece goes on, `attempt.seq`; empty at the start.
    pub last: String,
    /// The looks that codes have set by its end.
    pub look: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChunkView {
    pub stream: &'static str,
    pub spans: Vec<Span>,
    /// The first piece of another attempt: its number, else 0.
    pub attempt: i64,
}

impl ExecutionPage {
    pub fn new(visit: &Visit, detail: &ExecutionDetail, task_exists: bool) -> ExecutionPage {
        let zone = visit.service().zone();
        let execution = &detail.execution;
        let precise = |at| Moment::precise(at, zone);
        ExecutionPage {
            row: ExecutionRow::new(visit, execution),
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
                    error: attempt.error.clone().unwrap_or_default(),
                    node: attempt.node.clone().unwrap_or_default(),
                })
                .collect(),
            filled_params: detail.filled_params.as_ref().map(pretty).unwrap_or_default(),
            started_by: execution.started_by.clone().unwrap_or_default(),
            started: detail.started.iter().map(StartedView::new).collect(),
            result: ResultView::new(detail.result.as_ref()),
            output: OutputView::new(&detail.output, 0, Default::default()),
        }
    }
}

/// The list of a task's versions, from this one on.
fn version_href(task_id: &str, version: i64) -> String {
    format!("{}/versions?before={}", task_href(task_id), version.saturating_add(1))
}

impl StartedView {
    fn new(run: &Execution) -> StartedView {
        StartedView { id: run.id.clone(), task_id: run.task_id.clone(), status: run.status.as_str() }
    }
}

impl OutputView {
    /// `attempt`: the attempt whose pieces the page shows last already, which left off with these `looks`. Of long output only
    /// the end is shown.
    pub fn new(chunks: &[OutputChunk], attempt: i64, mut looks: [Look; 2]) -> OutputView {
        let begin = tail(chunks);
        let mut shown = attempt;
        let mut view = OutputView { omitted: begin, ..OutputView::default() };
        for chunk in &chunks[begin..] {
            let first = chunk.attempt != shown && (chunk.attempt > 1 || shown > 0);
            if chunk.attempt != shown {
                looks = Default::default();
            }
            shown = chunk.attempt;
            view.chunks.push(ChunkView {
                stream: chunk.stream.as_str(),
                spans: spans(&chunk.text, &mut looks[usize::from(chunk.stream == Stream::Stderr)]),
                attempt: if first { chunk.attempt } else { 0 },
            });
            view.last = format!("{}.{}", chunk.attempt, chunk.seq);
        }
        view.look = ansi::to_token(&looks);
        view
    }
}

/// The first of the last pieces that together are not too long to show.
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
        super::samples::execution_pages()
    }
}

/// Output that came since.
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
                look: "[]".into(),
            },
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_long_output_the_end_is_shown() {
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
        let more = OutputView::new(&[chunk(2, "red too")], 1, ansi::of_token(&short.look));
        assert_eq!(more.chunks[0].spans[0].class, "ansi-1", "also where it was written later");
        assert_eq!(short.omitted, 0);
        assert_eq!(short.chunks[1].spans[0].class, "ansi-1", "a colour lasts until it is taken back");
    }
}
