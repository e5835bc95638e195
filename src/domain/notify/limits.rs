//! The limits of a task's policy that are exceeded while nothing ends: a run that takes or waits too long, no success for too long.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::super::execution::Status;
use super::super::task::Task;
use super::event::NotifyEvent;

/// An unfinished run of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfinishedRun {
    pub execution_id: String,
    pub task_id: String,
    pub status: Status,
    pub scheduled_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    /// Of the first attempt, once it began.
    pub lateness_ms: Option<i64>,
}

/// The runs of a task as far as its limits depend on them.
#[derive(Debug, Clone, Default)]
pub struct TaskRuns {
    pub unfinished: Vec<UnfinishedRun>,
    /// When the last success began.
    pub last_success_at: Option<DateTime<Utc>>,
}

/// A limit that is exceeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    pub task_id: String,
    pub event: NotifyEvent,
    pub execution_id: Option<String>,
}

/// The limits of an enabled task that are exceeded at `now`, each at most once. The time without a success counts from the last
/// success, or from the last change of the task if that is later.
#[must_use]
pub fn breaches(task: &Task, runs: &TaskRuns, now: DateTime<Utc>) -> Vec<Breach> {
    let limits = &task.policy.alert;
    let breach = |event, execution_id| Breach { task_id: task.id.clone(), event, execution_id };
    let of_run = |event, run: Option<&UnfinishedRun>| run.map(|run| breach(event, Some(run.execution_id.clone())));
    let long = limits.running_longer_than.and_then(|limit| runs.unfinished.iter().find(|run| runs_longer(run, limit, now)));
    let late = limits.late.and_then(|limit| runs.unfinished.iter().find(|run| is_late(run, limit, now)));
    let since = runs.last_success_at.map_or(task.updated_at, |at| at.max(task.updated_at));
    let starved = limits.no_success_for.is_some_and(|limit| exceeds(now - since, limit));
    [
        of_run(NotifyEvent::Late, late),
        of_run(NotifyEvent::RunningLong, long),
        starved.then(|| breach(NotifyEvent::NoSuccess, None)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn runs_longer(run: &UnfinishedRun, limit: Duration, now: DateTime<Utc>) -> bool {
    run.status == Status::Running && run.started_at.is_some_and(|started| exceeds(now - started, limit))
}

fn is_late(run: &UnfinishedRun, limit: Duration, now: DateTime<Utc>) -> bool {
    let lateness = run.lateness_ms.map_or(now - run.scheduled_at, TimeDelta::milliseconds);
    exceeds(lateness, limit)
}

fn exceeds(span: TimeDelta, limit: Duration) -> bool {
    span.to_std().is_ok_and(|span| span > limit)
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;
    use serde_json::json;

    use super::*;
    use crate::domain::policy::Policy;
    use crate::domain::task::TaskInput;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn task(alert: serde_json::Value) -> Task {
        let body = json!({"id": "a", "type": "echo", "trigger": {"type": "interval", "hours": 1}, "policy": {"alert": alert}});
        let input = TaskInput::parse(&body, Tz::UTC, |_| Ok(Policy::default())).unwrap();
        Task::new(&input, at(0))
    }

    fn run(status: Status, scheduled: i64, started: Option<i64>) -> UnfinishedRun {
        UnfinishedRun {
            execution_id: "e".into(),
            task_id: "a".into(),
            status,
            scheduled_at: at(scheduled),
            started_at: started.map(at),
            lateness_ms: started.map(|started| (started - scheduled) * 1000),
        }
    }

    fn events(task: &Task, runs: Vec<UnfinishedRun>, last_success: Option<i64>, now: i64) -> Vec<NotifyEvent> {
        let runs = TaskRuns { unfinished: runs, last_success_at: last_success.map(at) };
        breaches(task, &runs, at(now)).into_iter().map(|breach| breach.event).collect()
    }

    #[test]
    fn running_runs_exceed_their_limit() {
        let task = task(json!({"running_longer_than_seconds": 10}));
        let running = || vec![run(Status::Running, 0, Some(5))];
        assert_eq!(events(&task, running(), None, 15), []);
        assert_eq!(events(&task, running(), None, 16), [NotifyEvent::RunningLong]);
        assert_eq!(events(&task, vec![run(Status::Queued, 0, None)], None, 99), []);
    }

    #[test]
    fn runs_that_wait_too_long_are_late() {
        let task = task(json!({"late_seconds": 10}));
        assert_eq!(events(&task, vec![run(Status::Queued, 0, None)], None, 10), []);
        assert_eq!(events(&task, vec![run(Status::Queued, 0, None)], None, 11), [NotifyEvent::Late]);
        assert_eq!(events(&task, vec![run(Status::Running, 0, Some(9))], None, 99), [], "it began in time");
    }

    #[test]
    fn time_without_success_counts_from_the_last_success_or_change() {
        let task = task(json!({"no_success_for_seconds": 60}));
        assert_eq!((events(&task, vec![], None, 60), events(&task, vec![], None, 61)), (vec![], vec![NotifyEvent::NoSuccess]));
        assert_eq!(events(&task, vec![], Some(30), 90), []);
        assert_eq!(events(&task, vec![], Some(-500), 60), [], "changed since");
    }
}
