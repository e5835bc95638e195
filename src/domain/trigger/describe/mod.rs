//! Triggers in words, in each language by hand.

mod en;
mod shape;
mod zh;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::instant::wall_text;
use super::{Lang, Trigger};

/// One sentence about a trigger.
pub(super) fn describe(trigger: &Trigger, lang: Lang) -> String {
    match lang {
        Lang::En => en::describe(trigger),
        Lang::Zh => zh::describe(trigger),
    }
}

/// A percentage without needless digits.
fn percent(value: f64) -> String {
    format!("{value}%")
}

fn bound(instant: Option<DateTime<Utc>>, zone: Tz) -> Option<String> {
    instant.map(|instant| wall_text(instant, zone))
}
