//! Credentials of a request: from the profile it names, or from the parameter `auth`.

use reqwest::RequestBuilder;
use reqwest::header::{HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};

use super::headers::is_connection_header;
use crate::domain::fault::Fault;
use crate::domain::input::truncate;
use crate::domain::profile::http::{API_KEY_HEADER, SignIn};
use crate::domain::secret::Secret;
use crate::i18n::{Message, message};

/// The credentials that are put into a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Credentials {
    None,
    Bearer(Secret),
    Basic(String, Secret),
    Header(String, Secret),
    Query(String, Secret),
}

/// The parameter `auth` before it is checked.
#[derive(Deserialize)]
struct Raw {
    bearer: Option<String>,
    basic: Option<RawBasic>,
    api_key: Option<RawKey>,
}

#[derive(Deserialize)]
struct RawBasic {
    user: String,
    password: String,
}

#[derive(Deserialize)]
struct RawKey {
    key: String,
    header: Option<String>,
    query: Option<String>,
}

/// Parses the parameter `auth`. The fault contains no secret.
pub(super) fn read(auth: Option<&Value>) -> Result<SignIn, Fault> {
    let fault = |pointer: &str, message: Message| Fault::new(format!("/auth{pointer}"), message.of("auth"));
    let Some(auth) = auth else { return Ok(SignIn::None) };
    let raw = Raw::deserialize(auth).map_err(|_| fault("", message!("http.auth_methods")))?;
    match raw {
        Raw { bearer: Some(bearer), basic: None, api_key: None } => Ok(SignIn::Bearer(Secret::new(bearer))),
        Raw { bearer: None, basic: Some(RawBasic { user, password }), api_key: None } => {
            Ok(SignIn::Basic { user, password: Secret::new(password) })
        }
        Raw { bearer: None, basic: None, api_key: Some(RawKey { key, header, query }) } => {
            let key = Secret::new(key);
            match (header, query) {
                (Some(_), Some(_)) => Err(fault("/api_key", message!("http.key_in_both"))),
                (None, Some(name)) => Ok(SignIn::KeyInQuery { name, key }),
                (header, None) => {
                    let header = header.unwrap_or_else(|| API_KEY_HEADER.to_owned());
                    let known = HeaderName::from_bytes(header.as_bytes()).is_ok_and(|name| !is_connection_header(name.as_str()));
                    let message = message!("http.header_name", name = truncate(&header, 40));
                    known.then_some(SignIn::KeyInHeader { header, key }).ok_or_else(|| fault("/api_key/header", message))
                }
            }
        }
        _ => Err(fault("", message!("http.auth_methods"))),
    }
}

impl Credentials {
    /// The credentials of a sign-in method that needs no token request.
    pub fn from_sign_in(sign_in: &SignIn) -> Credentials {
        match sign_in.clone() {
            SignIn::None | SignIn::Token => Credentials::None,
            SignIn::Bearer(token) => Credentials::Bearer(token),
            SignIn::Basic { user, password } => Credentials::Basic(user, password),
            SignIn::KeyInHeader { header, key } => Credentials::Header(header, key),
            SignIn::KeyInQuery { name, key } => Credentials::Query(name, key),
        }
    }

    /// The token among the credentials, if any.
    pub fn token(&self) -> Option<Secret> {
        match self {
            Credentials::Bearer(token) | Credentials::Header(_, token) => Some(token.clone()),
            _ => None,
        }
    }

    /// Adds the credentials to a request.
    pub fn apply(&self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Credentials::None => request,
            Credentials::Bearer(token) => request.bearer_auth(token.reveal()),
            Credentials::Basic(user, password) => request.basic_auth(user, Some(password.reveal())),
            Credentials::Header(name, key) => match HeaderValue::from_str(key.reveal()) {
                Ok(mut value) => {
                    value.set_sensitive(true);
                    request.header(name, value)
                }
                // An invalid value makes the request fail to build, which reports it.
                Err(_) => request.header(name, key.reveal()),
            },
            Credentials::Query(name, key) => request.query(&[(name, key.reveal())]),
        }
    }
}

/// The schema of the parameter `auth`.
pub(super) fn schema() -> Value {
    let text = |max: u32, en: &str, zh: &str| json!({"type": "string", "minLength": 1, "maxLength": max, "description": en, "x-description-zh": zh});
    let secret = |en: &str, zh: &str| {
        let mut schema = text(16_384, en, zh);
        schema["writeOnly"] = true.into();
        schema
    };
    json!({
        "type": "object", "additionalProperties": false, "minProperties": 1, "maxProperties": 1,
        "description": "Credentials of the request. Prefer a profile (http), because values given here are shown with the task.",
        "x-description-zh": "直接在此填写认证信息。建议改用连接配置（http），因为此处内容会随任务显示。",
        "properties": {
            "bearer": secret("A token, sent as Authorization: Bearer.", "以 Authorization: Bearer 发送的令牌。"),
            "basic": {
                "type": "object", "additionalProperties": false, "required": ["user", "password"],
                "description": "HTTP Basic authentication.", "x-description-zh": "HTTP Basic 认证。",
                "properties": {
                    "user": text(1000, "The user.", "用户名。"),
                    "password": secret("The password.", "密码。"),
                },
            },
            "api_key": {
                "type": "object", "additionalProperties": false, "required": ["key"],
                "description": "An API key.", "x-description-zh": "API 密钥。",
                "properties": {
                    "key": secret("The key.", "密钥。"),
                    "header": text(200, "The header that carries the key; by default X-API-Key.", "放入的请求头，默认 X-API-Key。"),
                    "query": text(200, "The query parameter that carries the key instead of a header.", "改为放入的查询参数。"),
                },
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_accepts_exactly_one_method() {
        assert_eq!(read(None), Ok(SignIn::None));
        assert_eq!(read(Some(&json!({"bearer": "t"}))), Ok(SignIn::Bearer(Secret::new("t"))));
        let key = SignIn::KeyInHeader { header: "X-API-Key".into(), key: Secret::new("k") };
        assert_eq!(read(Some(&json!({"api_key": {"key": "k"}}))), Ok(key));
        let pointer = |auth: Value| read(Some(&auth)).unwrap_err().pointer;
        assert_eq!(pointer(json!({"bearer": "t", "basic": {"user": "u", "password": "p"}})), "/auth");
        assert_eq!(pointer(json!({"api_key": {"key": "k", "header": "a", "query": "b"}})), "/auth/api_key");
        assert_eq!(pointer(json!({"api_key": {"key": "k", "header": "a b"}})), "/auth/api_key/header");
    }
}
