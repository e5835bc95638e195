//! Task policies: misfire grace, overlap, time limit, priority, queue, retries and retention. Names follow APScheduler
//! where it has one.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::alert::AlertLimits;
use super::fault::Fault;
use super::input::{Fields, seconds_value};
use super::overlap::{ActiveRuns, Admission, OnOverlap};
use super::text_enum::text_enum;

/// A task's policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// The maximum number of concurrent runs of the task, 1 to 1000.
    pub max_instances: u32,
    /// What happens to a run beyond `max_instances`.
    pub on_overlap: OnOverlap,
    /// How late an occurrence may still run; beyond that it is recorded as missed. `None`: no limit.
    pub misfire_grace: Option<Duration>,
    /// True: of several due occurrences only the latest runs.
    pub coalesce: bool,
    /// The time limit of an attempt. `None`: no limit.
    pub timeout: Option<Duration>,
    /// Jobs of a higher priority start first, -1000 to 1000.
    pub priority: i32,
    /// The queue of its jobs.
    pub queue: String,
    pub retry: Retry,
    pub retention: Retention,
    pub alert: AlertLimits,
}

/// The retention of a task's executions. `None`: the server's setting applies; 0: unlimited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// Days after an execution was queued, 0 to 36500.
    pub max_age_days: Option<u32>,
    /// The number of executions kept, 0 to 1000000000.
    pub max_executions: Option<u32>,
}

/// When a failed attempt is retried.
#[derive(Debug, Clone, PartialEq)]
pub struct Retry {
    /// The total number of attempts, 1 to 100; 1 means no retry.
    pub max_attempts: u32,
    /// The delay before the second attempt.
    pub delay: Duration,
    pub backoff: Backoff,
    /// The upper limit of the delay, without jitter.
    pub max_delay: Duration,
    /// The upper limit of the random time that is added to each delay.
    pub jitter: Duration,
    /// Whether an attempt that a crash cut off is tried again, even if it was the last one.
    pub on_interruption: bool,
}

text_enum! {
    /// How the delay grows from one retry to the next.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Backoff {
        /// The same delay each time.
        Fixed = "fixed",
        /// The delay doubles each time.
        Exponential = "exponential",
    }
}

/// The queue of tasks without one.
pub const DEFAULT_QUEUE: &str = "default";
/// The maximum of misfire grace and time limits, in seconds.
const YEAR: f64 = 31_622_400.0;
/// The maximum of a retry delay in seconds, so that an execution ends within a foreseeable time.
const DAY: f64 = 86_400.0;

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_instances: 1,
            on_overlap: OnOverlap::Skip,
            misfire_grace: Some(Duration::from_secs(3600)),
            coalesce: true,
            timeout: Some(Duration::from_secs(3600)),
            priority: 0,
            queue: DEFAULT_QUEUE.to_owned(),
            retry: Retry::default(),
            retention: Retention::default(),
            alert: AlertLimits::default(),
        }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            max_attempts: 1,
            delay: Duration::from_secs(10),
            backoff: Backoff::Exponential,
            max_delay: Duration::from_secs(600),
            jitter: Duration::ZERO,
            on_interruption: true,
        }
    }
}

impl Policy {
    /// Parses a policy; absent fields come from `default`.
    ///
    /// # Errors
    /// Every fault, with pointers below `/policy`.
    pub fn parse(value: &Value, default: &Policy) -> Result<Policy, Vec<Fault>> {
        let mut f = Fields::new(value, "/policy");
        let policy = Policy {
            max_instances: f.integer("max_instances", 1, 1000, i64::from(default.max_instances)) as u32,
            on_overlap: f.choice("on_overlap", &OnOverlap::WORDS, default.on_overlap),
            misfire_grace: f.optional_seconds("misfire_grace_seconds", 0.0, YEAR, default.misfire_grace),
            coalesce: f.boolean("coalesce", default.coalesce),
            timeout: f.optional_seconds("timeout_seconds", 0.001, YEAR, default.timeout),
            priority: f.integer("priority", -1000, 1000, i64::from(default.priority)) as i32,
            queue: f.text("queue", 64, &default.queue),
            retry: match f.take("retry") {
                None => default.retry.clone(),
                Some(retry) => f.collect(Retry::parse(&retry, &default.retry)).unwrap_or_default(),
            },
            retention: match f.take("retention") {
                None => default.retention,
                Some(retention) => f.collect(Retention::parse(&retention)).unwrap_or_default(),
            },
            alert: match f.take_nullable("alert") {
                None => default.alert,
                Some(alert) => f.collect(AlertLimits::parse(&alert)).unwrap_or_default(),
            },
        };
        f.finish(policy)
    }

    /// Decides on `count` new runs of a task with these unfinished runs.
    #[must_use]
    pub fn admit(&self, active: ActiveRuns, count: usize) -> Admission {
        self.on_overlap.admit(self.max_instances, active, count)
    }

    /// How many waiting runs may start now.
    #[must_use]
    pub fn releasable(&self, active: ActiveRuns) -> i64 {
        self.on_overlap.releasable(self.max_instances, active)
    }

    /// The policy as JSON, with every field.
    pub fn to_json(&self) -> Value {
        json!({
            "max_instances": self.max_instances,
            "on_overlap": self.on_overlap.as_str(),
            "misfire_grace_seconds": self.misfire_grace.map(seconds_value),
            "coalesce": self.coalesce,
            "timeout_seconds": self.timeout.map(seconds_value),
            "priority": self.priority,
            "queue": self.queue,
            "retry": self.retry.to_json(),
            "retention": self.retention.to_json(),
            "alert": self.alert.to_json(),
        })
    }
}

impl Retention {
    fn parse(value: &Value) -> Result<Retention, Vec<Fault>> {
        let mut f = Fields::new(value, "/policy/retention");
        let retention = Retention {
            max_age_days: f.optional_integer("max_age_days", 0, 36_500).map(|days| days as u32),
            max_executions: f.optional_integer("max_executions", 0, 1_000_000_000).map(|count| count as u32),
        };
        f.finish(retention)
    }

    fn to_json(self) -> Value {
        json!({"max_age_days": self.max_age_days, "max_executions": self.max_executions})
    }
}

impl Retry {
    fn parse(value: &Value, default: &Retry) -> Result<Retry, Vec<Fault>> {
        let mut f = Fields::new(value, "/policy/retry");
        let retry = Retry {
            max_attempts: f.integer("max_attempts", 1, 100, i64::from(default.max_attempts)) as u32,
            delay: f.seconds("delay_seconds", 0.0, DAY, default.delay),
            backoff: f.choice("backoff", &Backoff::WORDS, default.backoff),
            max_delay: f.seconds("max_delay_seconds", 0.0, DAY, default.max_delay),
            jitter: f.seconds("jitter_seconds", 0.0, DAY, default.jitter),
            on_interruption: f.boolean("on_interruption", default.on_interruption),
        };
        f.finish(retry)
    }

    fn to_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("max_attempts".into(), self.max_attempts.into());
        map.insert("delay_seconds".into(), seconds_value(self.delay));
        map.insert("backoff".into(), self.backoff.as_str().into());
        map.insert("max_delay_seconds".into(), seconds_value(self.max_delay));
        map.insert("jitter_seconds".into(), seconds_value(self.jitter));
        map.insert("on_interruption".into(), self.on_interruption.into());
        Value::Object(map)
    }

    /// The delay after the failed attempt number `attempt` (from 1); `None` after the last attempt. `random`, uniform in
    /// 0..1, scales the jitter.
    pub fn wait_after(&self, attempt: u32, random: f64) -> Option<Duration> {
        (attempt < self.max_attempts).then(|| self.delay_after(attempt, random))
    }

    /// As [`Retry::wait_after`], for an attempt that a crash cut off: with `on_interruption` also after the last attempt.
    pub fn wait_after_interruption(&self, attempt: u32, random: f64) -> Option<Duration> {
        (self.on_interruption || attempt < self.max_attempts).then(|| self.delay_after(attempt, random))
    }

    fn delay_after(&self, attempt: u32, random: f64) -> Duration {
        let doublings = match self.backoff {
            Backoff::Fixed => 0,
            Backoff::Exponential => attempt.saturating_sub(1).min(40),
        };
        let wait = self.delay.as_secs_f64() * 2f64.powi(doublings as i32);
        let wait = Duration::from_secs_f64(wait.min(self.max_delay.as_secs_f64()));
        wait + self.jitter.mul_f64(random.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry(backoff: Backoff) -> Retry {
        Retry { max_attempts: 5, backoff, ..Retry::default() }
    }

    #[test]
    fn exponential_delay_is_capped_and_ends_with_the_last_attempt() {
        let retry = Retry { max_delay: Duration::from_secs(35), ..retry(Backoff::Exponential) };
        let waits: Vec<_> = (1..=5).map(|attempt| retry.wait_after(attempt, 0.0).map(|w| w.as_secs())).collect();
        assert_eq!(waits, [Some(10), Some(20), Some(35), Some(35), None]);
        assert_eq!(super::tests::retry(Backoff::Fixed).wait_after(4, 0.0), Some(Duration::from_secs(10)));
    }

    #[test]
    fn interruption_is_retried_beyond_the_last_attempt_unless_refused() {
        let once = Retry::default();
        assert_eq!((once.wait_after(1, 0.0), once.wait_after_interruption(1, 0.0)), (None, Some(Duration::from_secs(10))));
        let refused = Retry { on_interruption: false, ..Retry::default() };
        assert_eq!(refused.wait_after_interruption(1, 0.0), None);
        let several = Retry { on_interruption: false, ..retry(Backoff::Fixed) };
        assert_eq!(several.wait_after_interruption(1, 0.0), Some(Duration::from_secs(10)), "as after any failure");
    }

    #[test]
    fn jitter_is_added_to_the_delay() {
        let retry = Retry { jitter: Duration::from_secs(4), ..retry(Backoff::Fixed) };
        assert_eq!(retry.wait_after(1, 0.5), Some(Duration::from_secs(12)));
    }

    #[test]
    fn policy_round_trips_through_json() {
        let given = json!({"max_instances": 3, "on_overlap": "queue", "misfire_grace_seconds": null, "coalesce": false, "timeout_seconds": 1.5,
            "priority": -2, "queue": "slow", "retry": {"max_attempts": 3, "backoff": "fixed", "jitter_seconds": 2, "on_interruption": false},
            "retention": {"max_age_days": 0, "max_executions": 100},
            "alert": {"late_seconds": 60, "failures_in_a_row": 3}});
        let policy = Policy::parse(&given, &Policy::default()).unwrap();
        assert_eq!((policy.on_overlap, policy.misfire_grace), (OnOverlap::Queue, None));
        assert_eq!(policy.timeout, Some(Duration::from_millis(1500)));
        assert_eq!(policy.retention, Retention { max_age_days: Some(0), max_executions: Some(100) });
        let late = Some(Duration::from_secs(60));
        assert_eq!(policy.alert, AlertLimits { late, failures_in_a_row: Some(3), ..AlertLimits::default() });
        assert_eq!(Policy::parse(&policy.to_json(), &Policy::default()), Ok(policy));
    }

    #[test]
    fn null_is_refused_where_it_has_no_meaning() {
        let given = json!({"max_instances": null, "coalesce": null, "timeout_seconds": null, "queue": null, "retry": {"backoff": null},
            "retention": {"max_age_days": null}});
        let faults = Policy::parse(&given, &Policy::default()).unwrap_err();
        let found: Vec<_> = faults.iter().map(|fault| fault.message.to_string()).collect();
        let refused = |name: &str| format!("{name}: null is not allowed; leave it out or give a value");
        assert_eq!(found, ["max_instances", "coalesce", "queue", "backoff"].map(refused));
    }

    #[test]
    fn parse_reports_every_fault() {
        let given = json!({"max_instances": 0, "on_overlap": "wait", "priority": "high", "retry": {"backoff": "linear"},
            "retention": {"max_executions": -1}, "alert": {"late_seconds": 0, "failures_in_a_row": 41}, "retries": 3});
        let faults = Policy::parse(&given, &Policy::default()).unwrap_err();
        let found: Vec<_> = faults.iter().map(|f| f.pointer.as_str()).collect();
        let expected = [
            "/policy/max_instances",
            "/policy/on_overlap",
            "/policy/priority",
            "/policy/retry/backoff",
            "/policy/retention/max_executions",
            "/policy/alert/late_seconds",
            "/policy/alert/failures_in_a_row",
            "/policy/retries",
        ];
        assert_eq!(found, expected);
        assert_eq!(faults[0].message.to_string(), "max_instances: 0 is not between 1 and 1000");
        assert_eq!(faults[1].message.to_string(), "on_overlap: 'wait' is not one of skip, queue, cancel_running, allow");
        assert_eq!(faults[3].message.to_string(), "backoff: 'linear' is not one of fixed, exponential");
        assert_eq!(faults[4].message.to_string(), "max_executions: -1 is not between 0 and 1000000000");
        assert_eq!(faults[7].message.to_string(), "retries: unknown field");
    }
}
