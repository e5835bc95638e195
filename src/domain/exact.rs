//! Decimal numbers of any length, compared exactly: those of JSON keep their digits, so 1.10 and 1.1 are equal but not the same text.

use std::cmp::Ordering;

use serde_json::{Number, Value};

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
    #[must_use]
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
    #[must_use]
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

/// Whether two JSON values are equal; numbers are compared by value, so 1 equals 1.0.
#[must_use]
pub fn equal(one: &Value, two: &Value) -> bool {
    match (one, two) {
        (Value::Number(_), Value::Number(_)) => {
            one == two || Exact::from_json(one).is_some_and(|one| Exact::from_json(two) == Some(one))
        }
        (Value::Array(one), Value::Array(two)) => one.len() == two.len() && one.iter().zip(two).all(|(one, two)| equal(one, two)),
        (Value::Object(one), Value::Object(two)) => {
            one.len() == two.len() && one.iter().all(|(name, one)| two.get(name).is_some_and(|two| equal(one, two)))
        }
        _ => one == two,
    }
}

/// The floating-point number of the same value; `None` if there is none.
#[must_use]
pub fn machine_number(number: &Number) -> Option<f64> {
    let float = number.as_f64()?;
    (Exact::parse(&float.to_string())? == Exact::parse(&number.to_string())?).then_some(float)
}

#[cfg(test)]
mod tests {
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
    fn equal_compares_numbers_by_value_at_any_depth() {
        let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let one = parse(r#"{"a": [1.10, 12345678901234567890123, {"b": 1e2}], "c": "1"}"#);
        assert!(equal(&one, &parse(r#"{"c": "1", "a": [1.1, 12345678901234567890123.0, {"b": 100}]}"#)));
        for other in [
            r#"{"a": [1.10, 12345678901234567890124, {"b": 1e2}], "c": "1"}"#,
            r#"{"a": [1.10, 12345678901234567890123, {"b": 1e2}], "c": 1}"#,
            r#"{"a": [1.10, 12345678901234567890123, {"d": 1e2}], "c": "1"}"#,
            r#"{"a": [1.10, 12345678901234567890123], "c": "1"}"#,
        ] {
            assert!(!equal(&one, &parse(other)), "{other}");
        }
    }

    #[test]
    fn machine_numbers_have_the_same_value() {
        for text in ["1.10", "0.1", "-0.0", "1e2", "9007199254740993.5e-1"] {
            let float = machine_number(&text.parse().unwrap());
            assert_eq!(float.and_then(|float| Exact::parse(&float.to_string())), float.and(Exact::parse(text)), "{text}");
        }
        assert_eq!(machine_number(&"1.10".parse().unwrap()), Some(1.1));
        for text in ["12345678901234567890123", "0.1234567890123456789", "1e400"] {
            assert_eq!(machine_number(&text.parse().unwrap()), None, "{text}");
        }
    }
}
