//! `@every 1h30m`: an expression of Go's cron libraries that means an interval.

use serde_json::{Map, Value};

use super::input::BASE;
use super::text::{truncate, units};
use crate::domain::fault::Fault;
use crate::i18n::message;

/// The units of a Go duration, longest name first, in nanoseconds.
const UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];
const SECOND: u128 = 1_000_000_000;

/// Returns the interval trigger that a cron trigger with an `@every` expression means; `None` if it has another expression.
///
/// # Errors
/// The fault of an unreadable duration.
#[must_use]
pub fn as_interval(cron: &Map<String, Value>) -> Option<Result<Map<String, Value>, Vec<Fault>>> {
    let expression = cron.get("expression")?.as_str()?.trim_matches(super::text::is_blank);
    let (word, duration) = expression.split_at_checked("@every".len())?;
    if !word.eq_ignore_ascii_case("@every") || !(duration.is_empty() || duration.starts_with(char::is_whitespace)) {
        return None;
    }
    let duration = duration.trim();
    let Some(seconds) = whole_seconds(duration) else {
        let fault = message!("cron.every", text = truncate(duration)).of("expression");
        return Some(Err(vec![Fault::new(format!("{BASE}/expression"), fault)]));
    };
    let mut interval = cron.clone();
    interval.insert("type".to_owned(), super::Kind::Interval.as_str().into());
    interval.shift_remove("expression");
    interval.extend(units(seconds).into_iter().map(|(count, unit)| (unit_name(unit).to_owned(), count.into())));
    Some(Ok(interval))
}

fn unit_name(unit: char) -> &'static str {
    match unit {
        'w' => "weeks",
        'd' => "days",
        'h' => "hours",
        'm' => "minutes",
        _ => "seconds",
    }
}

/// Reads a Go duration (`1h30m`, `1.5h`, `90s`) of one or more whole seconds.
fn whole_seconds(text: &str) -> Option<u64> {
    let (mut rest, mut nanos) = (text, 0_u128);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, after) = rest.split_at(end);
        let (name, unit) =
            UNITS.iter().find(|(name, _)| after.starts_with(name) && !(*name == "m" && after.starts_with("ms")))?;
        nanos = nanos.checked_add(decimal(number, *unit)?)?;
        rest = after.get(name.len()..)?;
    }
    (nanos > 0 && nanos.is_multiple_of(SECOND)).then(|| u64::try_from(nanos / SECOND).ok())?
}

/// A decimal number times a unit, in nanoseconds.
fn decimal(text: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.len() + fraction.len() == 0 || whole.len() > 12 || fraction.len() > 9 {
        return None;
    }
    let number = |digits: &str| if digits.is_empty() { Some(0) } else { digits.parse::<u128>().ok() };
    let part = number(fraction)? * unit / 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    Some(number(whole)? * unit + part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_whole_seconds() {
        for (text, seconds) in
            [("30s", 30), ("1h30m", 5400), ("1.5h", 5400), ("90m", 5400), ("1000ms", 1), ("0.5m", 30), ("24h0m0s", 86_400)]
        {
            assert_eq!(whole_seconds(text), Some(seconds), "{text}");
        }
        for text in ["", "0s", "500ms", "1.5s", "1d", "5", "h", "1h 30m", "-5s", "1..5h", ".s", "9999999999999h", "1H"] {
            assert_eq!(whole_seconds(text), None, "{text}");
        }
    }
}
