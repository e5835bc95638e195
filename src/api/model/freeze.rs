//! The response model of freezes, and the parser of their requests.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use poem_openapi::Object;
use serde_json::Value;

use super::named::Timestamp;
use super::timestamp;
use crate::api::answer::resource;
use crate::api::error::Problem;
use crate::domain::calendar::{Freeze, MAX_REASON};
use crate::domain::input::{Fields, display_value};
use crate::domain::trigger::parse_timestamp_rounded_up;
use crate::i18n::message;
use crate::service::NewFreeze;

/// A span of time in which nothing starts by its schedule.
#[derive(Default, Object)]
#[oai(rename = "Freeze", read_only_all)]
pub struct FreezeView {
    id: String,
    /// The tag whose tasks are frozen; null: all tasks.
    tag: Option<String>,
    /// Its begin, inclusive.
    from: Timestamp,
    /// Its end, exclusive: as planned, or when it was ended early.
    until: Timestamp,
    reason: String,
    /// Whether it holds now.
    active: bool,
    created_by: String,
    created_at: Timestamp,
}

resource!(FreezeView, "freeze", None);

impl FreezeView {
    pub fn new(freeze: Freeze, zone: Tz, now: DateTime<Utc>) -> Self {
        Self {
            active: freeze.from <= now && now < freeze.until,
            from: timestamp(freeze.from, zone),
            until: timestamp(freeze.until, zone),
            created_at: timestamp(freeze.created_at, zone),
            id: freeze.id,
            tag: freeze.tag,
            reason: freeze.reason,
            created_by: freeze.created_by,
        }
    }
}

/// Reads `{"tag", "from", "until", "reason"}`; times without an offset are in `zone`.
///
/// # Errors
/// 422 with every fault.
pub fn input(body: &Value, zone: Tz) -> Result<NewFreeze, Problem> {
    let mut f = Fields::new(body, "");
    let tag = Some(f.text("tag", 64, "")).filter(|tag| !tag.is_empty());
    let (from, until) = (time(&mut f, "from", zone), time(&mut f, "until", zone));
    if until.is_none() && body.is_object() && body.get("until").is_none() {
        f.fault("until", message!("value.required"));
    }
    let reason = f.text("reason", MAX_REASON, "");
    f.finish(NewFreeze { tag, from, until: until.unwrap_or_default(), reason }).map_err(Problem::invalid)
}

fn time(f: &mut Fields, name: &str, zone: Tz) -> Option<DateTime<Utc>> {
    match f.take(name)? {
        Value::String(text) => parse_timestamp_rounded_up(&text, zone).map_err(|message| f.fault(name, message)).ok(),
        other => {
            f.fault(name, message!("value.not_time", value = display_value(&other)));
            None
        }
    }
}
