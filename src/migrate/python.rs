//! Conversion of pickled values of Python's standard classes: dates, times, time zones, numbers and texts.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Number, Value};

use super::pickle::Data;
use crate::i18n::{Message, message};

/// A time zone in a pickle.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Zone {
    Named(Tz),
    /// The local zone of the machine on which the scheduler ran.
    Local,
    /// A fixed offset, in seconds.
    Offset(i64),
}

/// Zones that have kept a fixed offset of part of an hour for years, by the offset in minutes.
const PARTIAL_HOURS: [(i64, Tz); 8] = [
    (-570, Tz::Pacific__Marquesas),
    (210, Tz::Asia__Tehran),
    (270, Tz::Asia__Kabul),
    (330, Tz::Asia__Kolkata),
    (345, Tz::Asia__Kathmandu),
    (390, Tz::Asia__Yangon),
    (525, Tz::Australia__Eucla),
    (570, Tz::Australia__Darwin),
];

/// Reads a time zone of pytz, zoneinfo, dateutil, tzlocal or the standard library. The error names the unknown class or zone.
pub(super) fn zone(data: &Data) -> Result<Zone, Message> {
    let Data::Object { class, args, state } = data else {
        return match data {
            Data::Global(name) if name.ends_with("UTC") || name.ends_with("utc") => Ok(Zone::Named(Tz::UTC)),
            Data::Global(name) => Err(unknown_zone(name)),
            _ => Err(message!("python.zone_missing")),
        };
    };
    let first = args.first().unwrap_or(&Data::None);
    let missing = || message!("python.zone_missing");
    let offset = |given: &Data| duration(given).map(|micros| Zone::Offset(micros / 1_000_000)).ok_or_else(missing);
    match class.as_str() {
        "pytz._UTC" | "pytz.UTC" | "dateutil.tz.tz.tzutc" | "pytz.utc" => Ok(Zone::Named(Tz::UTC)),
        "datetime.timezone" => offset(first),
        "pytz.FixedOffset" | "pytz._FixedOffset" => first.int().map(|minutes| Zone::Offset(minutes * 60)).ok_or_else(missing),
        "dateutil.tz.tz.tzoffset" => offset(args.get(1).unwrap_or(state.get("_offset"))),
        "dateutil.tz.tz.tzstr" if state.get("hasdst") == &Data::Bool(false) => offset(state.get("_std_offset")),
        "dateutil.tz.tz.tzlocal" => Ok(Zone::Local),
        "dateutil.tz.tz.tzfile" | "dateutil.tz._tzfile._unpickle" => file_zone(args, state),
        name if name.starts_with("pytz_deprecation_shim.") => args
            .iter()
            .find_map(|arg| match arg {
                Data::Text(name) => named(name).ok(),
                other => zone(other).ok(),
            })
            .ok_or_else(|| unknown_zone(name)),
        name if name == "pytz._p" || name.ends_with("ZoneInfo._unpickle") || name.ends_with("ZoneInfo") => {
            named(first.text().ok_or_else(missing)?)
        }
        other => Err(unknown_zone(other)),
    }
}

fn unknown_zone(name: &str) -> Message {
    message!("python.unknown_zone", name)
}

fn named(name: &str) -> Result<Zone, Message> {
    match name {
        "local" => Ok(Zone::Local),
        name => name.parse().map(Zone::Named).map_err(|_| unknown_zone(name)),
    }
}

/// Reads a file of the zone database: the end of its path is the zone's name.
fn file_zone(args: &[Data], state: &Data) -> Result<Zone, Message> {
    let path = args.iter().find_map(Data::text).or(state.get("_filename").text());
    let path = path.ok_or_else(|| message!("python.zone_missing"))?;
    let ends = path.match_indices('/').map(|(at, _)| &path[at + 1..]);
    let found = std::iter::once(path).chain(ends).find_map(|name| name.parse().ok());
    found.map(Zone::Named).ok_or_else(|| unknown_zone(path))
}

/// Returns the zone that has a fixed offset, in seconds, all year: of whole hours, and of the parts of hours in use.
pub(super) fn fixed(seconds: i64) -> Option<Tz> {
    match seconds {
        0 => Some(Tz::UTC),
        _ if seconds % 3600 == 0 => format!("Etc/GMT{:+}", -seconds / 3600).parse().ok(),
        _ => PARTIAL_HOURS.iter().find(|(minutes, _)| minutes * 60 == seconds).map(|(_, zone)| *zone),
    }
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
pub(super) fn instant(data: &Data, local: Tz) -> Result<DateTime<Utc>, Message> {
    let (wall, second, zoned) = datetime(data).ok_or_else(|| message!("python.not_a_datetime"))?;
    let tz = match zoned.map(offset_or_zone).transpose()? {
        Some(Zone::Offset(seconds)) => return Ok(wall.and_utc() - chrono::Duration::seconds(seconds)),
        Some(Zone::Named(tz)) => tz,
        Some(Zone::Local) | None => local,
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

/// Reads the zone of a `datetime`. An instance of pytz stands for one of the zone's offsets, such as `LMT+8:06` of a zone that was not
/// localized.
fn offset_or_zone(data: &Data) -> Result<Zone, Message> {
    match data {
        Data::Object { class, args, .. } if class == "pytz._p" && args.len() > 1 => {
            args[1].int().map(Zone::Offset).ok_or_else(|| message!("python.zone_missing"))
        }
        data => zone(data),
    }
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

/// Converts the arguments of a job to JSON; dates, decimals and similar values become texts as Python writes them.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    /// The argument under way.
    name: String,
    /// The values whose type changes, as messages to the user.
    pub changes: Vec<Message>,
}

impl Arguments {
    /// Converts an argument.
    ///
    /// # Errors
    /// The argument and the class of a value that JSON cannot represent.
    pub fn convert(&mut self, name: &str, data: &Data) -> Result<Value, Message> {
        name.clone_into(&mut self.name);
        self.json(data).map_err(|class| message!("python.not_representable", argument = name, class))
    }

    fn json(&mut self, data: &Data) -> Result<Value, String> {
        match data {
            Data::None => Ok(Value::Null),
            Data::Bool(given) => Ok((*given).into()),
            Data::Int(number) => match (i64::try_from(*number), u64::try_from(*number)) {
                (Ok(number), _) => Ok(number.into()),
                (_, Ok(number)) => Ok(number.into()),
                _ => Ok(self.text("int", number.to_string())),
            },
            Data::Big(number) => Ok(self.text("int", number.to_string())),
            Data::Float(number) => Number::from_f64(*number).map(Value::Number).ok_or_else(|| format!("float {number}")),
            Data::Text(text) => Ok(text.clone().into()),
            Data::Bytes(_) => Err("bytes".to_owned()),
            Data::List(items) => items.iter().map(|item| self.json(item)).collect(),
            Data::Tuple(items) => self.list("tuple", items),
            Data::Set(items) => self.list("set", items),
            Data::Dict(items) => self.dict(items),
            Data::Global(name) => Err(name.clone()),
            Data::Object { class, args, state } => self.object(data, class, args, state),
        }
    }

    /// Notes a change once an argument.
    fn changed(&mut self, change: Message) {
        if !self.changes.contains(&change) {
            self.changes.push(change);
        }
    }

    fn text(&mut self, class: &str, text: String) -> Value {
        self.changed(message!("python.becomes_text", argument = &self.name, class));
        text.into()
    }

    fn list(&mut self, class: &str, items: &[Data]) -> Result<Value, String> {
        self.changed(message!("python.becomes_list", argument = &self.name, class));
        items.iter().map(|item| self.json(item)).collect()
    }

    fn dict(&mut self, items: &[(Data, Data)]) -> Result<Value, String> {
        let mut map = Map::new();
        for (name, value) in items {
            let name = match name {
                Data::Text(text) => text.clone(),
                other => {
                    self.changed(message!("python.keys_become_texts", argument = &self.name));
                    self.json(other).map(|name| name.as_str().map_or_else(|| name.to_string(), str::to_owned))?
                }
            };
            map.insert(name, self.json(value)?);
        }
        Ok(Value::Object(map))
    }

    fn object(&mut self, data: &Data, class: &str, args: &[Data], state: &Data) -> Result<Value, String> {
        let short = class.rsplit('.').next().unwrap_or(class);
        match class {
            "datetime.timedelta" => {
                let micros = duration(data).ok_or_else(|| class.to_owned())?;
                self.changed(message!("python.becomes_seconds", argument = &self.name));
                Ok(seconds(micros))
            }
            "collections.OrderedDict" | "collections.defaultdict" | "collections.Counter" => {
                self.changed(message!("python.becomes_dict", argument = &self.name, class = short));
                if matches!(state, Data::None) { Ok(Value::Object(Map::new())) } else { self.json(state) }
            }
            "collections.deque" => self.list(short, state.items()),
            "builtins.set" | "__builtin__.set" | "builtins.frozenset" | "__builtin__.frozenset" => {
                self.list(short, args.first().map(Data::items).unwrap_or_default())
            }
            _ => plain_text(data, class, args, state).map(|text| self.text(short, text)).ok_or_else(|| class.to_owned()),
        }
    }
}

/// Returns seconds with their fraction.
fn seconds(micros: i64) -> Value {
    let (whole, rest) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    if rest == 0 { whole.into() } else { format!("{}", micros as f64 / 1e6).parse().map(Value::Number).unwrap_or(Value::Null) }
}

/// Returns the text that Python writes for a date, time, decimal, UUID or path; `None` for other values.
fn plain_text(data: &Data, class: &str, args: &[Data], state: &Data) -> Option<String> {
    Some(match class {
        "datetime.datetime" => {
            let (wall, _, zoned) = datetime(data)?;
            let instant = zoned.and_then(|_| instant(data, Tz::UTC).ok());
            let offset = instant.map(|at| (wall.and_utc() - at).num_minutes());
            let offset =
                offset.map(|min| format!("{}{:02}:{:02}", if min < 0 { '-' } else { '+' }, min.abs() / 60, min.abs() % 60));
            format!("{}{}", wall.format("%Y-%m-%dT%H:%M:%S%.f"), offset.unwrap_or_default())
        }
        "datetime.date" => date(data)?.to_string(),
        "datetime.time" => time(data)?.to_string(),
        "decimal.Decimal" => args.first()?.text()?.to_owned(),
        "uuid.UUID" => {
            let number = match state.get("int") {
                Data::Int(number) => number.cast_unsigned(),
                Data::Big(number) => *number,
                _ => return None,
            };
            let hex = format!("{number:032x}");
            [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
        }
        "pathlib.PosixPath" | "pathlib.WindowsPath" | "pathlib._local.PosixPath" | "pathlib._local.WindowsPath" => {
            let parts: Vec<&str> = args.iter().filter_map(Data::text).collect();
            parts.join("/").replacen("//", "/", 1)
        }
        _ => return None,
    })
}
