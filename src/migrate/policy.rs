//! Task policies that keep the ways of other schedulers.

use serde_json::{Map, Value, json};

/// Lateness up to which an occurrence counts as on time where the other scheduler does not catch up: the seconds after which a run
/// is a catch-up here.
pub const ON_TIME_SECONDS: i64 = 10;
/// Most concurrent runs that a policy may allow.
const MAX_INSTANCES: i64 = 1000;
/// The longest time limit and grace of a policy, in seconds: 366 days.
const MAX_SECONDS: i64 = 31_622_400;

/// A policy under construction; what is not set has the task type's default.
#[derive(Debug, Clone, Default)]
pub struct PolicyBuilder(Map<String, Value>);

impl PolicyBuilder {
    /// Whether runs of the task may overlap.
    #[must_use]
    pub fn overlap(self, allowed: bool) -> Self {
        if allowed { self.set("on_overlap", json!("allow")) } else { self.set("max_instances", json!(1)) }
    }

    /// The number of concurrent runs.
    #[must_use]
    pub fn max_instances(self, count: i64) -> Self {
        self.set("max_instances", json!(count.clamp(1, MAX_INSTANCES)))
    }

    /// The time limit in seconds. `None` or 0: no limit.
    #[must_use]
    pub fn timeout(self, seconds: Option<i64>) -> Self {
        let seconds = seconds.filter(|seconds| *seconds > 0).map(|seconds| seconds.min(MAX_SECONDS));
        self.set("timeout_seconds", json!(seconds))
    }

    /// How late an occurrence may run, in seconds. `None`: any time later, once.
    #[must_use]
    pub fn catch_up(self, seconds: Option<i64>) -> Self {
        self.set("misfire_grace_seconds", json!(seconds.map(|seconds| seconds.clamp(0, MAX_SECONDS))))
    }

    /// The retries after a failed attempt, with the same delay in seconds before each.
    #[must_use]
    pub fn retry(self, count: i64, delay: i64) -> Self {
        if count <= 0 {
            return self;
        }
        let delay = delay.clamp(0, 86_400);
        let retry =
            json!({"max_attempts": count.min(99) + 1, "delay_seconds": delay, "backoff": "fixed", "max_delay_seconds": delay});
        self.set("retry", retry)
    }

    #[must_use]
    pub fn coalesce(self, given: bool) -> Self {
        self.set("coalesce", json!(given))
    }

    pub fn build(self) -> Value {
        Value::Object(self.0)
    }

    fn set(mut self, name: &str, value: Value) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }
}
