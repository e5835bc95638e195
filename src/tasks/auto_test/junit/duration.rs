//! Durations as test runners write them.

/// The milliseconds of an attribute `time`: seconds, with a unit, as a clock, with separators of thousands or a decimal comma. 0 if it is
/// none of them.
pub(super) fn millis(text: &str) -> u64 {
    let text = text.trim().to_ascii_lowercase();
    let text = text.strip_prefix("pt").unwrap_or(&text);
    let (number, factor) =
        UNITS.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor))).unwrap_or((text, 1000.0));
    let value = match number.trim().split(':').collect::<Vec<_>>()[..] {
        [hours, minutes, seconds] => clock(&[hours, minutes, seconds]),
        [minutes, seconds] => clock(&[minutes, seconds]),
        _ => decimal(number),
    };
    value.filter(|value| value.is_finite()).map_or(0, |value| (value * factor).round().clamp(0.0, 1e15) as u64)
}

/// Units and their milliseconds; those that end like another come first.
const UNITS: [(&str, f64); 9] = [
    ("milliseconds", 1.0),
    ("ms", 1.0),
    ("µs", 0.001),
    ("us", 0.001),
    ("seconds", 1000.0),
    ("secs", 1000.0),
    ("sec", 1000.0),
    ("min", 60_000.0),
    ("s", 1000.0),
];

fn clock(parts: &[&str]) -> Option<f64> {
    parts.iter().try_fold(0.0, |sum, part| Some(sum * 60.0 + decimal(part)?))
}

/// A number in the English or a continental form. A single comma is a decimal one, a single point too; of both kinds the last.
fn decimal(text: &str) -> Option<f64> {
    let text: String = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '\'' | '_' | '’')).collect();
    let last = text.rfind([',', '.']);
    let is_decimal = |place: usize| text.matches(&text[place..=place]).count() == 1;
    let Some(place) = last.filter(|place| is_decimal(*place)) else { return text.replace([',', '.'], "").parse().ok() };
    let whole = text[..place].replace([',', '.'], "");
    format!("{whole}.{}", &text[place + 1..]).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_every_usual_form() {
        for (text, expected) in [
            ("1.5", 1500),
            ("0,123", 123),
            ("1,234.567", 1_234_567),
            ("1.234,5", 1_234_500),
            ("1,234,567.8", 1_234_567_800),
            ("1 234.5", 1_234_500),
            ("1'234.5", 1_234_500),
            ("12ms", 12),
            ("1.5 s", 1500),
            ("2 sec", 2000),
            ("1e-3", 1),
            ("00:01:02.5", 62_500),
            ("PT0.5S", 500),
            ("250µs", 0),
            ("", 0),
            ("NaN", 0),
            ("inf", 0),
            ("-1", 0),
            ("soon", 0),
            ("1e300", 1_000_000_000_000_000),
        ] {
            assert_eq!(millis(text), expected, "{text}");
        }
    }
}
