//! Generic HTTP gateway: fills placeholders into the configured request, and evaluates the response by the configured conditions.

use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;

use super::exchange::{Message, Outcome, Request, Response};
use crate::domain::input::percent_encoded;
use crate::domain::profile::sms::{Condition, Gateway};
use crate::i18n::{self, message};

/// How a placeholder's value is escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    None,
    Url,
    Json,
    Xml,
}

pub(super) fn request(message: &Message<'_>) -> Result<Request, i18n::Message> {
    let gateway = &message.profile.gateway;
    let template = gateway.url.as_ref().map(|url| url.reveal()).unwrap_or_default();
    let url: Url = fill(template, message, Escape::Url).parse().map_err(|_| message!("sms.url"))?;
    let body = gateway.body.as_ref().map(|body| body.reveal());
    let (escape, kind) = kind(body);
    let body = body.map(|body| fill(body, message, escape)).unwrap_or_default();
    let method = match gateway.method {
        Some(method) => Method::from_bytes(method.as_bytes()).map_err(|_| message!("sms.method"))?,
        None if gateway.body.is_some() => Method::POST,
        None => Method::GET,
    };
    let mut request = Request::new(method, url, body);
    if gateway.body.is_some() {
        request = request.with("content-type", kind);
    }
    let lines = gateway.headers.as_ref().map(|headers| headers.reveal()).unwrap_or_default();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        add_header(&mut request, line, message)?;
    }
    Ok(request)
}

fn add_header(request: &mut Request, line: &str, message: &Message<'_>) -> Result<(), i18n::Message> {
    let fault = || message!("sms.header_line");
    let (name, value) = line.split_once(':').ok_or_else(fault)?;
    let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| fault())?;
    let value = fill(value.trim(), message, Escape::None);
    let value = HeaderValue::from_str(&value).map_err(|_| message!("sms.header_value", name = name.as_str()))?;
    if name == CONTENT_TYPE {
        request.headers.remove(CONTENT_TYPE);
    }
    request.headers.append(name, value);
    Ok(())
}

/// The escaping and content type of a body, by its first character.
fn kind(body: Option<&str>) -> (Escape, &'static str) {
    match body.and_then(|body| body.trim_start().chars().next()) {
        Some('{' | '[') => (Escape::Json, "application/json"),
        Some('<') => (Escape::Xml, "text/xml; charset=utf-8"),
        _ => (Escape::Url, "application/x-www-form-urlencoded"),
    }
}

/// Replaces the placeholders in braces. Placeholders in inserted values are not replaced.
fn fill(template: &str, message: &Message<'_>, escape: Escape) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        let (before, after) = rest.split_at(start);
        filled.push_str(before);
        let name = after[1..].split_once('}').map(|(name, _)| name);
        match name.and_then(|name| Some((name, value(name, message, escape)?))) {
            Some((name, value)) => {
                filled.push_str(&value);
                rest = &after[name.len() + 2..];
            }
            None => {
                filled.push('{');
                rest = &after[1..];
            }
        }
    }
    filled.push_str(rest);
    filled
}

fn value(name: &str, message: &Message<'_>, escape: Escape) -> Option<String> {
    let text = match name {
        "to" => message.to.to_owned(),
        "text" => message.text.unwrap_or_default().to_owned(),
        "sign" => message.sign.unwrap_or_default().to_owned(),
        "template" => message.template.unwrap_or_default().to_owned(),
        "id" => message.id.to_owned(),
        "access_key" => message.access_key().to_owned(),
        "secret_key" => message.secret_key().to_owned(),
        // Inserted into JSON without escaping.
        "params" if escape == Escape::Json => return Some(message.params.to_string()),
        "params" => message.params.to_string(),
        _ => return None,
    };
    Some(match escape {
        Escape::None => text,
        Escape::Url => percent_encoded(&text),
        Escape::Json => Value::String(text).to_string().trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned(),
        Escape::Xml => text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"),
    })
}

pub(super) fn outcome(response: &Response, gateway: &Gateway) -> Outcome {
    let json = response.json();
    let holds = |condition: &Option<Condition>| condition.as_ref().map(|condition| fits(condition, response, json.as_ref()));
    let code = format!("HTTP {}", response.status);
    if (200..300).contains(&response.status) && holds(&gateway.success).unwrap_or(true) {
        let found = gateway.message_id.as_deref().and_then(|pointer| json.as_ref()?.pointer(pointer)).map(value_text);
        return Outcome::accepted(found.as_deref(), &code, &response.excerpt());
    }
    Outcome {
        retry: holds(&gateway.retry).unwrap_or(false),
        ..Outcome::refused(code, i18n::Message::verbatim(response.excerpt()))
    }
}

fn fits(condition: &Condition, response: &Response, json: Option<&Value>) -> bool {
    match condition {
        Condition::Text(text) => response.text.contains(text.as_str()),
        Condition::Json { pointer, value } => {
            json.and_then(|json| json.pointer(pointer)).is_some_and(|v| value_text(v) == *value)
        }
    }
}

fn value_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::domain::profile::Sms;

    fn filled(template: &str, escape: Escape) -> String {
        let (profile, params) = (Sms::default(), json!({"n": 1}));
        let message = Message {
            profile: &profile,
            to: "+86138",
            text: Some("a\"b&c {to} \\"),
            template: None,
            params: &params,
            sign: Some("钟楼"),
            id: "e",
            now: DateTime::UNIX_EPOCH,
            nonce: String::new(),
        };
        fill(template, &message, escape)
    }

    #[test]
    fn fill_escapes_values_by_body_type() {
        let json = filled(r#"{"to":"{to}","t":"{text}","p":{params},"x":{}}"#, Escape::Json);
        assert_eq!(json, r#"{"to":"+86138","t":"a\"b&c {to} \\","p":{"n":1},"x":{}}"#);
        assert_eq!(
            filled("to={to}&t={text}&s={sign}", Escape::Url),
            "to=%2B86138&t=a%22b%26c%20%7Bto%7D%20%5C&s=%E9%92%9F%E6%A5%BC"
        );
        assert_eq!(filled("<t>{text}</t>", Escape::Xml), "<t>a&quot;b&amp;c {to} \\</t>");
        assert_eq!(filled("{nothing} {to", Escape::None), "{nothing} {to");
        assert_eq!(filled("{sign}", Escape::None), "钟楼");
    }
}
