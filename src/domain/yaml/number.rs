//! Numbers of the core schema of YAML 1.2, with their digits. JSON has no infinity and no NaN; these are refused.

use serde_json::Value;

use crate::i18n::{Message, message};

/// Parses a number; `None` if the text is not a number.
pub fn parse(text: &str) -> Option<Result<Value, Message>> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(text, ".nan" | ".NaN" | ".NAN") || matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Some(Err(message!("yaml.not_a_json_number", number = text)));
    }
    for (prefix, radix) in [("0o", 8), ("0x", 16)] {
        if let Some(Ok(number)) =
            text.strip_prefix(prefix).filter(|rest| is_hexadecimal(rest)).map(|rest| u64::from_str_radix(rest, radix))
        {
            return Some(Ok(number.into()));
        }
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    format!("{sign}{}", json_digits(unsigned)?).parse().ok().map(|number| Ok(Value::Number(number)))
}

/// The digits of a number without sign as JSON writes them: one digit at least before the point and behind it.
fn json_digits(unsigned: &str) -> Option<String> {
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => unsigned.split_at(at),
        None => (unsigned, ""),
    };
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(whole, fraction)| (whole, Some(fraction)));
    let (fraction, all_digits) = (fraction.unwrap_or_default(), [whole, fraction.unwrap_or_default()].concat());
    if all_digits.is_empty() || !all_digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{whole}{point}{fraction}{exponent}"))
}

fn is_hexadecimal(digits: &str) -> bool {
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_kept_as_they_are_written() {
        for (text, written) in [
            ("18446744073709551615", "18446744073709551615"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("0.12345678901234567890123", "0.12345678901234567890123"),
            ("0.1", "0.1"),
            ("1.50", "1.50"),
            ("-0.0", "-0.0"),
            ("+3", "3"),
            ("010", "10"),
            ("5.", "5"),
            (".5", "0.5"),
            ("12e3", "12e+3"),
            ("1e400", "1e+400"),
        ] {
            assert_eq!(parse(text).map(|value| value.map(|value| value.to_string())), Some(Ok(written.to_owned())), "{text}");
        }
    }

    #[test]
    fn other_texts_are_not_numbers() {
        for text in ["", "-", ".", "e3", "1e", "1e+", "1_000", "1.2.3", "+-1", "0x", "1e4x", "12:30", "0o9"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
