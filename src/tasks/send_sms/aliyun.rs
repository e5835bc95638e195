//! Aliyun (阿里云短信): SendSms of 2017-05-25, signed by ACS3-HMAC-SHA256.

use reqwest::{Method, Url};
use serde_json::Value;

use super::digest::{hex, hmac, sha256_hex};
use super::exchange::{Message, Outcome, Request, Response, host};
use crate::domain::input::percent_encoded;
use crate::i18n::{self, message};

const ALGORITHM: &str = "ACS3-HMAC-SHA256";

pub(super) fn request(message: &Message<'_>) -> Result<Request, i18n::Message> {
    let params = match message.params {
        Value::Null => None,
        Value::Object(_) => Some(message.params.to_string()),
        _ => return Err(message!("sms.params_object", example = "{\"code\": \"1234\"}")),
    };
    let mut query = vec![
        ("OutId", message.id.to_owned()),
        ("PhoneNumbers", message.to.to_owned()),
        ("SignName", message.sign.unwrap_or_default().to_owned()),
        ("TemplateCode", message.template.unwrap_or_default().to_owned()),
    ];
    query.extend(params.map(|params| ("TemplateParam", params)));
    let mut url = message.endpoint()?;
    url.set_query(Some(&canonical_query(&query)));
    let call = Call { action: "SendSms", version: "2017-05-25", nonce: &message.nonce, now: message.now, body: "" };
    Ok(call.signed(url, message.access_key(), message.secret_key()))
}

pub(super) fn outcome(response: &Response) -> Option<Outcome> {
    let json = response.json()?;
    let text = |name: &str| json.get(name).and_then(Value::as_str);
    let (code, message) = (text("Code")?, text("Message").unwrap_or_default());
    if code == "OK" {
        Some(Outcome::accepted(text("BizId"), code, message))
    } else {
        Some(Outcome::refused(code, i18n::Message::verbatim(message)))
    }
}

/// The signed parts of an API call.
struct Call<'c> {
    action: &'c str,
    version: &'c str,
    nonce: &'c str,
    now: chrono::DateTime<chrono::Utc>,
    body: &'c str,
}

impl Call<'_> {
    /// The request with its signature, which covers the query as encoded in the URL.
    fn signed(&self, url: Url, access_key: &str, secret_key: &str) -> Request {
        let date = self.now.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let content = sha256_hex(self.body.as_bytes());
        // In the order in which they are signed: by name.
        let headers = [
            ("host", host(&url)),
            ("x-acs-action", self.action.to_owned()),
            ("x-acs-content-sha256", content.clone()),
            ("x-acs-date", date),
            ("x-acs-signature-nonce", self.nonce.to_owned()),
            ("x-acs-version", self.version.to_owned()),
        ];
        let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let names = headers.each_ref().map(|(name, _)| *name).join(";");
        let canonical = format!("POST\n{}\n{}\n{lines}\n{names}\n{content}", url.path(), url.query().unwrap_or_default());
        let to_sign = format!("{ALGORITHM}\n{}", sha256_hex(canonical.as_bytes()));
        let signature = hex(&hmac(secret_key.as_bytes(), &to_sign));
        let authorization = format!("{ALGORITHM} Credential={access_key},SignedHeaders={names},Signature={signature}");
        let request = Request::new(Method::POST, url, self.body.to_owned()).with("authorization", &authorization);
        // The HTTP client sets the header `host` itself.
        headers.into_iter().skip(1).fold(request, |request, (name, value)| request.with(name, &value))
    }
}

/// The query in canonical form: sorted by name and percent-encoded.
fn canonical_query(pairs: &[(&str, String)]) -> String {
    let mut pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", percent_encoded(name), percent_encoded(value))).collect();
    pairs.sort();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example with fixed values in Alibaba Cloud's "Request syntax and signature method V3"
    /// (alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature).
    #[test]
    fn signature_matches_the_published_example() {
        let query = [
            ("RegionId", "cn-shanghai".to_owned()),
            ("ImageId", "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd".to_owned()),
        ];
        let url = format!("https://ecs.cn-shanghai.aliyuncs.com/?{}", canonical_query(&query)).parse().unwrap();
        let call = Call {
            action: "RunInstances",
            version: "2014-05-26",
            nonce: "3156853299f313e23d1673dc12e1703d",
            now: "2023-10-26T10:22:32Z".parse().unwrap(),
            body: "",
        };
        let request = call.signed(url, "YourAccessKeyId", "YourAccessKeySecret");
        let expected = "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;\
            x-acs-signature-nonce;x-acs-version,Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0";
        assert_eq!(request.headers["authorization"], expected);
    }
}
