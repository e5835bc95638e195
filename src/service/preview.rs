//! Trigger preview: description and next firings of a trigger before it is saved.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::deps::ServiceDeps;
use super::{Error, Result, allow};
use crate::clock::SharedClock;
use crate::domain::trigger::Trigger;
use crate::domain::user::{Action, Actor};
use crate::i18n::{Language, Message, message};

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
    pub notes: Vec<Message>,
}

/// Previews triggers.
#[derive(Clone)]
pub struct PreviewService {
    clock: SharedClock,
    zone: Tz,
}

impl PreviewService {
    pub(super) fn new(deps: &ServiceDeps) -> Self {
        Self { clock: deps.clock.clone(), zone: deps.zone }
    }

    /// Parses a trigger and computes its next `count` firings at or after `after` (default: now).
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault of the trigger, or for a `count` outside 1 to 1000.
    pub fn trigger(&self, actor: &Actor, trigger: &Value, after: Option<DateTime<Utc>>, count: i64) -> Result<Preview> {
        allow(actor, Action::See)?;
        if !(1..=MAX_COUNT).contains(&count) {
            return Err(Error::invalid(
                "/count",
                message!("value.out_of_range", value = count, min = 1, max = MAX_COUNT).of("count"),
            ));
        }
        let rule = Trigger::parse(trigger, self.zone).map_err(Error::Invalid)?;
        let after = after.unwrap_or_else(|| self.clock.now());
        let fire_times = rule.preview(after, count as usize);
        Ok(Preview {
            text: rule.text(),
            description_en: rule.describe(Language::English),
            description_zh: rule.describe(Language::Chinese),
            notes: rule.notes(&fire_times, after),
            fire_times,
        })
    }
}
