//! Response models of policies, with all defaults filled in.

use std::time::Duration;

use poem_openapi::Object;
use serde::Serialize;

use super::named::{BackoffWord, OverlapWord, Seconds};
use crate::domain::alert::AlertLimits;
use crate::domain::input::seconds_value;
use crate::domain::policy::{Policy, Retention, Retry};

/// How a task's runs are executed.
#[derive(Default, Object, Serialize)]
#[oai(rename = "Policy", read_only_all)]
pub struct PolicyView {
    /// The maximum number of concurrent runs of the task, for every cause.
    max_instances: u32,
    /// What happens to a run beyond `max_instances`.
    on_overlap: OverlapWord,
    /// How late an occurrence may still run, in seconds; later it is recorded as missed. Null: no limit.
    misfire_grace_seconds: Option<Seconds>,
    /// Whether only the latest of several due occurrences runs.
    coalesce: bool,
    /// The time limit of an attempt in seconds, after which it is timed out. Null: no limit.
    timeout_seconds: Option<Seconds>,
    /// Queued runs with a higher priority start first.
    priority: i32,
    /// The queue whose limit the runs share.
    queue: String,
    retry: RetryView,
    retention: RetentionView,
    alert: AlertView,
}

/// The limits beyond which the rules that name these events tell. Each fires once, until the task is well again.
#[derive(Default, Object, Serialize)]
#[oai(rename = "AlertLimits", read_only_all)]
pub struct AlertView {
    /// How late a run may begin, in seconds: event `late`. Null: no limit.
    late_seconds: Option<Seconds>,
    /// How long a run may take, in seconds: event `running_long`. Null: no limit.
    running_longer_than_seconds: Option<Seconds>,
    /// How long the task may be without a success, in seconds: event `no_success`. Null: no limit.
    no_success_for_seconds: Option<Seconds>,
    /// How many runs fail in a row: event `failures_in_a_row`. Null: no limit.
    failures_in_a_row: Option<u32>,
}

/// How long executions are kept, where this differs from the server's settings.
#[derive(Default, Object, Serialize)]
#[oai(rename = "Retention", read_only_all)]
pub struct RetentionView {
    /// Days after an execution was queued; 0 keeps all. Null: as in the server's settings.
    max_age_days: Option<u32>,
    /// The number of executions of the task that are kept; 0 keeps all. Null: as in the server's settings.
    max_executions: Option<u32>,
}

/// When a failed attempt is retried.
#[derive(Default, Object, Serialize)]
#[oai(rename = "Retry", read_only_all)]
pub struct RetryView {
    /// The total number of attempts; 1 means no retry.
    max_attempts: u32,
    /// The delay before the second attempt, in seconds.
    delay_seconds: Seconds,
    /// How the delay grows from one retry to the next.
    backoff: BackoffWord,
    /// The maximum delay, in seconds.
    max_delay_seconds: Seconds,
    /// A random time up to this is added to each delay, in seconds.
    jitter_seconds: Seconds,
    /// Whether an attempt that a crash cut off is tried again, even if `max_attempts` are used up.
    on_interruption: bool,
}

impl From<&Policy> for PolicyView {
    fn from(policy: &Policy) -> Self {
        Self {
            max_instances: policy.max_instances,
            on_overlap: OverlapWord(policy.on_overlap.as_str()),
            misfire_grace_seconds: policy.misfire_grace.map(seconds),
            coalesce: policy.coalesce,
            timeout_seconds: policy.timeout.map(seconds),
            priority: policy.priority,
            queue: policy.queue.clone(),
            retry: RetryView::from(&policy.retry),
            retention: RetentionView::from(policy.retention),
            alert: AlertView::from(policy.alert),
        }
    }
}

impl From<AlertLimits> for AlertView {
    fn from(alert: AlertLimits) -> Self {
        Self {
            late_seconds: alert.late.map(seconds),
            running_longer_than_seconds: alert.running_longer_than.map(seconds),
            no_success_for_seconds: alert.no_success_for.map(seconds),
            failures_in_a_row: alert.failures_in_a_row,
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
            on_interruption: retry.on_interruption,
        }
    }
}

/// Seconds as a JSON number, an integer if possible.
fn seconds(duration: Duration) -> Seconds {
    Seconds(seconds_value(duration))
}
