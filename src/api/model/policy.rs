//! Response models of policies, with all defaults filled in.

use std::time::Duration;

use serde::Serialize;

use super::named::{BackoffWord, OverlapWord, Seconds};
use crate::domain::alert::AlertLimits;
use crate::domain::input::seconds_value;
use crate::domain::policy::{Policy, Retention, Retry};

view! {
    /// How a task's runs are executed.
    #[derive(Serialize)]
    #[oai(rename = "Policy", read_only_all)]
    pub struct PolicyView from (policy: &Policy) {
        /// The maximum number of concurrent runs of the task, for every cause.
        max_instances: u32 = policy.max_instances,
        /// What happens to a run beyond `max_instances`.
        on_overlap: OverlapWord = OverlapWord(policy.on_overlap.as_str()),
        /// How late an occurrence may still run, in seconds; later it is recorded as missed. Null: no limit.
        misfire_grace_seconds: Option<Seconds> = policy.misfire_grace.map(seconds),
        /// Whether only the latest of several due occurrences runs.
        coalesce: bool = policy.coalesce,
        /// The time limit of an attempt in seconds, after which it is timed out. Null: no limit.
        timeout_seconds: Option<Seconds> = policy.timeout.map(seconds),
        /// Queued runs with a higher priority start first.
        priority: i32 = policy.priority,
        /// The queue whose limit the runs share.
        queue: String = policy.queue.clone(),
        retry: RetryView = RetryView::from(&policy.retry),
        retention: RetentionView = RetentionView::from(policy.retention),
        alert: AlertView = AlertView::from(policy.alert),
    }
}

view! {
    /// The limits beyond which the rules that name these events tell. Each fires once, until the task is well again.
    #[derive(Serialize)]
    #[oai(rename = "AlertLimits", read_only_all)]
    pub struct AlertView from (alert: AlertLimits) {
        /// How late a run may begin, in seconds: event `late`. Null: no limit.
        late_seconds: Option<Seconds> = alert.late.map(seconds),
        /// How long a run may take, in seconds: event `running_long`. Null: no limit.
        running_longer_than_seconds: Option<Seconds> = alert.running_longer_than.map(seconds),
        /// How long the task may be without a success, in seconds: event `no_success`. Null: no limit.
        no_success_for_seconds: Option<Seconds> = alert.no_success_for.map(seconds),
        /// How many runs fail in a row: event `failures_in_a_row`. Null: no limit.
        failures_in_a_row: Option<u32> = alert.failures_in_a_row,
    }
}

view! {
    /// How long executions are kept, where this differs from the server's settings.
    #[derive(Serialize)]
    #[oai(rename = "Retention", read_only_all)]
    pub struct RetentionView from (retention: Retention) {
        /// Days after an execution was queued; 0 keeps all. Null: as in the server's settings.
        max_age_days: Option<u32> = retention.max_age_days,
        /// The number of executions of the task that are kept; 0 keeps all. Null: as in the server's settings.
        max_executions: Option<u32> = retention.max_executions,
    }
}

view! {
    /// When a failed attempt is retried.
    #[derive(Serialize)]
    #[oai(rename = "Retry", read_only_all)]
    pub struct RetryView from (retry: &Retry) {
        /// The total number of attempts; 1 means no retry.
        max_attempts: u32 = retry.max_attempts,
        /// The delay before the second attempt, in seconds.
        delay_seconds: Seconds = seconds(retry.delay),
        /// How the delay grows from one retry to the next.
        backoff: BackoffWord = BackoffWord(retry.backoff.as_str()),
        /// The maximum delay, in seconds.
        max_delay_seconds: Seconds = seconds(retry.max_delay),
        /// A random time up to this is added to each delay, in seconds.
        jitter_seconds: Seconds = seconds(retry.jitter),
        /// Whether an attempt that a crash cut off is tried again, even if `max_attempts` are used up.
        on_interruption: bool = retry.on_interruption,
    }
}

/// Seconds as a JSON number, an integer if possible.
fn seconds(duration: Duration) -> Seconds {
    Seconds(seconds_value(duration))
}
