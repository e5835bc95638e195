//! Phone numbers: parses the usual notations, and converts them to the form of each provider.

use crate::domain::input::truncate;
use crate::domain::profile::sms::Provider;
use crate::i18n::{Message, message};

/// Parses a number: 5 to 15 digits, with a leading `+` before a country code. Spaces, hyphens and brackets are removed.
pub(super) fn read(text: &str) -> Result<String, Message> {
    let compact: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '\u{a0}')).collect();
    let number = compact.strip_prefix("00").map(|rest| format!("+{rest}")).unwrap_or(compact);
    let digits = number.strip_prefix('+').unwrap_or(&number);
    if (5..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(number);
    }
    Err(message!("sms.number", number = truncate(text, 40)))
}

/// A number in the form of a provider.
///
/// # Errors
/// If the country code is missing and the provider requires it.
pub(super) fn for_provider(number: &str, provider: Provider) -> Result<String, Message> {
    let missing_country_code = || message!("sms.country_code", number);
    match provider {
        // Numbers of mainland China without country code, others with it, never a plus.
        Provider::Aliyun => {
            let national = number.strip_prefix("+86").filter(|rest| is_mainland(rest));
            Ok(national.unwrap_or(number).trim_start_matches('+').to_owned())
        }
        Provider::Tencent if !number.starts_with('+') && is_mainland(number) => Ok(format!("+86{number}")),
        Provider::Tencent | Provider::Twilio if !number.starts_with('+') => Err(missing_country_code()),
        Provider::Tencent | Provider::Twilio | Provider::Http => Ok(number.to_owned()),
    }
}

/// Whether it is a mobile number of mainland China, with or without country code.
pub(super) fn is_mainland(number: &str) -> bool {
    let national = number.strip_prefix("+86").unwrap_or(number);
    national.len() == 11 && national.starts_with('1')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_accepts_separators_and_international_prefixes() {
        assert_eq!(read("138 0013-8000"), Ok("13800138000".into()));
        assert_eq!(read("+86 (138) 00138000"), Ok("+8613800138000".into()));
        assert_eq!(read("0085291234567"), Ok("+85291234567".into()));
        for text in ["", "12", "+", "138001380001234567", "1380013800o", "10086;drop", "+86+138"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn for_provider_converts_to_the_form_of_each_provider() {
        let form = |number: &str, provider| for_provider(number, provider);
        assert_eq!(form("+8613800138000", Provider::Aliyun), Ok("13800138000".into()));
        assert_eq!(form("+85291234567", Provider::Aliyun), Ok("85291234567".into()));
        assert_eq!(form("13800138000", Provider::Tencent), Ok("+8613800138000".into()));
        assert_eq!(form("+14155552671", Provider::Twilio), Ok("+14155552671".into()));
        assert!(form("13800138000", Provider::Twilio).is_err(), "could also be a North American number");
        assert!(form("91234567", Provider::Tencent).is_err());
        assert_eq!(form("13800138000", Provider::Http), Ok("13800138000".into()));
    }
}
