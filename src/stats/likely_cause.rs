//! The causes of failures: the errors that several of them share.

use chrono::{DateTime, Utc};

use crate::domain::execution::Execution;

/// Failures with the same error.
#[derive(Debug, Clone, PartialEq)]
pub struct FailureGroup {
    /// The newest run with the error.
    pub newest: Execution,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
    pub failures: usize,
    /// The tasks that failed, the latest first.
    pub tasks: Vec<String>,
}

/// Groups failures by the first line of their error, ignoring digits; the group with the newest failure first. `failures` is newest
/// first.
pub fn by_cause(failures: &[Execution]) -> Vec<FailureGroup> {
    let mut groups: Vec<(String, FailureGroup)> = Vec::new();
    for run in failures {
        let line = run.error.as_deref().unwrap_or_default().lines().next().unwrap_or_default();
        let (kind, at) = (format!("{}:{}", run.status.as_str(), without_numbers(line)), run.started_at.unwrap_or(run.queued_at));
        match groups.iter_mut().find(|(known, _)| *known == kind) {
            None => {
                let tasks = vec![run.task_id.clone()];
                groups.push((kind, FailureGroup { newest: run.clone(), first_at: at, last_at: at, failures: 1, tasks }));
            }
            Some((_, group)) => {
                (group.first_at, group.last_at, group.failures) =
                    (group.first_at.min(at), group.last_at.max(at), group.failures + 1);
                if !group.tasks.contains(&run.task_id) {
                    group.tasks.push(run.task_id.clone());
                }
            }
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// An error that several failures share.
#[derive(Debug, Clone, PartialEq)]
pub struct LikelyCause {
    /// The newest run with the error.
    pub execution: Execution,
    pub failures: usize,
    pub of: usize,
}

/// The most frequent error, ignoring digits, if at least two of the failures share it. `failures` is newest first.
pub fn likely_cause(failures: &[Execution]) -> Option<LikelyCause> {
    let failed: Vec<(&Execution, &str)> =
        failures.iter().filter_map(|run| Some((run, run.error.as_deref()?.lines().next()?))).collect();
    let kinds: Vec<String> = failed.iter().map(|(_, line)| without_numbers(line)).collect();
    let count = |kind: &String| kinds.iter().filter(|other| *other == kind).count();
    // Of equally frequent errors the newest wins.
    let (place, found) = kinds.iter().map(count).enumerate().max_by_key(|(place, found)| (*found, std::cmp::Reverse(*place)))?;
    (found > 1).then(|| LikelyCause { execution: failed[place].0.clone(), failures: found, of: failures.len() })
}

fn without_numbers(line: &str) -> String {
    line.chars().filter(|c| !c.is_ascii_digit()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::execution::{Cause, Status};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn failure(error: &str) -> Execution {
        let now = at("2026-11-21T08:00:00Z");
        Execution {
            id: "1".into(),
            task_id: "a".into(),
            task_type: "echo".into(),
            task_version: Some(1),
            started_by: None,
            origin: None,
            schedule_text: String::new(),
            params: serde_json::Value::Null,
            cause: Cause::Schedule,
            scheduled_at: now,
            queued_at: now,
            started_at: None,
            finished_at: None,
            lateness_ms: None,
            duration_ms: None,
            attempt: 1,
            status: Status::Failed,
            retry_at: None,
            waits: false,
            error: Some(error.into()),
            error_message: None,
            node: None,
            requested_by: None,
        }
    }

    #[test]
    fn failures_are_grouped_by_their_error_without_digits() {
        let mut runs = ["exit code 3", "connection to db:5432 refused\nmore", "exit code 4", "exit code 3"].map(failure);
        runs[2].task_id = "b".into();
        runs[3].queued_at = at("2026-11-21T07:00:00Z");
        let groups = by_cause(&runs);
        let shown: Vec<_> = groups.iter().map(|group| (group.failures, group.tasks.join(","))).collect();
        assert_eq!(shown, [(3, "a,b".to_owned()), (1, "a".to_owned())]);
        assert_eq!((groups[0].first_at, groups[0].last_at), (at("2026-11-21T07:00:00Z"), at("2026-11-21T08:00:00Z")));
    }

    #[test]
    fn likely_cause_is_the_most_frequent_error() {
        let runs = ["exit code 3", "connection to db:5432 refused\nmore", "connection to db:5433 refused"].map(failure);
        let found = likely_cause(&runs).unwrap();
        assert_eq!((found.execution, found.failures, found.of), (runs[1].clone(), 2, 3));
        assert_eq!(likely_cause(&runs[..2]), None, "no shared error");
        assert_eq!(likely_cause(&[]), None);
    }
}
