//! Conversion of pickled values of Python's standard classes: dates, times, time zones, numbers and texts.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Number, Value};

use super::pickle::Data;

/// A time zone in a pickle.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Zone {
    Named(Tz),
    /// The local zone of the machine on which the scheduler ran.
    Local,
    /// A fixed offset, in seconds, that no named zone has permanently.
    Offset(i64),
}

/// Reads a time zone of pytz, zoneinfo, dateutil, tzlocal or the standard library. The error names the unknown class or zone.
pub(super) fn zone(data: &Data) -> Result<Zone, String> {
    let Data::Object { class, args, state } = data else {
        return match data {
            Data::Global(name) if name.ends_with("UTC") || name.ends_with("utc") => Ok(Zone::Named(Tz::UTC)),
            Data::Global(name) => Err(format!("unknown time zone {name}")),
            _ => Err("the time zone is missing".to_owned()),
        };
    };
    let first = args.first().unwrap_or(&Data::None);
    match class.as_str() {
        "pytz._UTC" | "pytz.UTC" | "dateutil.tz.tz.tzutc" | "pytz.utc" => Ok(Zone::Named(Tz::UTC)),
        "datetime.timezone" => fixed(duration(first).ok_or("an offset is missing")? / 1_000_000),
        "pytz._FixedOffset" => fixed(first.int().ok_or("an offset is missing")? * 60),
        "dateutil.tz.tz.tzlocal" => Ok(Zone::Local),
        "dateutil.tz.tz.tzfile" => file_zone(args, state),
        name if name.starts_with("pytz_deprecation_shim.") => args
            .iter()
            .find_map(|arg| match arg {
                Data::Text(name) => named(name).ok(),
                other => zone(other).ok(),
            })
            .ok_or_else(|| format!("unknown time zone in {name}")),
        "pytz._p" => named(first.text().ok_or("the time zone has no name")?),
        name if name.ends_with("ZoneInfo._unpickle") || name.ends_with("ZoneInfo") => {
            named(first.text().ok_or("the time zone has no name")?)
        }
        other => Err(format!("unknown time zone class {other}")),
    }
}

fn named(name: &str) -> Result<Zone, String> {
    match name {
        "local" => Ok(Zone::Local),
        name => name.parse().map(Zone::Named).map_err(|_| format!("unknown time zone {name}")),
    }
}

/// Reads a file of the zone database: the end of its path is the zone's name.
fn file_zone(args: &[Data], state: &Data) -> Result<Zone, String> {
    let path = args.iter().find_map(Data::text).or(state.get("_filename").text()).ok_or("the time zone has no name")?;
    let ends = path.match_indices('/').map(|(at, _)| &path[at + 1..]);
    std::iter::once(path)
        .chain(ends)
        .find_map(|name| name.parse().ok())
        .map(Zone::Named)
        .ok_or_else(|| format!("unknown time zone {path}"))
}

/// Returns the zone of a fixed offset; whole hours have a named zone.
fn fixed(seconds: i64) -> Result<Zone, String> {
    if seconds == 0 {
        return Ok(Zone::Named(Tz::UTC));
    }
    let name = format!("Etc/GMT{:+}", -seconds / 3600);
    Ok(name.parse().ok().filter(|_| seconds % 3600 == 0).map_or(Zone::Offset(seconds), Zone::Named))
}

/// Reads a `timedelta` in microseconds.
pub(super) fn duration(data: &Data) -> Option<i64> {
    let Data::Object { class, args, .. } = data else { return None };
    let part = |place: usize| args.get(place).and_then(Data::int);
    let (days, seconds) = (part(0)?, part(1)?);
    (class == "datetime.timedelta")
        .then(|| days.checked_mul(86_400)?.checked_add(seconds)?.checked_mul(1_000_000)?.checked_add(part(2)?))
        .flatten()
}

/// Reads a `datetime` with its zone. `local` replaces the local zone of the old machine.
pub(super) fn instant(data: &Data, local: Tz) -> Result<DateTime<Utc>, String> {
    let (wall, second, zoned) = datetime(data).ok_or("a date is not a datetime")?;
    let zoned = match zoned {
        Some(data) => zone(data)?,
        None => Zone::Local,
    };
    let tz = match zoned {
        Zone::Named(tz) => tz,
        Zone::Local => local,
        Zone::Offset(seconds) => return Ok(wall.and_utc() - chrono::Duration::seconds(seconds)),
    };
    let found = tz.from_local_datetime(&wall);
    let found = if second { found.latest() } else { found.earliest() };
    // Inside a gap Python uses the offset before the gap.
    let before = || tz.offset_from_utc_datetime(&(wall - chrono::Duration::days(1)));
    Ok(found.map_or_else(
        || wall.and_utc() - chrono::Duration::seconds(i64::from(chrono::Offset::fix(&before()).local_minus_utc())),
        |at| at.to_utc(),
    ))
}

/// Returns the local time, whether it is in the second pass of an overlap, and the zone.
fn datetime(data: &Data) -> Option<(NaiveDateTime, bool, Option<&Data>)> {
    let Data::Object { class, args, .. } = data else { return None };
    let bytes = bytes(args.first()?)?;
    let [y1, y2, month, day, hour, minute, second, u1, u2, u3] = bytes.try_into().ok()?;
    let date = NaiveDate::from_ymd_opt(i32::from(y1) << 8 | i32::from(y2), u32::from(month & 0x7f), u32::from(day))?;
    let micros = u32::from(u1) << 16 | u32::from(u2) << 8 | u32::from(u3);
    let wall = date.and_hms_micro_opt(u32::from(hour), u32::from(minute), u32::from(second), micros)?;
    (class == "datetime.datetime").then_some((wall, month & 0x80 != 0, args.get(1)))
}

/// Reads a `date`.
pub(super) fn date(data: &Data) -> Option<NaiveDate> {
    let Data::Object { class, args, .. } = data else { return None };
    let [y1, y2, month, day] = bytes(args.first()?)?.try_into().ok()?;
    let date = NaiveDate::from_ymd_opt(i32::from(y1) << 8 | i32::from(y2), u32::from(month), u32::from(day));
    date.filter(|_| class == "datetime.date")
}

fn time(data: &Data) -> Option<NaiveTime> {
    let Data::Object { class, args, .. } = data else { return None };
    let [hour, minute, second, u1, u2, u3] = bytes(args.first()?)?.try_into().ok()?;
    let micros = u32::from(u1) << 16 | u32::from(u2) << 8 | u32::from(u3);
    let time = NaiveTime::from_hms_micro_opt(u32::from(hour & 0x7f), u32::from(minute), u32::from(second), micros);
    time.filter(|_| class == "datetime.time")
}

/// Returns bytes. Protocol 2 stores them as a text with a call that encodes it.
fn bytes(data: &Data) -> Option<Vec<u8>> {
    match data {
        Data::Bytes(bytes) => Some(bytes.clone()),
        Data::Object { class, args, .. } if class == "_codecs.encode" => {
            args.first()?.text()?.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
        }
        _ => None,
    }
}

/// Converts an argument to JSON; dates, decimals and similar values become texts as Python writes them.
///
/// # Errors
/// The name of the class of a value that JSON cannot represent.
pub(super) fn json(data: &Data) -> Result<Value, String> {
    match data {
        Data::None => Ok(Value::Null),
        Data::Bool(given) => Ok((*given).into()),
        Data::Int(number) => match (i64::try_from(*number), u64::try_from(*number)) {
            (Ok(number), _) => Ok(number.into()),
            (_, Ok(number)) => Ok(number.into()),
            _ => Ok(number.to_string().into()),
        },
        Data::Big(number) => Ok(number.to_string().into()),
        Data::Float(number) => Number::from_f64(*number).map(Value::Number).ok_or_else(|| "a non-finite float".to_owned()),
        Data::Text(text) => Ok(text.clone().into()),
        Data::Bytes(_) => Err("bytes".to_owned()),
        Data::List(items) => items.iter().map(json).collect(),
        Data::Dict(items) => dict(items),
        Data::Global(name) => Err(name.clone()),
        Data::Object { class, args, state } => object(data, class, args, state),
    }
}

fn dict(items: &[(Data, Data)]) -> Result<Value, String> {
    let mut map = Map::new();
    for (name, value) in items {
        let name = match json(name)? {
            Value::String(text) => text,
            other => other.to_string(),
        };
        map.insert(name, json(value)?);
    }
    Ok(Value::Object(map))
}

fn object(data: &Data, class: &str, args: &[Data], state: &Data) -> Result<Value, String> {
    let unknown = || class.to_owned();
    let text = match class {
        "datetime.datetime" => {
            let (wall, _, zoned) = datetime(data).ok_or_else(unknown)?;
            let instant = zoned.and_then(|_| instant(data, Tz::UTC).ok());
            let offset = instant.map(|at| (wall.and_utc() - at).num_minutes());
            let offset =
                offset.map(|min| format!("{}{:02}:{:02}", if min < 0 { '-' } else { '+' }, min.abs() / 60, min.abs() % 60));
            format!("{}{}", wall.format("%Y-%m-%dT%H:%M:%S%.f"), offset.unwrap_or_default())
        }
        "datetime.date" => date(data).ok_or_else(unknown)?.to_string(),
        "datetime.time" => time(data).ok_or_else(unknown)?.to_string(),
        "datetime.timedelta" => return Ok((duration(data).ok_or_else(unknown)? as f64 / 1e6).into()),
        "decimal.Decimal" => args.first().and_then(Data::text).ok_or_else(unknown)?.to_owned(),
        "uuid.UUID" => {
            let number = match state.get("int") {
                Data::Int(number) => number.cast_unsigned(),
                Data::Big(number) => *number,
                _ => return Err(unknown()),
            };
            let hex = format!("{number:032x}");
            [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
        }
        "pathlib.PosixPath" | "pathlib.WindowsPath" | "pathlib._local.PosixPath" | "pathlib._local.WindowsPath" => {
            let parts: Vec<&str> = args.iter().filter_map(Data::text).collect();
            parts.join("/").replacen("//", "/", 1)
        }
        "collections.OrderedDict" | "collections.defaultdict" => {
            return if matches!(state, Data::None) { Ok(Value::Object(Map::new())) } else { json(state) };
        }
        "builtins.set" | "__builtin__.set" | "builtins.frozenset" | "__builtin__.frozenset" => {
            return json(args.first().unwrap_or(&Data::List(Vec::new())));
        }
        _ => return Err(unknown()),
    };
    Ok(text.into())
}
