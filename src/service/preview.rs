//! Trigger preview: description and next firings of a trigger before it is saved.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::{Error, Result, Service, allow};
use crate::domain::trigger::{Lang, Trigger};
use crate::domain::user::{Action, Actor};

/// The maximum number of firings per request.
const MAX_COUNT: i64 = 1000;

/// The description and the next firings of a trigger.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    pub text: String,
    pub description_en: String,
    pub description_zh: String,
    /// In the trigger's zone, ascending, without jitter.
    pub fire_times: Vec<DateTime<Tz>>,
    pub notes_en: Vec<String>,
    pub notes_zh: Vec<String>,
}

impl Service {
    /// Parses a trigger and computes its next `count` firings at or after `after` (default: now).
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault of the trigger, or for a `count` outside 1 to 1000.
    pub fn preview(&self, actor: &Actor, trigger: &Value, after: Option<DateTime<Utc>>, count: i64) -> Result<Preview> {
        allow(actor, Action::See)?;
        if !(1..=MAX_COUNT).contains(&count) {
            return Err(Error::invalid("/count", format!("count: {count} is not between 1 and {MAX_COUNT}")));
        }
        let rule = Trigger::parse(trigger, self.zone()).map_err(Error::Invalid)?;
        let after = after.unwrap_or_else(|| self.clock().now());
        let fire_times = rule.preview(after, count as usize);
        Ok(Preview {
            text: rule.text(),
            description_en: rule.describe(Lang::En),
            description_zh: rule.describe(Lang::Zh),
            notes_en: rule.notes(&fire_times, after, Lang::En),
            notes_zh: rule.notes(&fire_times, after, Lang::Zh),
            fire_times,
        })
    }
}
