//! Jobs: the queue entries for single attempts of executions. A job holds all that the worker needs, so starting a run
//! needs no read.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::policy::{Backoff, Policy, Retry};

/// The payload of one attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub execution_id: String,
    /// From 1; a result is accepted only from the execution's current attempt.
    pub attempt: i64,
    pub task_id: String,
    pub task_type: String,
    pub params: Value,
    /// The execution whose end started this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_by: Option<String>,
    /// Whether the task has a chain.
    #[serde(default, skip_serializing_if = "is_false")]
    pub chained: bool,
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub scheduled_at: DateTime<Utc>,
    /// `None`: no limit.
    pub timeout_ms: Option<u64>,
    pub retry: JobRetry,
}

/// [`Retry`] as stored in a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRetry {
    pub max_attempts: u32,
    pub delay_ms: u64,
    pub exponential: bool,
    pub max_delay_ms: u64,
    pub jitter_ms: u64,
}

impl Job {
    /// The unique key of the job in the queue, so that an attempt is queued once.
    pub fn idempotency_key(&self) -> String {
        format!("{}#{}", self.execution_id, self.attempt)
    }

    /// The time limit in milliseconds and the retry rule of a policy.
    pub fn limits(policy: &Policy) -> (Option<u64>, JobRetry) {
        (policy.timeout.map(|t| t.as_millis() as u64), JobRetry::from(&policy.retry))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

impl From<&Retry> for JobRetry {
    fn from(retry: &Retry) -> Self {
        Self {
            max_attempts: retry.max_attempts,
            delay_ms: retry.delay.as_millis() as u64,
            exponential: retry.backoff == Backoff::Exponential,
            max_delay_ms: retry.max_delay.as_millis() as u64,
            jitter_ms: retry.jitter.as_millis() as u64,
        }
    }
}

impl From<JobRetry> for Retry {
    fn from(retry: JobRetry) -> Self {
        use std::time::Duration;
        Self {
            max_attempts: retry.max_attempts,
            delay: Duration::from_millis(retry.delay_ms),
            backoff: if retry.exponential { Backoff::Exponential } else { Backoff::Fixed },
            max_delay: Duration::from_millis(retry.max_delay_ms),
            jitter: Duration::from_millis(retry.jitter_ms),
        }
    }
}
