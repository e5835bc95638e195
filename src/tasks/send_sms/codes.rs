//! Error codes: explanations of the providers' frequent codes, and whether to retry.

use crate::domain::profile::sms::Provider;
use crate::i18n::{Message, message};

/// The explanation of a code.
#[derive(Debug, Clone, Copy)]
pub(super) struct CodeInfo {
    /// Whether the condition passes by itself within minutes.
    pub retry: bool,
    /// An explanation; `None` if the provider's message is clear enough.
    pub hint: Option<Hint>,
}

/// A code or a prefix of codes, whether to retry, and the hint. The first matching row applies.
type Row = (&'static str, bool, Option<Hint>);

/// Builds an explanation.
type Hint = fn() -> Message;

const ALIYUN: &[Row] = &[
    ("isv.BUSINESS_LIMIT_CONTROL", true, Some(|| message!("sms_hint.number_limit"))),
    ("isv.DAY_LIMIT_CONTROL", false, Some(|| message!("sms_hint.console_day_limit"))),
    ("isv.MONTH_LIMIT_CONTROL", false, Some(|| message!("sms_hint.console_month_limit"))),
    ("isv.MOBILE_NUMBER_ILLEGAL", false, Some(|| message!("sms_hint.invalid_number"))),
    ("isv.MOBILE_COUNT_OVER_LIMIT", false, Some(|| message!("sms_hint.too_many_numbers"))),
    ("isv.SMS_SIGNATURE_ILLEGAL", false, Some(|| message!("sms_hint.signature_not_approved"))),
    ("isv.SMS_SIGN_ILLEGAL", false, Some(|| message!("sms_hint.signature_not_approved"))),
    ("isv.SMS_TEMPLATE_ILLEGAL", false, Some(|| message!("sms_hint.template_not_approved"))),
    ("isv.TEMPLATE_MISSING_PARAMETERS", false, Some(|| message!("sms_hint.value_missing"))),
    ("isv.TEMPLATE_PARAMS_ILLEGAL", false, Some(|| message!("sms_hint.value_mismatch"))),
    ("isv.PARAM_LENGTH_LIMIT", false, Some(|| message!("sms_hint.value_too_long"))),
    ("isv.BLACK_KEY_CONTROL_LIMIT", false, Some(|| message!("sms_hint.value_forbidden"))),
    ("isv.AMOUNT_NOT_ENOUGH", false, Some(|| message!("sms_hint.balance"))),
    ("isv.OUT_OF_SERVICE", false, Some(|| message!("sms_hint.suspended"))),
    ("isv.ACCOUNT_NOT_EXISTS", false, Some(|| message!("sms_hint.no_account"))),
    ("isv.ACCOUNT_ABNORMAL", false, Some(|| message!("sms_hint.account_locked"))),
    ("isp.RAM_PERMISSION_DENY", false, Some(|| message!("sms_hint.key_permission"))),
    ("isp.SYSTEM_ERROR", true, Some(|| message!("sms_hint.provider_error"))),
    ("InvalidAccessKeyId", false, Some(|| message!("sms_hint.key_inactive"))),
    ("SignatureDoesNotMatch", false, Some(|| message!("sms_hint.secret_mismatch"))),
    ("InvalidTimeStamp", false, Some(|| message!("sms_hint.clock"))),
    ("Throttling", true, Some(|| message!("sms_hint.rate"))),
    ("ServiceUnavailable", true, None),
    ("InternalError", true, None),
];

const TENCENT: &[Row] = &[
    ("LimitExceeded.PhoneNumberDailyLimit", false, Some(|| message!("sms_hint.number_day_limit"))),
    ("LimitExceeded.DailyLimit", false, Some(|| message!("sms_hint.day_limit"))),
    ("LimitExceeded.PhoneNumberSameContentDailyLimit", false, Some(|| message!("sms_hint.same_text"))),
    ("LimitExceeded", true, Some(|| message!("sms_hint.message_rate"))),
    ("RequestLimitExceeded", true, Some(|| message!("sms_hint.rate"))),
    ("InvalidParameterValue.IncorrectPhoneNumber", false, Some(|| message!("sms_hint.invalid_number"))),
    ("InvalidParameterValue.TemplateParameter", false, Some(|| message!("sms_hint.value_mismatch"))),
    ("FailedOperation.TemplateParamSetNotMatchApprovedTemplate", false, Some(|| message!("sms_hint.params_mismatch"))),
    ("FailedOperation.Template", false, Some(|| message!("sms_hint.template_not_approved"))),
    ("FailedOperation.SignatureIncorrectOrUnapproved", false, Some(|| message!("sms_hint.signature_not_approved"))),
    ("FailedOperation.MissingSignature", false, Some(|| message!("sms_hint.sign_missing"))),
    ("FailedOperation.MissingTemplate", false, Some(|| message!("sms_hint.no_template"))),
    ("FailedOperation.ContainSensitiveWord", false, Some(|| message!("sms_hint.text_forbidden"))),
    ("FailedOperation.InsufficientBalanceInSmsPackage", false, Some(|| message!("sms_hint.package_used_up"))),
    ("FailedOperation.PhoneNumberInBlacklist", false, Some(|| message!("sms_hint.opted_out"))),
    ("UnauthorizedOperation.SmsSdkAppIdVerifyFail", false, Some(|| message!("sms_hint.app_id"))),
    ("UnauthorizedOperation", false, Some(|| message!("sms_hint.no_permission"))),
    ("AuthFailure.SecretIdNotFound", false, Some(|| message!("sms_hint.key_unknown"))),
    ("AuthFailure.SignatureExpire", false, Some(|| message!("sms_hint.clock"))),
    ("AuthFailure.SignatureFailure", false, Some(|| message!("sms_hint.secret_mismatch"))),
    ("InternalError", true, Some(|| message!("sms_hint.provider_error"))),
    ("ResourceInsufficient", true, None),
    ("ResourceUnavailable", true, None),
];

const TWILIO: &[Row] = &[
    ("20003", false, Some(|| message!("sms_hint.credentials"))),
    ("20429", true, Some(|| message!("sms_hint.rate"))),
    ("14107", true, Some(|| message!("sms_hint.message_rate"))),
    ("30001", true, Some(|| message!("sms_hint.queue_full"))),
    ("21211", false, Some(|| message!("sms_hint.invalid_number"))),
    ("21614", false, Some(|| message!("sms_hint.not_mobile"))),
    ("21408", false, Some(|| message!("sms_hint.country"))),
    ("21606", false, Some(|| message!("sms_hint.sender"))),
    ("21608", false, Some(|| message!("sms_hint.trial"))),
    ("21610", false, Some(|| message!("sms_hint.opted_out"))),
];

/// The explanation of a provider's code, if known.
pub(super) fn code_info(provider: Provider, code: &str) -> Option<CodeInfo> {
    let rows = match provider {
        Provider::Aliyun => ALIYUN,
        Provider::Tencent => TENCENT,
        Provider::Twilio => TWILIO,
        Provider::Http => return None,
    };
    let found = rows.iter().find(|(begin, ..)| code.starts_with(begin));
    found.map(|(_, retry, hint)| CodeInfo { retry: *retry, hint: *hint })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_info_retries_throttling_but_not_invalid_numbers() {
        let retry = |provider, code| code_info(provider, code).map(|code_info| code_info.retry);
        assert_eq!(retry(Provider::Aliyun, "Throttling.User"), Some(true));
        assert_eq!(retry(Provider::Aliyun, "isv.MOBILE_NUMBER_ILLEGAL"), Some(false));
        assert_eq!(retry(Provider::Tencent, "LimitExceeded.PhoneNumberThirtySecondLimit"), Some(true));
        assert_eq!(retry(Provider::Tencent, "LimitExceeded.PhoneNumberDailyLimit"), Some(false));
        assert_eq!(retry(Provider::Tencent, "InvalidParameterValue.IncorrectPhoneNumber"), Some(false));
        assert_eq!((retry(Provider::Twilio, "20429"), retry(Provider::Twilio, "21211")), (Some(true), Some(false)));
        assert_eq!(retry(Provider::Aliyun, "isv.SOMETHING_NEW"), None);
    }

    #[test]
    fn no_row_is_shadowed_by_an_earlier_one() {
        for rows in [ALIYUN, TENCENT, TWILIO] {
            for (place, (code, ..)) in rows.iter().enumerate() {
                let first = rows.iter().position(|(begin, ..)| code.starts_with(begin));
                assert_eq!(first, Some(place), "{code}");
            }
        }
    }
}
