//! View of the test run of a draft.

use serde::Serialize;
use serde_json::Value;

use super::fault_text::FaultText;
use super::task_form::FormFault;
use super::{View, pretty};
use crate::domain::execution::Stream;
use crate::domain::input::truncate;
use crate::i18n::Language;
use crate::service::DraftRun;
use crate::web::ansi::{self, Span};

/// The longest result shown, in characters.
const MAX_RESULT: usize = 20_000;

#[derive(Debug, Clone, Default, Serialize)]
pub struct TestRunView {
    /// Why the draft cannot run; it did not if there are any.
    pub faults: Vec<FormFault>,
    pub status: &'static str,
    /// In milliseconds.
    pub duration: i64,
    pub error: String,
    /// The result as JSON; empty for none.
    pub result: String,
    pub chunks: Vec<OutputText>,
}

/// A piece of output.
#[derive(Debug, Clone, Serialize)]
pub struct OutputText {
    pub stream: &'static str,
    pub spans: Vec<Span>,
}

impl TestRunView {
    pub fn new(run: &DraftRun, language: Language) -> TestRunView {
        let mut styles = <[ansi::TextStyle; 2]>::default();
        let mut chunks = Vec::with_capacity(run.output.len());
        for chunk in &run.output {
            let spans = ansi::spans(&chunk.text, &mut styles[usize::from(chunk.stream == Stream::Stderr)]);
            chunks.push(OutputText { stream: chunk.stream.as_str(), spans });
        }
        let result = run.result.as_ref().filter(|result| **result != Value::Null);
        TestRunView {
            faults: Vec::new(),
            status: run.status.as_str(),
            duration: run.duration_ms,
            error: run.error.as_ref().map(|error| error.text(language)).unwrap_or_default(),
            result: result.map(|result| truncate(&pretty(result), MAX_RESULT)).unwrap_or_default(),
            chunks,
        }
    }

    /// A draft that cannot run; `params` are the names of the fields of its parameters.
    pub fn refused(faults: &[FaultText], params: &[String]) -> TestRunView {
        TestRunView { faults: FormFault::all(faults, params), ..TestRunView::default() }
    }
}

impl View for TestRunView {
    const TEMPLATE: &'static str = "fragments/test_run.html";

    fn samples() -> Vec<Self> {
        let ended = TestRunView { status: "succeeded", duration: 1, ..TestRunView::default() };
        let mut style = ansi::TextStyle::default();
        let chunks = vec![OutputText { stream: "stderr", spans: ansi::spans("a \u{1b}[31m<b>", &mut style) }];
        let failed = TestRunView { status: "failed", error: "<b>".into(), result: "<b>".into(), chunks, ..ended.clone() };
        let faults = [FaultText::new("/name", "<b>"), FaultText::new("", "<b>")];
        vec![ended, failed, TestRunView::refused(&faults, &[])]
    }
}
