//! Template filters for times and URLs: `{{ now | plus(days=1) | date(format="%Y-%m-%d", timezone="Asia/Shanghai") }}`.

use std::fmt::Write;
use std::sync::Arc;

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, FixedOffset, Months, SecondsFormat, TimeDelta, Utc};
use tera::{Error, Kwargs, State, Tera, TeraResult, Value};

use super::budget::{Budget, filter};
use crate::domain::input::percent_encoded;
use crate::domain::trigger::parse_zone;
use crate::i18n::message;

pub(super) fn register(engine: &mut Tera, budget: &Arc<Budget>) {
    filter(engine, budget, "plus", |at, by, budget| shifted(at, by, 1, budget));
    filter(engine, budget, "minus", |at, by, budget| shifted(at, by, -1, budget));
    filter(engine, budget, "date", date);
    filter(engine, budget, "timestamp", |at, _, budget| parse_time(at, budget).map(|at| at.timestamp()));
    filter(engine, budget, "timestamp_ms", |at, _, budget| parse_time(at, budget).map(|at| at.timestamp_millis()));
    engine.register_filter("urlencode", |text: String, _: Kwargs, _: &State| Ok::<_, Error>(percent_encoded(&text)));
}

/// Parses a time: RFC 3339, as the variables and filters render it, or seconds since 1970.
fn parse_time(value: &Value, budget: &Budget) -> TeraResult<DateTime<FixedOffset>> {
    let read = match (value.as_str(), value.as_f64()) {
        (Some(text), _) => DateTime::parse_from_rfc3339(text.trim()).ok(),
        (_, Some(seconds)) => {
            // Milliseconds beyond the range of i64 saturate and are then rejected.
            DateTime::from_timestamp_millis((seconds * 1000.0) as i64).map(|at| at.fixed_offset())
        }
        _ => None,
    };
    read.ok_or_else(|| budget.fail(message!("template.not_time", value = value.to_string())))
}

fn shifted(at: &Value, by: &Kwargs, sign: i64, budget: &Budget) -> TeraResult<String> {
    let at = parse_time(at, budget)?;
    let too_far = || budget.fail(message!("template.time_out_of_range"));
    let amount = |name: &'static str| Ok::<i64, Error>(by.get::<i64>(name)?.unwrap_or(0));
    let seconds = [("weeks", 604_800), ("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1)];
    let mut total: i64 = 0;
    for (name, unit) in seconds {
        total = amount(name)?.checked_mul(unit).and_then(|part| total.checked_add(part)).ok_or_else(too_far)?;
    }
    let months = amount("months")?.checked_mul(sign).ok_or_else(too_far)?;
    let size = Months::new(u32::try_from(months.unsigned_abs()).map_err(|_| too_far())?);
    let at = if months < 0 { at.checked_sub_months(size) } else { at.checked_add_months(size) };
    let by = total.checked_mul(sign).and_then(TimeDelta::try_seconds).ok_or_else(too_far)?;
    let at = at.and_then(|at| at.checked_add_signed(by)).ok_or_else(too_far)?;
    Ok(at.to_rfc3339_opts(SecondsFormat::Millis, false))
}

fn date(at: &Value, arguments: &Kwargs, budget: &Budget) -> TeraResult<String> {
    let at = parse_time(at, budget)?;
    let format: String = arguments.get("format")?.unwrap_or_else(|| "%Y-%m-%d %H:%M:%S".to_owned());
    let items: Vec<Item<'_>> = StrftimeItems::new(&format).collect();
    if items.contains(&Item::Error) {
        return Err(budget.fail(message!("template.not_format", format)));
    }
    let Some(zone) = arguments.get::<String>("timezone")? else {
        return formatted(at.format_with_items(items.iter()), budget);
    };
    let zone = parse_zone(&zone).map_err(|message| budget.fail(message))?;
    formatted(at.with_timezone(&Utc).with_timezone(&zone).format_with_items(items.iter()), budget)
}

/// Formats with an error where `to_string` would panic, because some format items do not apply to some times.
fn formatted(text: impl std::fmt::Display, budget: &Budget) -> TeraResult<String> {
    let mut formatted = String::new();
    write!(formatted, "{text}").map_err(|_| budget.fail(message!("template.unformattable")))?;
    Ok(formatted)
}
