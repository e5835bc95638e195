//! What the frequent error codes of the providers mean, and whether a later attempt may be taken.

use crate::domain::profile::sms::Provider;

/// What is known of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Meaning {
    /// It passes by itself within minutes.
    pub retry: bool,
    /// In plain words; empty where the provider's own are plain enough.
    pub hint: &'static str,
}

/// A code, or how a family of codes begins, whether to retry, and the hint. The first that fits is taken.
type Row = (&'static str, bool, &'static str);

const ALIYUN: &[Row] = &[
    ("isv.BUSINESS_LIMIT_CONTROL", true, "too many messages to this number in a short time"),
    ("isv.DAY_LIMIT_CONTROL", false, "the limit of a day, set in the console, is reached"),
    ("isv.MONTH_LIMIT_CONTROL", false, "the limit of a month, set in the console, is reached"),
    ("isv.MOBILE_NUMBER_ILLEGAL", false, "the number is not valid"),
    ("isv.MOBILE_COUNT_OVER_LIMIT", false, "too many numbers in one call"),
    ("isv.SMS_SIGNATURE_ILLEGAL", false, "the signature is not approved, or not of this account"),
    ("isv.SMS_SIGN_ILLEGAL", false, "the signature is not approved, or not of this account"),
    ("isv.SMS_TEMPLATE_ILLEGAL", false, "the template is not approved, or not of this account"),
    ("isv.TEMPLATE_MISSING_PARAMETERS", false, "params lacks a value that the template needs"),
    ("isv.TEMPLATE_PARAMS_ILLEGAL", false, "a value in params does not fit the template"),
    ("isv.PARAM_LENGTH_LIMIT", false, "a value in params is too long"),
    ("isv.BLACK_KEY_CONTROL_LIMIT", false, "a value in params holds a forbidden word"),
    ("isv.AMOUNT_NOT_ENOUGH", false, "the account's balance is used up"),
    ("isv.OUT_OF_SERVICE", false, "the service is suspended; look at the account's balance"),
    ("isv.ACCOUNT_NOT_EXISTS", false, "there is no such account"),
    ("isv.ACCOUNT_ABNORMAL", false, "the account is locked or suspended"),
    ("isp.RAM_PERMISSION_DENY", false, "the access key lacks the permission to send messages"),
    ("isp.SYSTEM_ERROR", true, "the provider's own fault"),
    ("InvalidAccessKeyId", false, "the access_key is not known or not active"),
    ("SignatureDoesNotMatch", false, "the secret_key is not the one of the access_key"),
    ("InvalidTimeStamp", false, "this machine's clock is wrong"),
    ("Throttling", true, "too many requests at once"),
    ("ServiceUnavailable", true, ""),
    ("InternalError", true, ""),
];

const TENCENT: &[Row] = &[
    ("LimitExceeded.PhoneNumberDailyLimit", false, "the day's limit of this number is reached"),
    ("LimitExceeded.DailyLimit", false, "the limit of a day is reached"),
    ("LimitExceeded.PhoneNumberSameContentDailyLimit", false, "this number got the same text too often today"),
    ("LimitExceeded", true, "too many messages in a short time"),
    ("RequestLimitExceeded", true, "too many requests at once"),
    ("InvalidParameterValue.IncorrectPhoneNumber", false, "the number is not valid"),
    ("InvalidParameterValue.TemplateParameter", false, "a value in params does not fit the template"),
    ("FailedOperation.TemplateParamSetNotMatchApprovedTemplate", false, "params does not fit the template"),
    ("FailedOperation.Template", false, "the template is not approved, or not of this account"),
    ("FailedOperation.SignatureIncorrectOrUnapproved", false, "the signature is not approved, or not of this account"),
    ("FailedOperation.MissingSignature", false, "a message needs a signature: give sign"),
    ("FailedOperation.MissingTemplate", false, "there is no such template"),
    ("FailedOperation.ContainSensitiveWord", false, "the text holds a forbidden word"),
    ("FailedOperation.InsufficientBalanceInSmsPackage", false, "the package of messages is used up"),
    ("FailedOperation.PhoneNumberInBlacklist", false, "the number does not want messages"),
    ("UnauthorizedOperation.SmsSdkAppIdVerifyFail", false, "the app_id is not of this account"),
    ("UnauthorizedOperation", false, "the key lacks the permission to send messages"),
    ("AuthFailure.SecretIdNotFound", false, "the access_key is not known"),
    ("AuthFailure.SignatureExpire", false, "this machine's clock is wrong"),
    ("AuthFailure.SignatureFailure", false, "the secret_key is not the one of the access_key"),
    ("InternalError", true, "the provider's own fault"),
    ("ResourceInsufficient", true, ""),
    ("ResourceUnavailable", true, ""),
];

const TWILIO: &[Row] = &[
    ("20003", false, "access_key or secret_key is wrong"),
    ("20429", true, "too many requests at once"),
    ("14107", true, "too many messages in a short time"),
    ("30001", true, "the provider's queue is full"),
    ("21211", false, "the number is not valid"),
    ("21614", false, "the number is not a mobile one"),
    ("21408", false, "messages to this country are not switched on"),
    ("21606", false, "the sender in from is not of this account"),
    ("21608", false, "a trial account sends to confirmed numbers alone"),
    ("21610", false, "the number does not want messages"),
];

/// What is known of a provider's code.
pub(super) fn meaning(provider: Provider, code: &str) -> Option<Meaning> {
    let rows = match provider {
        Provider::Aliyun => ALIYUN,
        Provider::Tencent => TENCENT,
        Provider::Twilio => TWILIO,
        Provider::Http => return None,
    };
    let found = rows.iter().find(|(begin, ..)| code.starts_with(begin));
    found.map(|(_, retry, hint)| Meaning { retry: *retry, hint })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throttling_passes_and_a_bad_number_does_not() {
        let retry = |provider, code| meaning(provider, code).map(|meaning| meaning.retry);
        assert_eq!(retry(Provider::Aliyun, "Throttling.User"), Some(true));
        assert_eq!(retry(Provider::Aliyun, "isv.MOBILE_NUMBER_ILLEGAL"), Some(false));
        assert_eq!(retry(Provider::Tencent, "LimitExceeded.PhoneNumberThirtySecondLimit"), Some(true));
        assert_eq!(retry(Provider::Tencent, "LimitExceeded.PhoneNumberDailyLimit"), Some(false));
        assert_eq!(retry(Provider::Tencent, "InvalidParameterValue.IncorrectPhoneNumber"), Some(false));
        assert_eq!((retry(Provider::Twilio, "20429"), retry(Provider::Twilio, "21211")), (Some(true), Some(false)));
        assert_eq!(retry(Provider::Aliyun, "isv.SOMETHING_NEW"), None);
    }

    #[test]
    fn no_row_hides_behind_an_earlier_one() {
        for rows in [ALIYUN, TENCENT, TWILIO] {
            for (place, (code, ..)) in rows.iter().enumerate() {
                let first = rows.iter().position(|(begin, ..)| code.starts_with(begin));
                assert_eq!(first, Some(place), "{code}");
            }
        }
    }
}
