//! Template filters for times and URLs: `{{ now | plus(days=1) | date(format="%Y-%m-%d", timezone="Asia/Shanghai") }}`.

use std::fmt::Write;

use crate::domain::input::percent_encoded;
use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, FixedOffset, Months, SecondsFormat, TimeDelta, Utc};
use chrono_tz::Tz;
use tera::{Error, Kwargs, State, Tera, TeraResult, Value};

pub(super) fn register(engine: &mut Tera) {
    engine.register_filter("plus", |at: Value, by: Kwargs, _: &State| shifted(&at, &by, 1));
    engine.register_filter("minus", |at: Value, by: Kwargs, _: &State| shifted(&at, &by, -1));
    engine.register_filter("date", |at: Value, arguments: Kwargs, _: &State| date(&at, &arguments));
    engine.register_filter("timestamp", |at: Value, _: Kwargs, _: &State| parse_time(&at).map(|at| at.timestamp()));
    engine.register_filter("timestamp_ms", |at: Value, _: Kwargs, _: &State| parse_time(&at).map(|at| at.timestamp_millis()));
    engine.register_filter("urlencode", |text: String, _: Kwargs, _: &State| Ok::<_, Error>(percent_encoded(&text)));
}

/// Parses a time: RFC 3339, as the variables and filters render it, or seconds since 1970.
fn parse_time(value: &Value) -> TeraResult<DateTime<FixedOffset>> {
    let read = match (value.as_str(), value.as_f64()) {
        (Some(text), _) => DateTime::parse_from_rfc3339(text.trim()).ok(),
        (_, Some(seconds)) => {
            // Milliseconds beyond the range of i64 saturate and are then rejected.
            DateTime::from_timestamp_millis((seconds * 1000.0) as i64).map(|at| at.fixed_offset())
        }
        _ => None,
    };
    read.ok_or_else(|| Error::message(format!("'{value}' is not a time; use RFC 3339, such as now, or seconds since 1970")))
}

fn shifted(at: &Value, by: &Kwargs, sign: i64) -> TeraResult<String> {
    let at = parse_time(at)?;
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

fn too_far() -> Error {
    Error::message("the time is out of range")
}

fn date(at: &Value, arguments: &Kwargs) -> TeraResult<String> {
    let at = parse_time(at)?;
    let format: String = arguments.get("format")?.unwrap_or_else(|| "%Y-%m-%d %H:%M:%S".to_owned());
    let items: Vec<Item<'_>> = StrftimeItems::new(&format).collect();
    if items.contains(&Item::Error) {
        return Err(Error::message(format!("'{format}' is not a time format such as %Y-%m-%d %H:%M:%S")));
    }
    let Some(zone) = arguments.get::<String>("timezone")? else { return formatted(at.format_with_items(items.iter())) };
    let zone: Tz = zone.parse().map_err(|_| Error::message(format!("'{zone}' is not a time zone such as Asia/Shanghai")))?;
    formatted(at.with_timezone(&Utc).with_timezone(&zone).format_with_items(items.iter()))
}

/// Formats with an error where `to_string` would panic, because some format items do not apply to some times.
fn formatted(text: impl std::fmt::Display) -> TeraResult<String> {
    let mut formatted = String::new();
    write!(formatted, "{text}").map_err(|_| Error::message("the time cannot be formatted this way"))?;
    Ok(formatted)
}
