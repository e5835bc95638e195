//! The likely cause of failures: the error that several of them share.

use crate::domain::execution::Execution;

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
    use chrono::{DateTime, Utc};

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
    fn likely_cause_is_the_most_frequent_error() {
        let runs = ["exit code 3", "connection to db:5432 refused\nmore", "connection to db:5433 refused"].map(failure);
        let found = likely_cause(&runs).unwrap();
        assert_eq!((found.execution, found.failures, found.of), (runs[1].clone(), 2, 3));
        assert_eq!(likely_cause(&runs[..2]), None, "no shared error");
        assert_eq!(likely_cause(&[]), None);
    }
}
