//! The usual forms of times in log lines.

use std::sync::LazyLock;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta};
use regex::{Captures, Regex};

use super::Stamp;

/// A form is looked for in this many bytes at the beginning of a line.
const WITHIN: usize = 64;
/// The same for access logs, whose time comes after addresses and a user.
const WITHIN_ACCESS_LOG: usize = 256;

/// The place of the form that was found last, and of its match in the line.
#[derive(Default)]
pub(super) struct Last(Option<(usize, usize)>);

struct Form {
    regex: Regex,
    within: usize,
}

const MONTH: &str = "(?P<mon>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)";
const TIME: &str = r"(?P<h>\d{1,2}):(?P<mi>\d\d)(?::(?P<s>\d\d)(?:[.,:](?P<f>\d{1,9}))?)?";
const HALF: &str = r"(?:\s?(?P<half>[AaPp])\.?[Mm]\b)?";
const OFFSET: &str = r"(?P<off>(?:\s?(?:UTC|GMT))?\s?[+-]\d\d:?\d\d\b|\s?(?:Z|UTC|GMT)\b|[+-]\d\d\b)?";

/// Of forms that begin at the same place, the first counts.
const FORMS: [(&str, usize); 16] = [
    // ISO 8601 and RFC 3339, log4j, Python, nginx errors, Windows in Chinese.
    (
        r"\b(?P<y>\d{4})[-/.](?P<mo>\d{1,2})[-/.](?P<d>\d{1,2})(?:[T_]|\s+|,\s*)(?:(?P<han>上午|下午)\s*)?{TIME}{HALF}{OFFSET}",
        WITHIN,
    ),
    // ISO 8601 in its basic form.
    (
        r"\b(?P<y>\d{4})(?P<mo>\d\d)(?P<d>\d\d)[T_ -]?(?P<h>\d\d):?(?P<mi>\d\d):?(?P<s>\d\d)\b(?:[.,](?P<f>\d{1,9}))?{OFFSET}",
        WITHIN,
    ),
    // The common log format.
    (r"\b(?P<d>\d{1,2})/{MONTH}/(?P<y>\d{4})[: ]{TIME}{OFFSET}", WITHIN_ACCESS_LOG),
    // Tomcat, BIND, mail dates, PHP with the name of a zone.
    (
        r"\b(?P<d>\d{1,2})[ -]{MONTH}[a-z]*[ -](?P<y>\d{4})[,T]?\s*{TIME}{HALF}(?:\s(?P<zone>[A-Z][a-z]+/[A-Za-z_/]+)|{OFFSET})",
        WITHIN,
    ),
    // Java's own logging, Cisco.
    (r"\b{MONTH}[a-z]*\.?\s+(?P<d>\d{1,2}),?\s(?P<y>\d{4}),?\s{TIME}{HALF}{OFFSET}", WITHIN),
    // Apache errors, `ctime`, `date`.
    (r"\b{MONTH}\s+(?P<d>\d{1,2})\s{TIME}{OFFSET}(?:\s[A-Z]{3,5})?\s(?P<y>(?:19|20)\d\d)\b", WITHIN),
    (r"\b(?P<y>\d{4})\s{MONTH}\s+(?P<d>\d{1,2})\s{TIME}{OFFSET}", WITHIN),
    // Syslog.
    (r"\b{MONTH}\s+(?P<d>\d{1,2})\s{TIME}{HALF}", WITHIN),
    // Windows in English; the day first if the first number is no month.
    (r"\b(?P<a>\d{1,2})/(?P<b>\d{1,2})/(?P<y>\d{4}),?\s+{TIME}{HALF}{OFFSET}", WITHIN),
    (r"\b(?P<d>\d{1,2})[.-](?P<mo>\d{1,2})[.-](?P<y>\d{4}),?\s+{TIME}{HALF}{OFFSET}", WITHIN),
    // Spark, Hadoop; the month first if that is the only way to read it.
    (r"\b(?P<y2>\d\d)[-/](?P<mo>\d\d)[-/](?P<d>\d\d)[T ]{TIME}{HALF}{OFFSET}", WITHIN),
    // MySQL before 5.7.
    (r"^(?P<y2>\d\d)(?P<mo>\d\d)(?P<d>\d\d)\s+{TIME}", WITHIN),
    // Kubernetes.
    (r"^[DEFIW](?P<mo>\d\d)(?P<d>\d\d)\s{TIME}", WITHIN),
    // Android, Netlogon.
    (r"^[\[(]?(?P<mo>\d\d)[-/](?P<d>\d\d)\s{TIME}", WITHIN),
    (
        r"(?P<y>\d{4})年(?P<mo>\d{1,2})月(?P<d>\d{1,2})日\s*(?P<han>上午|下午)?\s*(?P<h>\d{1,2})[:时点](?P<mi>\d{1,2})[:分](?P<s>\d{1,2})",
        WITHIN,
    ),
    // Seconds, or milliseconds, microseconds or nanoseconds, since 1970.
    (
        r#"(?:^[\[(<"' ]*|\b(?:ts|time|timestamp|epoch|audit)["']?\s?[=:(]\s?["']?)(?P<e>\d{19}|\d{16}|\d{13}|\d{10})(?:\.(?P<f>\d{1,9}))?(?:[\s\])>,;:|"']|$)"#,
        WITHIN,
    ),
];

static COMPILED: LazyLock<Vec<Form>> = LazyLock::new(|| {
    let compile = |(pattern, within): &(&str, usize)| {
        let parts = [("{MONTH}", MONTH), ("{TIME}", TIME), ("{HALF}", HALF), ("{OFFSET}", OFFSET)];
        let pattern = parts.iter().fold((*pattern).to_owned(), |pattern, (name, part)| pattern.replace(name, part));
        // ASCII alone is meant, and faster.
        let pattern = pattern.replace(r"\d", "[0-9]").replace(r"\b", r"(?-u:\b)").replace(r"\s", r"[ \t]");
        Some(Form { regex: Regex::new(&pattern).ok()?, within: *within })
    };
    FORMS.iter().filter_map(compile).collect()
});

/// Finds the first time in the beginning of a line. In an indented line, which mostly belongs to the line above, it must come first.
pub(super) fn find(line: &str, last: &mut Last) -> Option<Stamp> {
    let indent = line.len() - line.trim_start().len();
    if let Some((form, place)) = last.0
        && let Some(found) = COMPILED.get(form).and_then(|form| form.captures(line)).filter(|found| start(found) == place)
        && let Some(stamp) = stamp(&found)
    {
        return Some(stamp);
    }
    let places = COMPILED.iter().enumerate().filter_map(|(form, known)| Some((known.find(line)?, form)));
    let mut places: Vec<(usize, usize)> = places.filter(|(place, _)| indent == 0 || *place <= indent + 1).collect();
    places.sort_unstable();
    places.into_iter().find_map(|(place, form)| {
        let stamp = stamp(&COMPILED.get(form)?.captures(line)?)?;
        last.0 = Some((form, place));
        Some(stamp)
    })
}

/// The time that a value is, from its beginning.
pub(super) fn whole(value: &str) -> Option<Stamp> {
    find(value, &mut Last::default())
}

impl Form {
    fn head<'l>(&self, line: &'l str) -> &'l str {
        &line[..line.floor_char_boundary(self.within)]
    }

    fn find(&self, line: &str) -> Option<usize> {
        self.regex.find(self.head(line)).map(|found| found.start())
    }

    fn captures<'l>(&self, line: &'l str) -> Option<Captures<'l>> {
        self.regex.captures(self.head(line))
    }
}

fn start(found: &Captures<'_>) -> usize {
    found.get(0).map_or(0, |whole| whole.start())
}

fn stamp(found: &Captures<'_>) -> Option<Stamp> {
    let text = |name: &str| found.name(name).map(|part| part.as_str());
    let number = |name: &str| text(name).and_then(|digits| digits.parse::<u32>().ok());
    let nanos = text("f").and_then(|fraction| format!("{fraction:0<9}").parse::<u32>().ok()).unwrap_or(0);
    if let Some(epoch) = text("e") {
        return epoch_instant(epoch, nanos);
    }
    let time = time(number("h")?, number("mi")?, number("s").unwrap_or(0), nanos, text("half").or_else(|| text("han")))?;
    let (month, day) = match (number("a"), number("b")) {
        (Some(month @ 1..=12), Some(day)) | (Some(day), Some(month)) => (month, day),
        _ => (number("mo").or_else(|| month(text("mon")?))?, number("d")?),
    };
    let date = |year: u32, month, day| NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day);
    let century = |year: u32| if year < 70 { 2000 + year } else { 1900 + year };
    let date = match (number("y"), number("y2")) {
        (Some(year), _) => date(year, month, day)?,
        (None, Some(year)) => date(century(year), month, day).or_else(|| date(century(day), year, month))?,
        (None, None) => return Some(Stamp::NoYear(date(2000, month, day)?, time)),
    };
    let wall = date.and_time(time);
    if let Some(zone) = text("zone").and_then(|name| name.parse().ok()) {
        return Some(Stamp::In(zone, wall));
    }
    match text("off").filter(|offset| !offset.is_empty()) {
        Some(offset) => Some(Stamp::Instant((wall - TimeDelta::minutes(minutes(offset)?)).and_utc())),
        None => Some(Stamp::Local(wall)),
    }
}

fn time(hour: u32, minute: u32, second: u32, nanos: u32, half: Option<&str>) -> Option<NaiveTime> {
    let afternoon = half.map(|half| half.eq_ignore_ascii_case("p") || half == "下午");
    let hour = match afternoon {
        None => hour,
        Some(afternoon) => hour % 12 + if afternoon { 12 } else { 0 },
    };
    // A leap second counts as the one before.
    NaiveTime::from_hms_nano_opt(hour, minute, second.min(59), nanos).filter(|_| second <= 60)
}

fn month(name: &str) -> Option<u32> {
    const NAMES: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    (1..).zip(NAMES).find(|(_, known)| *known == name).map(|(number, _)| number)
}

/// Minutes east of UTC of `Z`, `UTC`, `GMT+0800`, `+08:00`, `+08`.
fn minutes(offset: &str) -> Option<i64> {
    let Some(sign) = offset.find(['+', '-']) else { return Some(0) };
    let digits = offset[sign + 1..].replace(':', "");
    let (hours, minutes) = (digits.get(..2)?.parse::<i64>().ok()?, digits.get(2..4).map_or(Ok(0), str::parse::<i64>).ok()?);
    let total = hours * 60 + minutes;
    (total <= 18 * 60).then_some(if offset[sign..].starts_with('-') { -total } else { total })
}

/// The instant of a number since 1970, whose unit follows from its length; `nanos` is the fraction of a second.
fn epoch_instant(digits: &str, nanos: u32) -> Option<Stamp> {
    let number: i64 = digits.parse().ok()?;
    let instant = match digits.len() {
        10 => DateTime::from_timestamp(number, nanos),
        13 => DateTime::from_timestamp_millis(number),
        16 => DateTime::from_timestamp_micros(number),
        _ => Some(DateTime::from_timestamp_nanos(number)),
    };
    instant.map(Stamp::Instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_compiles() {
        assert_eq!(COMPILED.len(), FORMS.len());
    }
}
