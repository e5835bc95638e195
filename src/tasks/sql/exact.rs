//! Decimal numbers of any length, compared exactly.

use std::cmp::Ordering;

use serde_json::Value;

/// A finite decimal number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exact {
    negative: bool,
    /// The significant digits, without zeros at their ends; empty for zero.
    digits: String,
    /// The power of ten by which `0.digits` is multiplied.
    exponent: i64,
}

impl Exact {
    /// Parses `12`, `-12.50`, `+1e-7`; `None` for anything else, `NaN` and `Infinity` too.
    pub fn parse(text: &str) -> Option<Exact> {
        let negative = text.starts_with('-');
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (mantissa, power) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, i64::from(power.parse::<i32>().ok()?)),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let significant = all.trim_start_matches('0');
        let leading_zeros = all.len() - significant.len();
        let digits = significant.trim_end_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Exact { negative: false, digits, exponent: 0 });
        }
        let exponent = power + i64::try_from(whole.len()).ok()? - i64::try_from(leading_zeros).ok()?;
        Some(Exact { negative, digits, exponent })
    }

    /// The number that a JSON value holds, as a number or as text.
    pub fn from_json(value: &Value) -> Option<Exact> {
        match value {
            Value::Number(number) => Exact::parse(&number.to_string()),
            Value::String(text) => Exact::parse(text.trim()),
            _ => None,
        }
    }

    fn signum(&self) -> i8 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }
}

impl Ord for Exact {
    fn cmp(&self, other: &Exact) -> Ordering {
        let magnitude = || self.exponent.cmp(&other.exponent).then_with(|| self.digits.cmp(&other.digits));
        self.signum().cmp(&other.signum()).then_with(|| if self.negative { magnitude().reverse() } else { magnitude() })
    }
}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Exact) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// From here on not every integer is a floating-point number.
const FIRST_INEXACT: f64 = 9_007_199_254_740_992.0;
/// A floating-point number shown with as many digits was probably written with more.
const MANY_DIGITS: usize = 16;

/// Whether a JSON number was written as an integer with more digits than it keeps.
pub fn is_rounded(value: &Value) -> bool {
    let Some(float) = value.as_number().filter(|number| number.is_f64()).and_then(serde_json::Number::as_f64) else {
        return false;
    };
    float.abs() >= FIRST_INEXACT && Exact::from_json(value).is_some_and(|exact| exact.digits.len() >= MANY_DIGITS)
}

/// Parses JSON of a database. A number whose digits a JSON number cannot hold here becomes text with these digits.
pub fn parse_json(text: &str) -> Option<Value> {
    serde_json::from_str(&quote_long_numbers(text)).ok()
}

/// The JSON text with each number that would lose digits in quotes.
fn quote_long_numbers(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        quoted.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = if rest.starts_with('"') { string_end(rest) } else { number_end(rest) };
        let (token, after) = rest.split_at(end);
        let quote = if token.starts_with('"') || survives(token) { "" } else { "\"" };
        quoted.extend([quote, token, quote]);
        rest = after;
    }
    quoted + rest
}

/// The length of the JSON string at the start of the text.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    let ends = |(_, byte): &(usize, u8)| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    };
    text.bytes().enumerate().skip(1).find(ends).map_or(text.len(), |(at, _)| at + 1)
}

fn number_end(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '-' | '+' | '.' | 'e' | 'E')).unwrap_or(text.len())
}

/// Whether a JSON number keeps its value when it is parsed. What is not a number is left to the parser to reject.
fn survives(token: &str) -> bool {
    match serde_json::from_str::<Value>(token) {
        Ok(value) => Exact::parse(token).is_none_or(|exact| Exact::from_json(&value) == Some(exact)),
        Err(_) => Exact::parse(token).is_none(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn exact_numbers_of_any_length_are_ordered() {
        let ordered = [
            "-1e400",
            "-12345678901234567890123.2",
            "-12345678901234567890123.1",
            "-1",
            "-0.5",
            "0",
            "0.00000000000000000001",
            "1e-7",
            "0.1",
            "9",
            "10",
            "12345678901234567890122",
            "12345678901234567890123",
            "1e400",
        ];
        for pair in ordered.windows(2) {
            assert!(Exact::parse(pair[0]).unwrap() < Exact::parse(pair[1]).unwrap(), "{pair:?}");
        }
        for (one, two) in [("1.10", "1.1"), ("-0", "0"), ("100", "1e2"), ("0012.50", "12.5"), ("0.1", "1E-1")] {
            assert_eq!(Exact::parse(one), Exact::parse(two));
        }
        for text in ["", "-", ".", "1.2.3", "NaN", "Infinity", "0x10", "1e", "1e99999999999", "a", "1 "] {
            assert_eq!(Exact::parse(text), None, "{text}");
        }
    }

    #[test]
    fn parse_json_loses_no_digits() {
        let text = r#"{"a\"1": [12345678901234567890123, 9007199254740993, -0.1, 1.10, 1e2], "b": "1.23456789012345678901", "c": 1.23456789012345678901, "d": 1e400}"#;
        let expected = json!({"a\"1": ["12345678901234567890123", 9_007_199_254_740_993_i64, -0.1, 1.1, 100.0],
            "b": "1.23456789012345678901", "c": "1.23456789012345678901", "d": "1e400"});
        assert_eq!(parse_json(text), Some(expected));
        for text in ["[1-2]", "{", "\"a", "1.2.3", "-", ""] {
            assert_eq!(parse_json(text), None, "{text}");
        }
    }
}
