//! Migration from other schedulers: converts APScheduler job stores, crontabs and run histories into tasks and runs. Anything
//! without an equivalent is reported by name, never guessed.

pub mod apscheduler;
pub mod crontab;
pub mod history;
pub mod job_store;
pub mod mapping;
pub mod pickle;
mod python;

use crate::domain::task_id::check_id;
use crate::domain::trigger::Trigger;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

/// Number of firings compared side by side.
pub const PREVIEW_COUNT: usize = 10;

/// Returns a valid id for any text: each run of characters not allowed in ids becomes `-`. Different texts may give the same id.
pub fn to_id(text: &str) -> String {
    if check_id(text).is_ok() {
        return text.to_owned();
    }
    let mut id = String::new();
    for c in text.chars() {
        match c {
            c if c.is_alphanumeric() || matches!(c, '.' | '_') => id.push(c),
            _ if !id.ends_with('-') => id.push('-'),
            _ => {}
        }
    }
    let id: String = id.trim_matches(['-', '.', '_']).chars().take(56).collect();
    if id.is_empty() { "task".to_owned() } else { id }
}

/// Returns the first `count` firings of a trigger at or after `from`, for a task created then.
///
/// # Errors
/// The faults of the trigger, joined by `; `.
pub fn firings(trigger: &Value, zone: Tz, from: DateTime<Utc>, count: usize) -> Result<Vec<DateTime<Utc>>, String> {
    let rule = Trigger::parse(trigger, zone)
        .map_err(|faults| faults.into_iter().map(|fault| fault.message.to_string()).collect::<Vec<_>>().join("; "))?;
    Ok(rule.preview(from, count).into_iter().map(|at| at.to_utc()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_id_returns_a_valid_id_for_any_text() {
        for (text, id) in [("日报", "日报"), ("my job #1", "my-job-1"), ("--", "task"), ("_x", "x"), ("a/b\\c", "a-b-c")] {
            assert_eq!(to_id(text), id);
            assert_eq!(check_id(&to_id(text)), Ok(()));
        }
        assert!(check_id(&to_id(&"é ".repeat(100))).is_ok());
    }
}
