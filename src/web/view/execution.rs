//! One execution.

use serde::Serialize;
use serde_json::Value;

use super::executions::ExecutionRow;
use super::{Moment, View, pretty};
use crate::domain::execution::{ExecutionDetail, OutputChunk};
use crate::web::visit::Visit;

#[derive(Debug, Clone, Serialize)]
pub struct ExecutionPage {
    pub row: ExecutionRow,
    pub task_exists: bool,
    pub queued: Moment,
    pub finished: Option<Moment>,
    pub retry: Option<Moment>,
    /// How long it waited in the queue before its latest start, in milliseconds.
    pub waited: Option<i64>,
    pub attempts: Vec<AttemptView>,
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

/// The result, with what most types give shown by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ResultView {
    pub exists: bool,
    pub http_status: Option<i64>,
    pub exit_code: Option<i64>,
    pub body: String,
    pub json: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OutputView {
    pub chunks: Vec<ChunkView>,
    /// Where the next piece goes on, `attempt.seq`; empty at the start.
    pub last: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChunkView {
    pub stream: &'static str,
    pub text: String,
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
            result: ResultView::new(detail.result.as_ref()),
            output: OutputView::new(&detail.output, 0),
        }
    }
}

impl ResultView {
    pub fn new(result: Option<&Value>) -> ResultView {
        let Some(result) = result.filter(|value| !value.is_null()) else { return ResultView::default() };
        let body = match result.get("body") {
            Some(Value::String(text)) => text.clone(),
            Some(other) => pretty(other),
            None => String::new(),
        };
        ResultView {
            exists: true,
            http_status: result.get("status").and_then(Value::as_i64),
            exit_code: result.get("exit_code").and_then(Value::as_i64),
            body,
            json: pretty(result),
        }
    }
}

impl OutputView {
    /// `attempt`: the attempt whose pieces the page shows last already.
    pub fn new(chunks: &[OutputChunk], attempt: i64) -> OutputView {
        let mut shown = attempt;
        let mut view = OutputView::default();
        for chunk in chunks {
            let first = chunk.attempt != shown && (chunk.attempt > 1 || shown > 0);
            shown = chunk.attempt;
            view.chunks.push(ChunkView {
                stream: chunk.stream.as_str(),
                text: plain(&chunk.text),
                attempt: if first { chunk.attempt } else { 0 },
            });
            view.last = format!("{}.{}", chunk.attempt, chunk.seq);
        }
        view
    }
}

/// Text without terminal codes (`ESC [ … letter`): colours mean nothing in a page.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '\u{1b}' && rest.peek() == Some(&'[') {
            rest.next();
            while rest.next().is_some_and(|code| !code.is_ascii_alphabetic()) {}
        } else {
            plain.push(c);
        }
    }
    plain
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
        let chunk = |stream, attempt| ChunkView { stream, text: "…\n".into(), attempt };
        vec![MoreOutput { output: OutputView { chunks: vec![chunk("stdout", 2), chunk("stderr", 0)], last: "2.1".into() } }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_colours_are_left_out() {
        assert_eq!(plain("\u{1b}[1;31mred\u{1b}[0m \u{1b}[2"), "red ");
        assert_eq!(plain("100% 日\n"), "100% 日\n");
    }

    #[test]
    fn a_result_shows_what_it_is() {
        let view = ResultView::new(Some(&serde_json::json!({"status": 502, "body": {"a": 1}})));
        assert_eq!((view.http_status, view.exit_code, view.body.as_str()), (Some(502), None, "{\n  \"a\": 1\n}"));
        assert!(!ResultView::new(None).exists && !ResultView::new(Some(&Value::Null)).exists);
    }
}
