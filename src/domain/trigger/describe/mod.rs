//! Descriptions of triggers in English and Chinese.

mod en;
mod shape;
mod zh;

pub(crate) use en::{MONTHS, WEEKDAYS};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::Trigger;
use super::datetime::wall_text;
use crate::i18n::Language;

/// Returns a one-sentence description of a trigger.
pub(super) fn describe(trigger: &Trigger, lang: Language) -> String {
    match lang {
        Language::English => en::describe(trigger),
        Language::Chinese => zh::describe(trigger),
    }
}

/// Formats a percentage without trailing zeros.
fn percent(value: f64) -> String {
    format!("{value}%")
}

/// Formats a start or end date as local time.
fn bound(time: Option<DateTime<Utc>>, zone: Tz) -> Option<String> {
    time.map(|time| wall_text(time, zone))
}
