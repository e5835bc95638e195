//! Migration from other schedulers: converts APScheduler job stores, crontabs, the databases of XXL-JOB, qinglong and gocron, exports of
//! the Windows Task Scheduler, and run histories into tasks and runs. Anything without an equivalent is reported by name, never
//! guessed.

pub mod apscheduler;
mod chains;
pub mod cron_rule;
pub mod crontab;
mod found;
pub mod gocron;
pub mod history;
pub mod job_store;
pub mod mapping;
pub mod pickle;
mod policy;
mod python;
pub mod qinglong;
pub mod schtasks;
mod table;
mod text;
pub mod xxl_job;

use crate::domain::task_id::check_id;
use crate::domain::trigger::Trigger;
use crate::i18n::{Message, message};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

pub use found::{Entry, Found, Origin, Remark};
pub use table::TableSource;
pub use text::{decode, escape_templates};

/// Number of firings compared side by side.
pub const PREVIEW_COUNT: usize = 10;

/// When and where an import takes place.
#[derive(Debug, Clone, Copy)]
pub struct ImportContext<'c> {
    pub origin: &'c Origin,
    /// The zone of times and rules without one.
    pub zone: Tz,
    pub now: DateTime<Utc>,
}

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

/// Returns a valid task name: the beginning of a text, without control characters.
fn to_name(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// Returns the first `count` firings of a trigger at or after `from`, for a task created then.
///
/// # Errors
/// The faults of the trigger.
pub fn firings(trigger: &Value, zone: Tz, from: DateTime<Utc>, count: usize) -> Result<Vec<DateTime<Utc>>, Message> {
    Ok(parse_trigger(trigger, zone)?.preview(from, count).into_iter().map(|at| at.to_utc()).collect())
}

/// Parses a trigger.
///
/// # Errors
/// Its first fault, with the others in parentheses after it.
fn parse_trigger(trigger: &Value, zone: Tz) -> Result<Trigger, Message> {
    Trigger::parse(trigger, zone).map_err(|faults| {
        let joined = faults.into_iter().map(|fault| fault.message).reduce(|first, next| message!("migrate.also", first, next));
        joined.unwrap_or_else(|| message!("value.required"))
    })
}

/// Checks that the domain accepts a trigger.
fn check_trigger(trigger: &Value, zone: Tz) -> Result<(), Message> {
    parse_trigger(trigger, zone).map(drop)
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
