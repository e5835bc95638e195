//! Database value, independent of the database, for results, CSV files and copies to other databases.

use std::cmp::Ordering;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, SecondsFormat};
use serde_json::Value;

use crate::domain::exact::{Exact, machine_number};

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    /// An exact number as text.
    Decimal(String),
    Text(String),
    Bytes(Vec<u8>),
    /// Date and time with an offset.
    TimestampTz(DateTime<FixedOffset>),
    /// Date and time without a zone.
    Timestamp(NaiveDateTime),
    Date(NaiveDate),
    /// JSON as text, with the digits of its numbers.
    Json(String),
}

/// Beyond this, JSON numbers lose digits in most programs.
const SAFE_INTEGER: i64 = (1 << 53) - 1;

impl Cell {
    /// A parameter from JSON; arrays and objects become JSON values of the database.
    pub fn from_json(value: &Value) -> Cell {
        match value {
            Value::Null => Cell::Null,
            Value::Bool(value) => Cell::Bool(*value),
            Value::Number(number) => match (number.as_i64(), machine_number(number).filter(|_| number.is_f64())) {
                (Some(integer), _) => Cell::Integer(integer),
                (None, Some(float)) => Cell::Float(float),
                (None, None) => Cell::Decimal(number.to_string()),
            },
            Value::String(text) => Cell::Text(text.clone()),
            composite => Cell::Json(composite.to_string()),
        }
    }

    /// As JSON without loss: exact numbers and integers beyond 2^53 as text, bytes in base64, timestamps in RFC 3339.
    pub fn to_json(&self) -> Value {
        match self {
            Cell::Null => Value::Null,
            Cell::Bool(value) => (*value).into(),
            Cell::Integer(integer) if integer.unsigned_abs() > SAFE_INTEGER.unsigned_abs() => integer.to_string().into(),
            Cell::Integer(integer) => (*integer).into(),
            Cell::Float(float) if float.is_finite() => (*float).into(),
            Cell::Bytes(bytes) => STANDARD.encode(bytes).into(),
            Cell::Json(text) => serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into()),
            other => other.text().into(),
        }
    }

    /// As text; empty for NULL.
    pub fn text(&self) -> String {
        match self {
            Cell::Null => String::new(),
            Cell::Bool(value) => value.to_string(),
            Cell::Integer(integer) => integer.to_string(),
            Cell::Float(float) => float.to_string(),
            Cell::Decimal(text) | Cell::Text(text) | Cell::Json(text) => text.clone(),
            Cell::Bytes(bytes) => STANDARD.encode(bytes),
            Cell::TimestampTz(at) => at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            Cell::Timestamp(at) => at.format("%Y-%m-%dT%H:%M:%S%.f").to_string(),
            Cell::Date(date) => date.to_string(),
        }
    }

    /// About the size of the value in bytes.
    pub fn size(&self) -> usize {
        match self {
            Cell::Decimal(text) | Cell::Text(text) | Cell::Json(text) => text.len(),
            Cell::Bytes(bytes) => bytes.len(),
            _ => size_of::<Cell>(),
        }
    }

    /// Compares two values of one column; `None` if they cannot be compared.
    pub fn compare(&self, other: &Cell) -> Option<Ordering> {
        match (self, other) {
            (Cell::Null, _) | (_, Cell::Null) => None,
            (Cell::Integer(one), Cell::Integer(two)) => Some(one.cmp(two)),
            (Cell::TimestampTz(one), Cell::TimestampTz(two)) => Some(one.cmp(two)),
            (Cell::Text(one), Cell::Text(two)) => Some(one.cmp(two)),
            (Cell::Bytes(one), Cell::Bytes(two)) => Some(one.cmp(two)),
            (one, two) => match (one.number(), two.number()) {
                (Some(one), Some(two)) => Some(one.cmp(&two)),
                (None, None) => Some(one.text().cmp(&two.text())),
                _ => None,
            },
        }
    }

    fn number(&self) -> Option<Exact> {
        match self {
            Cell::Integer(_) | Cell::Float(_) | Cell::Decimal(_) => Exact::parse(&self.text()),
            _ => None,
        }
    }
}

/// A number of single precision with its own digits: 0.1, not 0.10000000149011612.
pub(super) fn shortest(number: f32) -> f64 {
    number.to_string().parse().unwrap_or_else(|_| number.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn to_json_is_lossless() {
        let local = NaiveDate::from_ymd_opt(2026, 11, 21).unwrap().and_hms_milli_opt(8, 0, 0, 50).unwrap();
        let cells = [
            (Cell::Integer(SAFE_INTEGER), json!(9_007_199_254_740_991_i64)),
            (Cell::Integer(i64::MIN + 1), json!("-9223372036854775807")),
            (Cell::Decimal("1.10".into()), json!("1.10")),
            (Cell::Float(0.5), json!(0.5)),
            (Cell::Float(f64::NAN), json!("NaN")),
            (Cell::Bytes(vec![0, 255]), json!("AP8=")),
            (Cell::Timestamp(local), json!("2026-11-21T08:00:00.050")),
            (Cell::TimestampTz(local.and_utc().into()), json!("2026-11-21T08:00:00.050Z")),
            (Cell::Json("{\"a\": [1]}".into()), json!({"a": [1]})),
            (Cell::Null, json!(null)),
        ];
        for (cell, expected) in cells {
            assert_eq!(cell.to_json(), expected);
        }
    }

    #[test]
    fn compare_orders_values_of_the_same_kind() {
        let greater = |one: Cell, two: Cell| assert_eq!(one.compare(&two), Some(Ordering::Greater));
        greater(Cell::Integer(10), Cell::Integer(9));
        greater(Cell::Decimal("10.5".into()), Cell::Integer(9));
        greater(Cell::Decimal("12345678901234567890124".into()), Cell::Decimal("12345678901234567890123".into()));
        greater(Cell::Decimal("9223372036854775808".into()), Cell::Integer(i64::MAX));
        greater(Cell::Text("b".into()), Cell::Text("a".into()));
        assert_eq!(Cell::Null.compare(&Cell::Integer(1)), None);
    }

    #[test]
    fn from_json_keeps_exact_numbers() {
        assert_eq!(Cell::from_json(&json!(1)), Cell::Integer(1));
        assert_eq!(Cell::from_json(&json!(1.5)), Cell::Float(1.5));
        assert_eq!(Cell::from_json(&json!(u64::MAX)), Cell::Decimal("18446744073709551615".into()));
        assert_eq!(Cell::from_json(&json!([1])), Cell::Json("[1]".into()));
        let parsed = |text: &str| Cell::from_json(&serde_json::from_str(text).unwrap());
        assert_eq!(parsed("1.10"), Cell::Float(1.1));
        for digits in ["12345678901234567890123", "0.1234567890123456789", "1e+400"] {
            assert_eq!(parsed(digits), Cell::Decimal(digits.into()));
        }
        assert_eq!(parsed("[1.10, 12345678901234567890123]"), Cell::Json("[1.10,12345678901234567890123]".into()));
    }
}
