//! Phone numbers as people write them, and as each provider wants them.

use crate::domain::input::cut;
use crate::domain::profile::sms::Provider;

/// A number without spaces and the like: digits, with a `+` where the country's code comes first.
///
/// # Errors
/// Where it is no phone number.
pub(super) fn read(text: &str) -> Result<String, String> {
    let compact: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '\u{a0}')).collect();
    let number = compact.strip_prefix("00").map(|rest| format!("+{rest}")).unwrap_or(compact);
    let digits = number.strip_prefix('+').unwrap_or(&number);
    if (5..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(number);
    }
    Err(format!("'{}' is not a phone number; write +8613800138000 or 13800138000", cut(text, 40)))
}

/// A number as a provider wants it.
///
/// # Errors
/// Where the country is not told and the provider cannot know it.
pub(super) fn for_provider(number: &str, provider: Provider) -> Result<String, String> {
    let abroad = || format!("'{number}' lacks the country's code; write it as +8613800138000");
    match provider {
        // Numbers of the mainland without a code, others with theirs, never a plus.
        Provider::Aliyun => {
            let inland = number.strip_prefix("+86").filter(|rest| is_mainland(rest));
            Ok(inland.unwrap_or(number).trim_start_matches('+').to_owned())
        }
        Provider::Tencent if !number.starts_with('+') && is_mainland(number) => Ok(format!("+86{number}")),
        Provider::Tencent | Provider::Twilio if !number.starts_with('+') => Err(abroad()),
        Provider::Tencent | Provider::Twilio | Provider::Http => Ok(number.to_owned()),
    }
}

/// Whether it is a mobile number of mainland China, with the country's code or without any.
pub(super) fn is_mainland(number: &str) -> bool {
    let inland = number.strip_prefix("+86").unwrap_or(number);
    inland.len() == 11 && inland.starts_with('1')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(read("138 0013-8000"), Ok("13800138000".into()));
        assert_eq!(read("+86 (138) 00138000"), Ok("+8613800138000".into()));
        assert_eq!(read("0085291234567"), Ok("+85291234567".into()));
        for text in ["", "12", "+", "138001380001234567", "1380013800o", "10086;drop", "+86+138"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn each_provider_gets_its_form() {
        let form = |number: &str, provider| for_provider(number, provider);
        assert_eq!(form("+8613800138000", Provider::Aliyun), Ok("13800138000".into()));
        assert_eq!(form("+85291234567", Provider::Aliyun), Ok("85291234567".into()));
        assert_eq!(form("13800138000", Provider::Tencent), Ok("+8613800138000".into()));
        assert_eq!(form("+14155552671", Provider::Twilio), Ok("+14155552671".into()));
        assert!(form("13800138000", Provider::Twilio).is_err(), "it might be of North America as well");
        assert!(form("91234567", Provider::Tencent).is_err());
        assert_eq!(form("13800138000", Provider::Http), Ok("13800138000".into()));
    }
}
