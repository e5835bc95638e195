//! Descriptions of triggers in English and Chinese.

mod en;
mod shape;
mod zh;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::datetime::wall_text;
use super::{Lang, Trigger};

/// Returns a one-sentence description of a trigger.
pub(super) fn describe(trigger: &Trigger, lang: Lang) -> String {
    match lang {
        Lang::En => en::describe(trigger),
        Lang::Zh => zh::describe(trigger),
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
