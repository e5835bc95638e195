//! What is on record, and the comparison with what was due.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

/// The scheduled times of each task, in order.
pub fn scheduled_times(executions: &[Value]) -> BTreeMap<String, Vec<DateTime<Utc>>> {
    let mut times: BTreeMap<String, Vec<DateTime<Utc>>> = BTreeMap::new();
    for execution in executions {
        let text = |name: &str| execution[name].as_str().unwrap_or_default();
        let at = text("scheduled_at").parse().expect("a time");
        times.entry(text("task_id").to_owned()).or_default().push(at);
    }
    times.values_mut().for_each(|times| times.sort_unstable());
    times
}

/// Returns how many occurrences of tasks that are due once a second are lost, and how many are on record twice.
pub fn lost_and_doubled(executions: &[Value]) -> (i64, usize) {
    let (mut lost, mut doubled) = (0, 0);
    for times in scheduled_times(executions).values() {
        for pair in times.windows(2) {
            match (pair[1] - pair[0]).num_milliseconds() {
                0 => doubled += 1,
                gap => lost += gap / 1000 - 1,
            }
        }
    }
    (lost, doubled)
}
