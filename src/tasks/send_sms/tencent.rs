//! Tencent Cloud (腾讯云短信): SendSms of 2021-01-11, signed by TC3-HMAC-SHA256.

use chrono::{DateTime, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use super::digest::{hex, hmac, sha256_hex};
use super::exchange::{Message, Outcome, Request, Response, host};
use crate::i18n::{self, message};

const ALGORITHM: &str = "TC3-HMAC-SHA256";
const CONTENT_TYPE: &str = "application/json; charset=utf-8";
/// The default of `region`.
const DEFAULT_REGION: &str = "ap-guangzhou";

pub(super) fn request(message: &Message<'_>) -> Result<Request, i18n::Message> {
    let body = json!({
        "PhoneNumberSet": [message.to],
        "SmsSdkAppId": message.profile.app_id.as_deref().unwrap_or_default(),
        "SignName": message.sign.unwrap_or_default(),
        "TemplateId": message.template.unwrap_or_default(),
        "TemplateParamSet": positional_values(message.params)?,
        "SessionContext": message.id,
    });
    let (url, body) = (message.endpoint()?, body.to_string());
    let headers = [("content-type", CONTENT_TYPE.to_owned()), ("host", host(&url)), ("x-tc-action", "sendsms".to_owned())];
    let call = Call { service: "sms", path: url.path(), headers: &headers, body: &body, now: message.now };
    let authorization = call.authorization(message.access_key(), message.secret_key());
    let timestamp = message.now.timestamp().to_string();
    Ok(Request::new(Method::POST, url, body)
        .with("authorization", &authorization)
        .with("content-type", CONTENT_TYPE)
        .with("x-tc-action", "SendSms")
        .with("x-tc-version", "2021-01-11")
        .with("x-tc-timestamp", &timestamp)
        .with("x-tc-region", message.profile.region.as_deref().unwrap_or(DEFAULT_REGION)))
}

/// The template's values by position: from a list, or from an object whose keys are the positions `1`, `2`, …
fn positional_values(params: &Value) -> Result<Vec<String>, i18n::Message> {
    let fault = || message!("sms.params_list", example = "[\"1234\", \"5\"]");
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match params {
        Value::Null => Ok(Vec::new()),
        Value::Array(values) => Ok(values.iter().map(text).collect()),
        Value::Object(values) => (1..=values.len()).map(|n| values.get(&n.to_string()).map(text).ok_or_else(fault)).collect(),
        _ => Err(fault()),
    }
}

pub(super) fn outcome(response: &Response) -> Option<Outcome> {
    let json = response.json()?;
    let response = json.get("Response")?;
    if let Some(error) = response.get("Error") {
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        return Some(Outcome::refused(text("Code"), i18n::Message::verbatim(text("Message"))));
    }
    let status = response.pointer("/SendStatusSet/0")?;
    let text = |name: &str| status.get(name).and_then(Value::as_str).unwrap_or_default();
    let (code, message) = (text("Code"), text("Message"));
    if !code.eq_ignore_ascii_case("ok") {
        return Some(Outcome::refused(code, i18n::Message::verbatim(message)));
    }
    let fee = status.get("Fee").and_then(Value::as_i64);
    Some(Outcome { fee, ..Outcome::accepted(Some(text("SerialNo")), code, message) })
}

/// The signed parts of an API call.
struct Call<'c> {
    service: &'c str,
    path: &'c str,
    /// Sorted by name, in lower case.
    headers: &'c [(&'c str, String)],
    body: &'c str,
    now: DateTime<Utc>,
}

impl Call<'_> {
    fn authorization(&self, access_key: &str, secret_key: &str) -> String {
        let lines: String = self.headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let names = self.headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let path = if self.path.is_empty() { "/" } else { self.path };
        let canonical = format!("POST\n{path}\n\n{lines}\n{names}\n{}", sha256_hex(self.body.as_bytes()));
        let date = self.now.format("%Y-%m-%d").to_string();
        let scope = format!("{date}/{}/tc3_request", self.service);
        let to_sign = format!("{ALGORITHM}\n{}\n{scope}\n{}", self.now.timestamp(), sha256_hex(canonical.as_bytes()));
        let date_key = hmac(format!("TC3{secret_key}").as_bytes(), &date);
        let key = hmac(&hmac(&date_key, self.service), "tc3_request");
        let signature = hex(&hmac(&key, &to_sign));
        format!("{ALGORITHM} Credential={access_key}/{scope}, SignedHeaders={names}, Signature={signature}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example in Tencent Cloud's documentation of the signature (the API 3.0 page "Signature v3" of CVM).
    #[test]
    fn signature_matches_the_published_example() {
        let body = r#"{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}"#;
        let headers = [("content-type", CONTENT_TYPE.to_owned()), ("host", "cvm.tencentcloudapi.com".to_owned())];
        let now = DateTime::from_timestamp(1_551_113_065, 0).unwrap();
        let call = Call { service: "cvm", path: "/", headers: &headers, body, now };
        let expected = "TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/tc3_request, \
            SignedHeaders=content-type;host, Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168";
        assert_eq!(call.authorization("AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE", "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE"), expected);
    }

    #[test]
    fn positional_values_accepts_lists_and_numbered_objects() {
        assert_eq!(positional_values(&json!(["a", 5])), Ok(vec!["a".into(), "5".into()]));
        assert_eq!(positional_values(&json!({"2": "b", "1": "a"})), Ok(vec!["a".into(), "b".into()]));
        assert_eq!(positional_values(&Value::Null), Ok(Vec::new()));
        assert!(positional_values(&json!({"code": "a"})).is_err());
    }
}
