//! Parameters of `http_request`.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::client::Connection;
use super::expect::{JsonExpectation, StatusRange};
use super::{credentials, headers, target};
use crate::domain::fault::Fault;
use crate::domain::profile::Http;
use crate::domain::profile::http::SignIn;
use crate::i18n::{Message, message};
use crate::tasks::unreadable;

/// The default of `timeout_seconds`.
const DEFAULT_TIMEOUT_SECONDS: f64 = 30.0;
/// The default of `max_redirects`.
const DEFAULT_REDIRECTS: u8 = 10;

/// The parsed parameters.
#[derive(Debug)]
pub(super) struct Params {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub query: Vec<(String, String)>,
    pub body: Body,
    pub timeout: Duration,
    /// The most redirects followed.
    pub redirects: u8,
    pub connection: Connection,
    /// The profile that authenticates the request.
    pub profile: Option<String>,
    pub sign_in: SignIn,
    pub expect_status: Vec<StatusRange>,
    pub expect_json: Vec<JsonExpectation>,
}

/// The request body.
#[derive(Debug)]
pub(super) enum Body {
    None,
    Json(Value),
    Form(Vec<(String, String)>),
    Text(String),
}

/// The parameters before they are checked.
#[derive(Debug, Deserialize)]
struct Raw {
    method: Option<String>,
    url: String,
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(default)]
    query: Map<String, Value>,
    json: Option<Value>,
    form: Option<Map<String, Value>>,
    text: Option<String>,
    timeout_seconds: Option<f64>,
    follow_redirects: Option<bool>,
    max_redirects: Option<u8>,
    verify_tls: Option<bool>,
    proxy: Option<String>,
    http: Option<String>,
    auth: Option<Value>,
    expect_status: Option<Vec<Value>>,
    #[serde(default)]
    expect_json: Vec<Value>,
}

impl Params {
    /// Parses parameters that match the schema.
    ///
    /// # Errors
    /// Faults that the schema cannot express.
    pub fn read(params: &Value, profiles: &BTreeMap<String, Http>) -> Result<Params, Vec<Fault>> {
        let raw: Raw = serde_json::from_value(params.clone()).map_err(|error| unreadable(&error))?;
        let mut faults = Vec::new();
        let profile = raw.http.as_deref().map(|name| target::profile(profiles, name)).transpose();
        let profile = profile.map_err(|fault| faults.push(fault)).ok();
        // The URL can only be checked together with its profile.
        let url = profile.and_then(|profile| target::url(&raw.url, profile).map_err(|fault| faults.push(fault)).ok());
        let profile = profile.flatten();
        let sign_in = credentials::read(raw.auth.as_ref()).map_err(|fault| faults.push(fault)).ok();
        faults.extend(profile.and_then(|profile| profile_conflict(&raw, profile)));
        let method = Method::from_bytes(raw.method.as_deref().unwrap_or("GET").as_bytes()).unwrap_or(Method::GET);
        let headers = headers::read(&raw.headers, &mut faults);
        let body = body(raw.json, raw.form, raw.text).map_err(|fault| faults.push(fault)).ok();
        let proxy = raw.proxy.map(|given| proxy(&given).map(|()| given)).transpose();
        let proxy = proxy.map_err(|fault| faults.push(fault)).ok();
        let expect_status = StatusRange::read_all(raw.expect_status.as_deref(), &mut faults);
        let expect_json = JsonExpectation::read_all(&raw.expect_json, &mut faults);
        let redirects = if raw.follow_redirects.unwrap_or(true) { raw.max_redirects.unwrap_or(DEFAULT_REDIRECTS) } else { 0 };
        let timeout =
            Duration::try_from_secs_f64(raw.timeout_seconds.unwrap_or(DEFAULT_TIMEOUT_SECONDS)).unwrap_or(Duration::MAX);
        let (Some(url), Some(body), Some(proxy), Some(sign_in)) = (url, body, proxy, sign_in) else { return Err(faults) };
        if !faults.is_empty() {
            return Err(faults);
        }
        let sign_in = profile.map(Http::sign_in).filter(|own| *own != SignIn::None).unwrap_or(sign_in);
        let verify_tls = raw.verify_tls.or(profile.and_then(|profile| profile.verify_tls)).unwrap_or(true);
        Ok(Params {
            method,
            url,
            headers,
            query: pairs(&raw.query),
            body,
            timeout,
            redirects,
            connection: Connection { verify_tls, proxy },
            profile: raw.http,
            sign_in,
            expect_status,
            expect_json,
        })
    }
}

/// A parameter that is not allowed with a profile that has credentials, because it could send them to someone else.
fn profile_conflict(raw: &Raw, profile: &Http) -> Option<Fault> {
    let fault = |name: &str, message: Message| Some(Fault::new(format!("/{name}"), message.of(name)));
    match profile.sign_in() {
        SignIn::None => None,
        _ if raw.auth.is_some() => fault("auth", message!("http.auth_with_profile")),
        _ if raw.verify_tls == Some(false) => fault("verify_tls", message!("http.verify_tls_with_profile")),
        _ if raw.proxy.as_deref().is_some_and(|proxy| proxy != "none") => fault("proxy", message!("http.proxy_with_profile")),
        _ => None,
    }
}

fn body(json: Option<Value>, form: Option<Map<String, Value>>, text: Option<String>) -> Result<Body, Fault> {
    let both =
        |second: &str, first: &str| Err(Fault::new(format!("/{second}"), message!("http.two_bodies", other = first).of(second)));
    match (json, form, text) {
        (None, None, None) => Ok(Body::None),
        (Some(value), None, None) => Ok(Body::Json(value)),
        (None, Some(fields), None) => Ok(Body::Form(pairs(&fields))),
        (None, None, Some(text)) => Ok(Body::Text(text)),
        (Some(_), Some(_), _) => both("form", "json"),
        (Some(_), None, Some(_)) => both("text", "json"),
        (None, Some(_), Some(_)) => both("text", "form"),
    }
}

fn proxy(text: &str) -> Result<(), Fault> {
    let known = ["http", "https", "socks5", "socks5h"];
    let reads = text == "none" || Url::parse(text).is_ok_and(|url| known.contains(&url.scheme()) && url.has_host());
    if reads { Ok(()) } else { Err(Fault::new("/proxy", message!("http.proxy_url").of("proxy"))) }
}

/// Pairs of name and value as text; a list gives one pair for each item.
fn pairs(given: &Map<String, Value>) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut pairs = Vec::with_capacity(given.len());
    for (name, value) in given {
        match value {
            Value::Array(list) => pairs.extend(list.iter().map(|item| (name.clone(), text(item)))),
            other => pairs.push((name.clone(), text(other))),
        }
    }
    pairs
}

pub(super) fn schema() -> Value {
    let scalar = json!({"type": ["string", "number", "boolean"]});
    let fields = json!({"type": "object", "maxProperties": 500, "additionalProperties": {
        "anyOf": [scalar, {"type": "array", "maxItems": 500, "items": scalar}],
    }});
    let with = |mut schema: Value, en: &str, zh: &str| {
        schema["description"] = en.into();
        schema["x-description-zh"] = zh.into();
        schema
    };
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "required": ["url"],
        "properties": {
            "method": with(
                json!({"enum": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"], "default": "GET"}),
                "The HTTP method.", "请求方法。"),
            "url": with(
                json!({"type": "string", "maxLength": 8192}),
                "An http or https URL; with a profile, the part after the profile's base_url is enough.",
                "请求地址，http 或 https；使用连接配置时只需填写 base_url 之后的部分。"),
            "http": with(
                json!({"type": "string", "minLength": 1, "maxLength": 64, "x-field": "http"}),
                "The profile [http.<name>] of the settings that authenticates the request.",
                "用于认证的连接配置，即设置中的 [http.<名称>]。"),
            "auth": credentials::schema(),
            "headers": with(
                json!({"type": "object", "maxProperties": 100, "additionalProperties": {"type": "string", "maxLength": 16_384}}),
                "Request headers, except those of the connection (Host, Content-Length, Transfer-Encoding and the like). POST, PUT, PATCH and DELETE send the execution's ID as Idempotency-Key unless it is set here.",
                "请求头，不含属于连接本身的请求头（Host、Content-Length、Transfer-Encoding 等）。POST、PUT、PATCH、DELETE 默认以执行 ID 作为 Idempotency-Key，可在此覆盖。"),
            "query": with(fields.clone(), "Query parameters added to the URL.", "附加到 URL 的查询参数。"),
            "json": with(json!({}), "Sent as a JSON body.", "以 JSON 作为请求体。"),
            "form": with(fields, "Sent as a form.", "以表单作为请求体。"),
            "text": with(json!({"type": "string", "maxLength": 1_000_000}), "Sent as a text body.", "以纯文本作为请求体。"),
            "timeout_seconds": with(
                json!({"type": "number", "exclusiveMinimum": 0, "maximum": 86_400, "default": DEFAULT_TIMEOUT_SECONDS}),
                "The timeout of the whole request, in seconds.", "整个请求的最长时间（秒）。"),
            "follow_redirects": with(json!({"type": "boolean", "default": true}), "Whether redirects are followed.", "是否跟随重定向。"),
            "max_redirects": with(
                json!({"type": "integer", "minimum": 1, "maximum": 50, "default": DEFAULT_REDIRECTS}),
                "The most redirects followed.", "最多跟随的重定向次数。"),
            "verify_tls": with(
                json!({"type": "boolean", "default": true}),
                "Whether the server's certificate is verified. Turn it off only for servers with a self-signed certificate.",
                "校验服务器证书。仅对自签名证书的服务器关闭。"),
            "proxy": with(
                json!({"type": "string", "minLength": 1, "maxLength": 2048}),
                "The URL of a proxy (http, https, socks5, socks5h), or none. By default the server's environment decides.",
                "代理地址（http、https、socks5、socks5h），none 表示不使用。默认取服务器的环境变量。"),
            "expect_status": with(
                json!({"type": "array", "minItems": 1, "maxItems": 50, "default": ["2xx"], "items": {"anyOf": [
                    {"type": "integer", "minimum": 100, "maximum": 599}, {"type": "string", "maxLength": 7}]}}),
                "The statuses that count as success: numbers, or texts such as 2xx or 200-299.",
                "视为成功的状态码：数字，或 2xx、200-299 形式的文本。"),
            "expect_json": with(
                json!({"type": "array", "maxItems": 50, "items": JsonExpectation::schema()}),
                "Conditions that the JSON of the response must meet.", "响应 JSON 必须满足的条件。"),
        },
    })
}
