//! Numbers of the core schema of YAML 1.2: those that JSON cannot represent exactly are refused.

use serde_json::{Number, Value};

use crate::domain::input::truncate;
use crate::i18n::{Message, message};

/// Parses a number; `None` if the text is not a number.
pub fn parse(text: &str) -> Option<Result<Value, Message>> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(text, ".nan" | ".NaN" | ".NAN") || matches!(digits, ".inf" | ".Inf" | ".INF") {
        return Some(Err(message!("yaml.not_a_json_number", number = text)));
    }
    for (prefix, radix) in [("0o", 8), ("0x", 16)] {
        if let Some(Ok(number)) =
            text.strip_prefix(prefix).filter(|rest| is_hexadecimal(rest)).map(|rest| u64::from_str_radix(rest, radix))
        {
            return Some(Ok(number.into()));
        }
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') || !digits.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let text = text.strip_prefix('+').unwrap_or(text);
    if let Ok(integer) = text.parse::<i64>() {
        return Some(Ok(integer.into()));
    }
    if let Ok(integer) = text.parse::<u64>() {
        return Some(Ok(integer.into()));
    }
    let number = text.parse::<f64>().ok()?;
    let shown = truncate(text, 40);
    let Some(number) = Number::from_f64(number) else { return Some(Err(message!("yaml.number_too_large", number = shown))) };
    match decimal(&number.to_string()) == decimal(text) {
        true => Some(Ok(number.into())),
        false => Some(Err(message!("yaml.number_not_exact", number = shown))),
    }
}

/// The digits of a decimal number without zeros at either end, and the power of ten of the last one; of equal numbers they are equal.
fn decimal(text: &str) -> Option<(String, i64)> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let kept = digits.trim_end_matches('0');
    let exponent = exponent.parse::<i64>().ok()?.saturating_sub_unsigned(fraction.len() as u64);
    let exponent = exponent.saturating_add_unsigned((digits.len() - kept.len()) as u64);
    let kept = kept.trim_start_matches(['-', '+', '0']);
    Some((kept.to_owned(), if kept.is_empty() { 0 } else { exponent }))
}

fn is_hexadecimal(digits: &str) -> bool {
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn huge_exponents_are_refused() {
        for text in ["1e9223372036854775807", "0e9223372036854775808", "1e99999999999999999999"] {
            assert!(matches!(parse(text), Some(Err(_))), "{text}");
        }
        assert!(matches!(parse("0e9223372036854775807"), Some(Ok(_))));
    }

    #[test]
    fn numbers_are_kept_exactly() {
        for (text, written) in [
            ("18446744073709551615", "18446744073709551615"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("0.1", "0.1"),
            ("1.50", "1.5"),
            ("-0.0", "-0.0"),
            (".5", "0.5"),
            ("12e3", "12000.0"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("100000000000000000000", "1e+20"),
        ] {
            assert_eq!(parse(text).map(|value| value.map(|value| value.to_string())), Some(Ok(written.to_owned())));
        }
    }
}
