//! Error codes: explanations of the providers' frequent codes, and whether to retry.

use crate::domain::profile::sms::Provider;

/// The explanation of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CodeInfo {
    /// Whether the condition passes by itself within minutes.
    pub retry: bool,
    /// An explanation; empty if the provider's message is clear enough.
    pub hint: &'static str,
}

/// A code or a prefix of codes, whether to retry, and the hint. The first matching row applies.
type Row = (&'static str, bool, &'static str);

const ALIYUN: &[Row] = &[
    ("isv.BUSINESS_LIMIT_CONTROL", true, "too many messages to this number in a short time"),
    ("isv.DAY_LIMIT_CONTROL", false, "the daily limit set in the console is reached"),
    ("isv.MONTH_LIMIT_CONTROL", false, "the monthly limit set in the console is reached"),
    ("isv.MOBILE_NUMBER_ILLEGAL", false, "the number is not valid"),
    ("isv.MOBILE_COUNT_OVER_LIMIT", false, "too many numbers in one call"),
    ("isv.SMS_SIGNATURE_ILLEGAL", false, "the signature is not approved, or belongs to another account"),
    ("isv.SMS_SIGN_ILLEGAL", false, "the signature is not approved, or belongs to another account"),
    ("isv.SMS_TEMPLATE_ILLEGAL", false, "the template is not approved, or belongs to another account"),
    ("isv.TEMPLATE_MISSING_PARAMETERS", false, "a value of the template is missing in params"),
    ("isv.TEMPLATE_PARAMS_ILLEGAL", false, "a value in params does not match the template"),
    ("isv.PARAM_LENGTH_LIMIT", false, "a value in params is too long"),
    ("isv.BLACK_KEY_CONTROL_LIMIT", false, "a value in params contains a forbidden word"),
    ("isv.AMOUNT_NOT_ENOUGH", false, "the account's balance is used up"),
    ("isv.OUT_OF_SERVICE", false, "the service is suspended; check the account's balance"),
    ("isv.ACCOUNT_NOT_EXISTS", false, "there is no such account"),
    ("isv.ACCOUNT_ABNORMAL", false, "the account is locked or suspended"),
    ("isp.RAM_PERMISSION_DENY", false, "the access key has no permission to send messages"),
    ("isp.SYSTEM_ERROR", true, "an error at the provider"),
    ("InvalidAccessKeyId", false, "the access_key is unknown or not active"),
    ("SignatureDoesNotMatch", false, "the secret_key does not belong to the access_key"),
    ("InvalidTimeStamp", false, "this machine's clock is wrong"),
    ("Throttling", true, "too many requests at once"),
    ("ServiceUnavailable", true, ""),
    ("InternalError", true, ""),
];

const TENCENT: &[Row] = &[
    ("LimitExceeded.PhoneNumberDailyLimit", false, "the daily limit of this number is reached"),
    ("LimitExceeded.DailyLimit", false, "the daily limit is reached"),
    ("LimitExceeded.PhoneNumberSameContentDailyLimit", false, "this number received the same text too often today"),
    ("LimitExceeded", true, "too many messages in a short time"),
    ("RequestLimitExceeded", true, "too many requests at once"),
    ("InvalidParameterValue.IncorrectPhoneNumber", false, "the number is not valid"),
    ("InvalidParameterValue.TemplateParameter", false, "a value in params does not match the template"),
    ("FailedOperation.TemplateParamSetNotMatchApprovedTemplate", false, "params does not match the template"),
    ("FailedOperation.Template", false, "the template is not approved, or belongs to another account"),
    ("FailedOperation.SignatureIncorrectOrUnapproved", false, "the signature is not approved, or belongs to another account"),
    ("FailedOperation.MissingSignature", false, "the message needs a signature; set sign"),
    ("FailedOperation.MissingTemplate", false, "there is no such template"),
    ("FailedOperation.ContainSensitiveWord", false, "the text contains a forbidden word"),
    ("FailedOperation.InsufficientBalanceInSmsPackage", false, "the message package is used up"),
    ("FailedOperation.PhoneNumberInBlacklist", false, "the recipient opted out of messages"),
    ("UnauthorizedOperation.SmsSdkAppIdVerifyFail", false, "the app_id belongs to another account"),
    ("UnauthorizedOperation", false, "the key has no permission to send messages"),
    ("AuthFailure.SecretIdNotFound", false, "the access_key is unknown"),
    ("AuthFailure.SignatureExpire", false, "this machine's clock is wrong"),
    ("AuthFailure.SignatureFailure", false, "the secret_key does not belong to the access_key"),
    ("InternalError", true, "an error at the provider"),
    ("ResourceInsufficient", true, ""),
    ("ResourceUnavailable", true, ""),
];

const TWILIO: &[Row] = &[
    ("20003", false, "access_key or secret_key is wrong"),
    ("20429", true, "too many requests at once"),
    ("14107", true, "too many messages in a short time"),
    ("30001", true, "the provider's queue is full"),
    ("21211", false, "the number is not valid"),
    ("21614", false, "the number is not a mobile number"),
    ("21408", false, "messages to this country are not enabled"),
    ("21606", false, "the sender in from belongs to another account"),
    ("21608", false, "a trial account can send to verified numbers only"),
    ("21610", false, "the recipient opted out of messages"),
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
    found.map(|(_, retry, hint)| CodeInfo { retry: *retry, hint })
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
