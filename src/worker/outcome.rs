//! The outcome of an attempt and its consequences: status, error text and, depending on the policy, the next attempt.

use std::any::Any;
use std::borrow::Cow;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::domain::execution::Status;
use crate::domain::input::truncate;
use crate::domain::job::Job;
use crate::domain::mask::Mask;
use crate::i18n::{Message, message};
use crate::storage::execution::Finish;
use crate::tasks::RunError;
use crate::tasks::output::sanitize_nul;

/// The longest text from outside in an error, in characters.
const MESSAGE_MAX: usize = 2_000;
/// The largest result kept, in bytes of JSON (approximately).
const RESULT_MAX: usize = 2 * 1024 * 1024;

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum AttemptOutcome {
    Returned(Result<Value, RunError>),
    /// The task type panicked, with this message.
    Panicked(String),
    /// It was stopped; with its partial result.
    Stopped(StopReason, Option<Value>),
}

/// Why an attempt was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StopReason {
    Cancelled,
    TimedOut,
    /// The server stopped and its shutdown timeout was over.
    ForcedShutdown,
}

impl AttemptOutcome {
    pub fn from_result(returned: Result<Result<Value, RunError>, Box<dyn Any + Send>>) -> Self {
        match returned {
            Ok(returned) => AttemptOutcome::Returned(returned),
            Err(panic) => {
                let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
                AttemptOutcome::Panicked(text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default())
            }
        }
    }

    /// The delay requested by the remote service.
    fn retry_after(&self) -> Option<Duration> {
        match self {
            AttemptOutcome::Returned(Err(error)) => error.retry_after,
            _ => None,
        }
    }

    /// The status, error text, result, and whether a retry may follow.
    fn into_parts(self, job: &Job) -> (Status, Option<Message>, Option<Value>, bool) {
        match self {
            AttemptOutcome::Returned(Ok(result)) => (Status::Succeeded, None, Some(result), false),
            AttemptOutcome::Returned(Err(error)) => (Status::Failed, Some(error.message), error.result, error.retryable),
            AttemptOutcome::Panicked(detail) => (Status::Failed, Some(message!("run.panicked", detail)), None, true),
            AttemptOutcome::Stopped(StopReason::Cancelled, left) => {
                (Status::Cancelled, Some(message!("run.cancelled")), left, false)
            }
            AttemptOutcome::Stopped(StopReason::TimedOut, left) => {
                let seconds = Duration::from_millis(job.timeout_ms.unwrap_or_default()).as_secs_f64();
                (Status::TimedOut, Some(message!("run.timed_out", seconds)), left, true)
            }
            AttemptOutcome::Stopped(StopReason::ForcedShutdown, left) => {
                (Status::Interrupted, Some(message!("run.server_stopped")), left, true)
            }
        }
    }
}

/// The record of an attempt, with its start and its end.
pub(super) fn to_finish(
    job: &Job,
    outcome: AttemptOutcome,
    duration: Duration,
    (started_at, now): (DateTime<Utc>, DateTime<Utc>),
    mask: &Mask,
) -> Finish {
    let retry_after = outcome.retry_after();
    let (status, error, result, retryable) = outcome.into_parts(job);
    Finish {
        execution_id: job.execution_id.clone(),
        attempt: job.attempt,
        status,
        retry_at: if retryable { next_attempt(job, status, retry_after, now) } else { None },
        started_at,
        finished_at: now,
        duration_ms: i64::try_from(duration.as_millis()).unwrap_or(i64::MAX),
        error: error.map(|error| masked(error, mask)),
        result: result.map(|result| bounded(mask.json(result))),
    }
}

/// The error with secrets masked and texts from outside cut. If the words still show a secret, which the template and several
/// texts form together, only the masked words are kept.
fn masked(error: Message, mask: &Mask) -> Message {
    let error = error.map_texts(&|text| sanitize_nul(&truncate(&mask.text(text), MESSAGE_MAX)));
    match mask.text(&error.to_string()) {
        Cow::Borrowed(_) => error,
        Cow::Owned(hidden) => Message::verbatim(hidden),
    }
}

/// When the next attempt is due, if the policy allows one: after the policy's delay or the remote service's `retry_after`,
/// whichever is longer. `retry_after` is capped by the policy's `max_delay`, which is a day at most.
fn next_attempt(job: &Job, status: Status, retry_after: Option<Duration>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let attempt = u32::try_from(job.attempt).unwrap_or(u32::MAX);
    let retry = &job.retry;
    let requested = retry_after.unwrap_or_default().min(retry.max_delay);
    let wait = match status {
        Status::Interrupted => retry.wait_after_interruption(attempt, random()),
        _ => retry.wait_after(attempt, random()),
    };
    let wait = wait?.max(requested);
    now.checked_add_signed(TimeDelta::from_std(wait).ok()?)
}

/// A random number, uniform in 0..1; 0.5 if the system provides none.
fn random() -> f64 {
    let mut bytes = [0; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
        Err(_) => 0.5,
    }
}

/// A result that can be stored: below the size limit and without NUL characters.
fn bounded(result: Value) -> Value {
    let (size, has_nul) = measure(&result);
    if size > RESULT_MAX {
        return json!({"omitted": format!("the result is larger than {RESULT_MAX} bytes")});
    }
    if has_nul { without_nul(result) } else { result }
}

/// The approximate length of the JSON in bytes, and whether a text in it contains NUL.
fn measure(value: &Value) -> (usize, bool) {
    let add = |(size, nul): (usize, bool), (more, also): (usize, bool)| (size + more + 4, nul || also);
    match value {
        Value::String(text) => (text.len(), text.contains('\0')),
        Value::Array(list) => list.iter().map(measure).fold((2, false), add),
        Value::Object(map) => map.iter().map(|(k, v)| add((k.len(), k.contains('\0')), measure(v))).fold((2, false), add),
        _ => (8, false),
    }
}

fn without_nul(value: Value) -> Value {
    match value {
        Value::String(text) => sanitize_nul(&text).into(),
        Value::Array(list) => list.into_iter().map(without_nul).collect(),
        Value::Object(map) => map.into_iter().map(|(k, v)| (sanitize_nul(&k), without_nul(v))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::Retry;

    const TIMES: (DateTime<Utc>, DateTime<Utc>) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH);

    fn job(attempt: i64) -> Job {
        Job {
            execution_id: "e".into(),
            attempt,
            task_id: "t".into(),
            task_type: "echo".into(),
            params: json!({}),
            started_by: None,
            chained: false,
            scheduled_at: DateTime::UNIX_EPOCH,
            timeout_ms: Some(1500),
            retry: Retry {
                max_attempts: 3,
                delay: Duration::from_secs(1),
                max_delay: Duration::from_secs(60),
                ..Retry::default()
            },
            late_after_ms: None,
        }
    }

    fn finished(attempt: i64, outcome: AttemptOutcome) -> (Status, Option<i64>, Option<String>) {
        let finish = to_finish(&job(attempt), outcome, Duration::from_millis(7), TIMES, &Mask::from_values(["s3cret"]));
        (finish.status, finish.retry_at.map(|at| at.timestamp_millis()), finish.error.map(|error| error.to_string()))
    }

    #[test]
    fn failures_are_retried_up_to_max_attempts() {
        let failing = || AttemptOutcome::Returned(Err(RunError::retry(Message::verbatim("no answer"))));
        assert_eq!(finished(1, failing()), (Status::Failed, Some(1000), Some("no answer".into())));
        assert_eq!(finished(2, failing()).1, Some(2000));
        assert_eq!(finished(3, failing()).1, None);
        assert_eq!(
            finished(1, AttemptOutcome::Returned(Err(RunError::fail(Message::verbatim("bad url"))))).1,
            None,
            "not retryable"
        );
    }

    #[test]
    fn to_finish_masks_secrets_in_errors_and_results() {
        let error = RunError::fail(Message::verbatim("s3cret refused")).with_result(json!({"said": ["s3cret"]}));
        let outcome = AttemptOutcome::Returned(Err(error));
        let finish = to_finish(&job(1), outcome, Duration::ZERO, TIMES, &Mask::from_values(["s3cret"]));
        let error = finish.error.map(|error| error.to_string());
        assert_eq!((error.as_deref(), finish.result), (Some("*** refused"), Some(json!({"said": ["***"]}))));
    }

    #[test]
    fn retry_after_is_capped_by_max_delay() {
        let retry_at = |seconds| {
            let error = RunError::retry(Message::verbatim("busy")).with_retry_after(Some(Duration::from_secs(seconds)));
            finished(1, AttemptOutcome::Returned(Err(error))).1
        };
        assert_eq!(retry_at(30), Some(30_000));
        assert_eq!(retry_at(0), Some(1000), "at least the policy's delay");
        assert_eq!(retry_at(100_000), Some(60_000), "at most the policy's max_delay");
    }

    #[test]
    fn stop_reason_decides_the_status() {
        assert_eq!(finished(1, AttemptOutcome::Stopped(StopReason::Cancelled, None)).0, Status::Cancelled);
        assert_eq!(
            finished(1, AttemptOutcome::Stopped(StopReason::Cancelled, None)).1,
            None,
            "a cancelled execution is not retried"
        );
        let timed_out = finished(1, AttemptOutcome::Stopped(StopReason::TimedOut, None));
        assert_eq!(timed_out, (Status::TimedOut, Some(1000), Some("timed out after 1.5 s".into())));
        let interrupted = finished(3, AttemptOutcome::Stopped(StopReason::ForcedShutdown, None));
        assert_eq!((interrupted.0, interrupted.1.is_some()), (Status::Interrupted, true), "beyond the last attempt");
    }

    #[test]
    fn bounded_removes_nul_and_limits_the_size() {
        assert_eq!(bounded(json!({"a": ["b\0"]})), json!({"a": ["b\u{fffd}"]}));
        assert!(bounded(json!("x".repeat(RESULT_MAX + 1)))["omitted"].is_string());
        let big = "panic ".repeat(1000);
        let message = finished(1, AttemptOutcome::from_result(Err(Box::new(big)))).2.unwrap();
        let detail = message.strip_prefix("the task type panicked: ").unwrap();
        assert!(detail.starts_with("panic panic") && detail.chars().count() <= MESSAGE_MAX + 1);
    }
}
