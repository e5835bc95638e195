//! How an attempt ended, and what follows from it: the status, the message and, under the policy, the next attempt.

use std::any::Any;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::domain::execution::Status;
use crate::domain::input::cut;
use crate::domain::job::Job;
use crate::domain::mask::Mask;
use crate::domain::policy::Retry;
use crate::storage::execution::Finish;
use crate::tasks::RunError;
use crate::tasks::output::storable;

/// A message is kept up to this many characters.
const MESSAGE_MAX: usize = 2_000;
/// A result is kept up to about this many bytes of JSON.
const RESULT_MAX: usize = 2 * 1024 * 1024;

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum Ending {
    Returned(Result<Value, RunError>),
    /// The task type panicked, with this message.
    Panicked(String),
    /// It was stopped; with what there is of a result.
    Stopped(Stop, Option<Value>),
}

/// Why an attempt was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    Cancelled,
    TimedOut,
    /// The server stopped and did not wait any longer.
    CutOff,
}

impl Ending {
    pub fn of(returned: Result<Result<Value, RunError>, Box<dyn Any + Send>>) -> Self {
        match returned {
            Ok(returned) => Ending::Returned(returned),
            Err(panic) => {
                let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
                Ending::Panicked(text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default())
            }
        }
    }

    /// How long the other side asked to be left alone.
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Ending::Returned(Err(error)) => error.retry_after,
            _ => None,
        }
    }

    /// Status, message, result, and whether another attempt may follow.
    fn read(self, job: &Job) -> (Status, Option<String>, Option<Value>, bool) {
        match self {
            Ending::Returned(Ok(result)) => (Status::Succeeded, None, Some(result), false),
            Ending::Returned(Err(error)) => (Status::Failed, Some(error.message), error.result, error.retryable),
            Ending::Panicked(text) => (Status::Failed, Some(format!("the task type panicked: {text}")), None, true),
            Ending::Stopped(Stop::Cancelled, left) => (Status::Cancelled, Some("cancelled while it ran".to_owned()), left, false),
            Ending::Stopped(Stop::TimedOut, left) => {
                let limit = Duration::from_millis(job.timeout_ms.unwrap_or_default()).as_secs_f64();
                (Status::TimedOut, Some(format!("ended at its time limit of {limit} s")), left, true)
            }
            Ending::Stopped(Stop::CutOff, left) => {
                (Status::Interrupted, Some("the server stopped while it ran".to_owned()), left, true)
            }
        }
    }
}

/// What is recorded of an attempt that ended at `now`.
pub(super) fn settle(job: &Job, ending: Ending, took: Duration, now: DateTime<Utc>, mask: &Mask) -> Finish {
    let retry_after = ending.retry_after();
    let (status, error, result, retryable) = ending.read(job);
    Finish {
        execution_id: job.execution_id.clone(),
        attempt: job.attempt,
        status,
        retry_at: if retryable { next_attempt(job, retry_after, now) } else { None },
        finished_at: now,
        duration_ms: i64::try_from(took.as_millis()).unwrap_or(i64::MAX),
        error: error.map(|text| storable(&cut(&mask.text(&text), MESSAGE_MAX))),
        result: result.map(|result| bounded(mask.json(result))),
    }
}

/// When the next attempt is due, if the policy grants one: after the policy's wait or the one that the other side asked for,
/// whichever is longer; the latter counts up to the policy's longest wait, which is a day at most.
fn next_attempt(job: &Job, retry_after: Option<Duration>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let attempt = u32::try_from(job.attempt).unwrap_or(u32::MAX);
    let retry = Retry::from(job.retry);
    let asked = retry_after.unwrap_or_default().min(retry.max_delay);
    let wait = retry.wait_after(attempt, random())?.max(asked);
    now.checked_add_signed(TimeDelta::from_std(wait).ok()?)
}

/// Uniform in 0..1; the middle where the system gives no random numbers.
fn random() -> f64 {
    let mut bytes = [0; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
        Err(_) => 0.5,
    }
}

/// A result that can be stored: not too large, no NUL in it.
fn bounded(result: Value) -> Value {
    let (size, has_nul) = measure(&result);
    if size > RESULT_MAX {
        return json!({"omitted": format!("the result is larger than {RESULT_MAX} bytes")});
    }
    if has_nul { without_nul(result) } else { result }
}

/// About how long the JSON is, and whether a text in it holds NUL.
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
        Value::String(text) => storable(&text).into(),
        Value::Array(list) => list.into_iter().map(without_nul).collect(),
        Value::Object(map) => map.into_iter().map(|(k, v)| (storable(&k), without_nul(v))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::job::JobRetry;

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
            retry: JobRetry { max_attempts: 3, delay_ms: 1000, exponential: true, max_delay_ms: 60_000, jitter_ms: 0 },
        }
    }

    fn settled(attempt: i64, ending: Ending) -> (Status, Option<i64>, Option<String>) {
        let finish = settle(&job(attempt), ending, Duration::from_millis(7), DateTime::UNIX_EPOCH, &Mask::of(["s3cret"]));
        (finish.status, finish.retry_at.map(|at| at.timestamp_millis()), finish.error)
    }

    #[test]
    fn failures_are_tried_again_until_the_last_attempt() {
        let failing = || Ending::Returned(Err(RunError::retry("no answer")));
        assert_eq!(settled(1, failing()), (Status::Failed, Some(1000), Some("no answer".into())));
        assert_eq!(settled(2, failing()).1, Some(2000));
        assert_eq!(settled(3, failing()).1, None);
        assert_eq!(settled(1, Ending::Returned(Err(RunError::fail("bad url")))).1, None, "it would only fail again");
    }

    #[test]
    fn secrets_are_hidden_in_messages_and_results() {
        let error = RunError::fail("s3cret refused").with_result(json!({"said": ["s3cret"]}));
        let ending = Ending::Returned(Err(error));
        let finish = settle(&job(1), ending, Duration::ZERO, DateTime::UNIX_EPOCH, &Mask::of(["s3cret"]));
        assert_eq!((finish.error.as_deref(), finish.result), (Some("*** refused"), Some(json!({"said": ["***"]}))));
    }

    #[test]
    fn who_asks_to_be_left_alone_is_left_alone_within_the_policy() {
        let asked = |seconds| {
            let error = RunError::retry("busy").after(Some(Duration::from_secs(seconds)));
            settled(1, Ending::Returned(Err(error))).1
        };
        assert_eq!(asked(30), Some(30_000));
        assert_eq!(asked(0), Some(1000), "the policy's own wait is the least");
        assert_eq!(asked(100_000), Some(60_000), "and its longest wait the most");
    }

    #[test]
    fn a_stop_decides_the_status() {
        assert_eq!(settled(1, Ending::Stopped(Stop::Cancelled, None)).0, Status::Cancelled);
        assert_eq!(settled(1, Ending::Stopped(Stop::Cancelled, None)).1, None, "who cancels wants no retry");
        let timed_out = settled(1, Ending::Stopped(Stop::TimedOut, None));
        assert_eq!(timed_out, (Status::TimedOut, Some(1000), Some("ended at its time limit of 1.5 s".into())));
        assert_eq!(settled(1, Ending::Stopped(Stop::CutOff, None)).0, Status::Interrupted);
    }

    #[test]
    fn a_result_that_cannot_be_stored_is_mended() {
        assert_eq!(bounded(json!({"a": ["b\0"]})), json!({"a": ["b\u{fffd}"]}));
        assert!(bounded(json!("x".repeat(RESULT_MAX + 1)))["omitted"].is_string());
        let big = "panic ".repeat(1000);
        let message = settled(1, Ending::of(Err(Box::new(big)))).2.unwrap();
        assert!(message.starts_with("the task type panicked: panic") && message.chars().count() <= MESSAGE_MAX + 1);
    }
}
