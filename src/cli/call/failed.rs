//! What the API refused, told as a compiler would: where, what, and what to write instead.

use serde_json::Value;

use super::{Answer, Failure};
use crate::cli::look::Look;

/// Where the parts of a body came from.
pub(in crate::cli) trait Told {
    /// Tells a fault at a place of the body (a JSON Pointer), with the place as its writer knows it.
    fn tell(&self, pointer: &str, message: &str) -> String;
}

/// Of a body that nobody wrote: the message names the field by itself.
impl Told for () {
    fn tell(&self, _pointer: &str, message: &str) -> String {
        message.to_owned()
    }
}

/// The failure that an answer means.
pub(in crate::cli) fn told(answer: &Answer, look: &Look, source: &dyn Told) -> Failure {
    let problem: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    let detail = match problem.get("detail").and_then(Value::as_str) {
        Some(detail) => look.translate(detail),
        None => format!("the server answered with status {} and no reason: is it a Belfry server?", answer.status),
    };
    match answer.status {
        400 | 405 | 413 | 415 | 422 => Failure::Usage(faults(&problem, look, source).unwrap_or(detail)),
        401 => Failure::Refused(format!("{detail}; {}", look.text("failure.token"))),
        403 => Failure::Refused(detail),
        404 => Failure::NotFound(detail),
        409 | 412 => Failure::Conflict(detail),
        429 | 502 | 503 | 504 => Failure::Unreachable(detail),
        _ => Failure::Failed(detail),
    }
}

/// Every fault of a body, a paragraph each.
fn faults(problem: &Value, look: &Look, source: &dyn Told) -> Option<String> {
    let faults = problem.get("errors")?.as_array().filter(|faults| !faults.is_empty())?;
    let text = |fault: &Value, name: &str| fault.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let told = faults.iter().map(|fault| source.tell(&text(fault, "pointer"), &look.translate(&text(fault, "message"))));
    Some(told.collect::<Vec<_>>().join("\n"))
}
