//! Moving in from elsewhere: stores of APScheduler, crontabs, and the history of runs, read as data and turned into what Belfry
//! takes. Whatever has no equal is told by name and never guessed.

pub mod apscheduler;
pub mod crontab;
pub mod history;
pub mod mapping;
pub mod pickle;
mod python;

use crate::domain::task::check_id;
use crate::domain::trigger::Trigger;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

/// Firings shown side by side.
pub const FIRINGS: usize = 10;

/// An id made of any text: what an id may not hold becomes `-`. Two texts may give the same id.
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

/// The first `count` firings of a trigger from an instant on, as of a task made then.
///
/// # Errors
/// Why Belfry does not read the trigger.
pub fn firings(trigger: &Value, zone: Tz, from: DateTime<Utc>, count: usize) -> Result<Vec<DateTime<Utc>>, String> {
    let rule = Trigger::parse(trigger, zone)
        .map_err(|faults| faults.into_iter().map(|fault| fault.message).collect::<Vec<_>>().join("; "))?;
    Ok(rule.preview(from, count).into_iter().map(|at| at.to_utc()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_gives_an_id() {
        for (text, id) in [("日报", "日报"), ("my job #1", "my-job-1"), ("--", "task"), ("_x", "x"), ("a/b\\c", "a-b-c")] {
            assert_eq!(to_id(text), id);
            assert_eq!(check_id(&to_id(text)), Ok(()));
        }
        assert!(check_id(&to_id(&"é ".repeat(100))).is_ok());
    }
}
