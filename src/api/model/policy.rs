//! A policy as answers show it: complete, nothing left to defaults.

use std::time::Duration;

use poem_openapi::Object;

use super::named::{BackoffWord, Seconds};
use crate::domain::input::seconds_value;
use crate::domain::policy::{Policy, Retention, Retry};

/// How a task's runs are treated.
#[derive(Default, Object)]
#[oai(rename = "Policy", read_only_all)]
pub struct PolicyView {
    /// How many runs of the task may go on at once; an instant due beyond that is skipped.
    max_instances: u32,
    /// How late an instant may still run, in seconds; later it is recorded as missed. Null: however late.
    misfire_grace_seconds: Option<Seconds>,
    /// Of several due instants only the latest runs.
    coalesce: bool,
    /// After this many seconds an attempt is ended as timed out. Null: no limit.
    timeout_seconds: Option<Seconds>,
    /// Jobs of a higher priority start first.
    priority: i32,
    /// The queue whose limit the runs share.
    queue: String,
    retry: RetryView,
    retention: RetentionView,
}

/// How long executions stay on record, where the server's settings do not hold.
#[derive(Default, Object)]
#[oai(rename = "Retention", read_only_all)]
pub struct RetentionView {
    /// Days after an execution was queued; 0 keeps all. Null: as the server's settings say.
    max_age_days: Option<u32>,
    /// How many executions of the task; 0 keeps all. Null: as the server's settings say.
    max_executions: Option<u32>,
}

/// When a failed attempt is tried again.
#[derive(Default, Object)]
#[oai(rename = "Retry", read_only_all)]
pub struct RetryView {
    /// Attempts in all; 1 means no retry.
    max_attempts: u32,
    /// The wait before the second attempt, in seconds.
    delay_seconds: Seconds,
    /// How the wait grows from one retry to the next.
    backoff: BackoffWord,
    /// No wait is longer than this, in seconds.
    max_delay_seconds: Seconds,
    /// A random time up to this is added to each wait, in seconds.
    jitter_seconds: Seconds,
}

impl From<&Policy> for PolicyView {
    fn from(policy: &Policy) -> Self {
        Self {
            max_instances: policy.max_instances,
            misfire_grace_seconds: policy.misfire_grace.map(seconds),
            coalesce: policy.coalesce,
            timeout_seconds: policy.timeout.map(seconds),
            priority: policy.priority,
            queue: policy.queue.clone(),
            retry: RetryView::from(&policy.retry),
            retention: RetentionView::from(policy.retention),
        }
    }
}

impl From<Retention> for RetentionView {
    fn from(retention: Retention) -> Self {
        Self { max_age_days: retention.max_age_days, max_executions: retention.max_executions }
    }
}

impl From<&Retry> for RetryView {
    fn from(retry: &Retry) -> Self {
        Self {
            max_attempts: retry.max_attempts,
            delay_seconds: seconds(retry.delay),
            backoff: BackoffWord(retry.backoff.as_str()),
            max_delay_seconds: seconds(retry.max_delay),
            jitter_seconds: seconds(retry.jitter),
        }
    }
}

/// Seconds as a number: whole where they are whole.
fn seconds(duration: Duration) -> Seconds {
    Seconds(seconds_value(duration))
}
