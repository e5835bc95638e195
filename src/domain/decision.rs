//! Firing decisions: whether each due occurrence of a task runs, is skipped or is missed. Each is decided exactly once.

use chrono::{DateTime, Duration, Utc};

use super::execution::Status;
use super::task::Task;
use super::trigger::Trigger;
use crate::i18n::{Message, message};

/// An occurrence decided later than this after its scheduled time is run as a catch-up.
const CATCH_UP_AFTER: Duration = Duration::seconds(10);

/// The decided occurrences of a task, and its next firing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Oldest first.
    pub occurrences: Vec<Occurrence>,
    /// `None`: never again.
    pub next: Option<Firing>,
}

/// A planned firing: the time given by the rule, and the time with jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Firing {
    pub rule_at: DateTime<Utc>,
    /// `rule_at` and its jitter.
    pub run_at: DateTime<Utc>,
}

/// One scheduled time and its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    pub scheduled_at: DateTime<Utc>,
    pub outcome: FiringOutcome,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FiringOutcome {
    Run {
        catch_up: bool,
    },
    /// `max_instances` runs are queued or running already; the reason.
    Skipped(Message),
    /// Past its grace period, or coalesced into a later occurrence; the reason.
    Missed(Message),
}

impl FiringOutcome {
    /// The status of the occurrence's execution, with the reason if it does not run.
    pub fn into_status(self) -> (Status, Option<Message>) {
        match self {
            FiringOutcome::Run { .. } => (Status::Queued, None),
            FiringOutcome::Skipped(reason) => (Status::Skipped, Some(reason)),
            FiringOutcome::Missed(reason) => (Status::Missed, Some(reason)),
        }
    }
}

/// The first firing at or after `from`.
pub fn first_firing(task_id: &str, rule: &Trigger, from: DateTime<Utc>, anchor: DateTime<Utc>) -> Option<Firing> {
    rule.next_at_or_after(from, anchor).map(|rule_at| firing(task_id, rule, rule_at, anchor))
}

fn firing(task_id: &str, rule: &Trigger, rule_at: DateTime<Utc>, anchor: DateTime<Utc>) -> Firing {
    Firing { rule_at, run_at: rule.fire_time(rule_at, task_id, anchor) }
}

/// Decides the due occurrences of a task, oldest first, at most `limit`. If more are due, [`Decision::next`] lies in the
/// past and the next call decides the rest. `active` is the number of queued or running executions of the task, `since`
/// the start of this scheduler: earlier occurrences are catch-ups.
pub fn decide(task: &Task, rule: &Trigger, now: DateTime<Utc>, since: DateTime<Utc>, active: i64, limit: usize) -> Decision {
    let mut next = task.next_run_at.zip(task.next_rule_at).map(|(run_at, rule_at)| Firing { rule_at, run_at });
    let mut due = Vec::new();
    while let Some(at) = next.filter(|firing| firing.run_at <= now && due.len() < limit) {
        due.push(at.run_at);
        let after = rule.next_after(at.rule_at, task.anchor_at);
        next = after.map(|rule_at| firing(&task.id, rule, rule_at, task.anchor_at));
    }
    let more = next.is_some_and(|firing| firing.run_at <= now);
    let latest = if more { None } else { due.last().copied() };
    let mut active = active;
    let mut occurrences = Vec::with_capacity(due.len());
    for scheduled_at in due {
        let outcome = outcome(task, scheduled_at, latest, now, since, active);
        active += i64::from(matches!(outcome, FiringOutcome::Run { .. }));
        occurrences.push(Occurrence { scheduled_at, outcome });
    }
    Decision { occurrences, next }
}

fn outcome(
    task: &Task,
    at: DateTime<Utc>,
    latest: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    since: DateTime<Utc>,
    active: i64,
) -> FiringOutcome {
    let late = now - at;
    if let Some(grace) = task.policy.misfire_grace
        && late > Duration::from_std(grace).unwrap_or(Duration::MAX)
    {
        return FiringOutcome::Missed(message!("firing.too_late", late = late.num_seconds(), grace = grace.as_secs_f64()));
    }
    if task.policy.coalesce && latest != Some(at) {
        return FiringOutcome::Missed(message!("firing.coalesced"));
    }
    overlap(task, active).unwrap_or(FiringOutcome::Run { catch_up: at < since || late > CATCH_UP_AFTER })
}

/// Decides the firing of an idle trigger, when the machine has been idle long enough.
pub fn decide_idle(task: &Task, active: i64) -> FiringOutcome {
    overlap(task, active).unwrap_or(FiringOutcome::Run { catch_up: false })
}

fn overlap(task: &Task, active: i64) -> Option<FiringOutcome> {
    let max = task.policy.max_instances;
    (active >= i64::from(max)).then(|| FiringOutcome::Skipped(message!("firing.overlap", active, max)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration as StdDuration;

    use chrono_tz::Tz;
    use serde_json::json;

    use super::*;
    use crate::domain::policy::Policy;
    use crate::domain::task::TaskInput;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    fn every_ten_seconds(policy: Policy) -> (Task, Trigger) {
        let value = json!({"id": "a", "type": "echo", "trigger": {"type": "interval", "seconds": 10}});
        let input = TaskInput::parse(&value, Tz::UTC, |_| Ok(policy.clone())).unwrap();
        let (next_run_at, next_rule_at) = (Some(at(10)), Some(at(10)));
        let task = Task { next_run_at, next_rule_at, ..Task::new(&input, at(0)) };
        (task, input.rule)
    }

    fn outcomes(policy: Policy, now: i64, active: i64, limit: usize) -> (Vec<&'static str>, Option<i64>) {
        let (task, rule) = every_ten_seconds(policy);
        let decision = decide(&task, &rule, at(now), at(0), active, limit);
        let name = |occurrence: &Occurrence| match occurrence.outcome {
            FiringOutcome::Run { catch_up: false } => "run",
            FiringOutcome::Run { catch_up: true } => "catch up",
            FiringOutcome::Skipped(_) => "skipped",
            FiringOutcome::Missed(_) => "missed",
        };
        (decision.occurrences.iter().map(name).collect(), decision.next.map(|n| (n.run_at - at(0)).num_seconds()))
    }

    #[test]
    fn an_instant_on_time_runs_and_the_grid_goes_on() {
        assert_eq!(outcomes(Policy::default(), 10, 0, 100), (vec!["run"], Some(20)));
        assert_eq!(outcomes(Policy::default(), 9, 0, 100), (vec![], Some(10)));
    }

    #[test]
    fn of_several_only_the_latest_runs() {
        assert_eq!(outcomes(Policy::default(), 45, 0, 100), (vec!["missed", "missed", "missed", "run"], Some(50)));
    }

    #[test]
    fn without_coalescing_each_within_its_grace_runs_in_order() {
        let grace = Some(StdDuration::from_secs(20));
        let policy = Policy { coalesce: false, misfire_grace: grace, max_instances: 9, ..Policy::default() };
        assert_eq!(outcomes(policy.clone(), 45, 0, 100), (vec!["missed", "missed", "catch up", "run"], Some(50)));
        let one = Policy { max_instances: 1, ..policy };
        assert_eq!(outcomes(one, 45, 0, 100), (vec!["missed", "missed", "catch up", "skipped"], Some(50)));
    }

    #[test]
    fn too_late_is_missed_even_for_the_latest() {
        let policy = Policy { misfire_grace: Some(StdDuration::ZERO), ..Policy::default() };
        assert_eq!(outcomes(policy.clone(), 10, 0, 100), (vec!["run"], Some(20)));
        assert_eq!(outcomes(policy, 11, 0, 100), (vec!["missed"], Some(20)));
        let any = Policy { misfire_grace: None, ..Policy::default() };
        assert_eq!(outcomes(any, 1_000_009, 0, 200_000).0.last(), Some(&"run"));
    }

    #[test]
    fn overlap_is_skipped() {
        assert_eq!(outcomes(Policy::default(), 10, 1, 100).0, ["skipped"]);
        assert_eq!(outcomes(Policy { max_instances: 2, ..Policy::default() }, 10, 1, 100).0, ["run"]);
    }

    #[test]
    fn a_long_absence_is_decided_in_steps_and_only_the_last_runs() {
        let (mut task, rule) = every_ten_seconds(Policy::default());
        let (mut decided, mut ran) = (0, 0);
        loop {
            let decision = decide(&task, &rule, at(1000), at(990), 0, 7);
            decided += decision.occurrences.len();
            ran += decision.occurrences.iter().filter(|d| matches!(d.outcome, FiringOutcome::Run { .. })).count();
            task.next_run_at = decision.next.map(|n| n.run_at);
            task.next_rule_at = decision.next.map(|n| n.rule_at);
            if task.next_run_at.is_none_or(|next| next > at(1000)) {
                break;
            }
        }
        assert_eq!((decided, ran, task.next_run_at), (100, 1, Some(at(1010))));
    }

    #[test]
    fn what_was_due_before_the_start_is_a_catch_up() {
        let (task, rule) = every_ten_seconds(Policy::default());
        let decision = decide(&task, &rule, at(11), at(11), 0, 9);
        assert_eq!(decision.occurrences[0].outcome, FiringOutcome::Run { catch_up: true });
    }
}
