//! Failures from the API's problem documents, with the position of each fault in the user's input.

use serde_json::Value;

use super::{Answer, Failure};
use crate::cli::output_options::OutputOptions;
use crate::cli::words;
use crate::i18n::message;

/// The source of a request body, which locates faults for the user.
pub(in crate::cli) trait FaultSource {
    /// Formats a fault at a JSON Pointer of the body, with its position in the source.
    fn describe_fault(&self, pointer: &str, message: &str) -> String;
}

/// A body without a source that the user wrote: the message alone.
impl FaultSource for () {
    fn describe_fault(&self, _pointer: &str, message: &str) -> String {
        message.to_owned()
    }
}

/// Converts an error response into a failure.
pub(in crate::cli) fn to_failure(answer: &Answer, output: &OutputOptions, source: &dyn FaultSource) -> Failure {
    let problem: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    let detail = match problem.get("detail").and_then(Value::as_str) {
        Some(detail) => detail.to_owned(),
        None => words(&message!("cli.no_details", status = answer.status)),
    };
    match answer.status {
        400 | 405 | 413 | 415 | 422 => Failure::Usage(faults(&problem, source).unwrap_or(detail)),
        401 => Failure::Refused(format!("{detail}; {}", output.text("failure.token"))),
        403 => Failure::Refused(detail),
        404 => Failure::NotFound(detail),
        409 | 412 => Failure::Conflict(detail),
        429 | 502 | 503 | 504 => Failure::Unreachable(detail),
        _ => Failure::Failed(detail),
    }
}

/// All faults of a body, one per paragraph.
fn faults(problem: &Value, source: &dyn FaultSource) -> Option<String> {
    let faults = problem.get("errors")?.as_array().filter(|faults| !faults.is_empty())?;
    let text = |fault: &Value, name: &str| fault.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let messages = faults.iter().map(|fault| source.describe_fault(&text(fault, "pointer"), &text(fault, "message")));
    Some(messages.collect::<Vec<_>>().join("\n"))
}
