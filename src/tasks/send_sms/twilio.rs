//! Twilio: the API Messages of 2010-04-01, with Basic authentication and a form body.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::Value;

use super::exchange::{Message, Outcome, Request, Response};
use crate::domain::input::percent_encoded;
use crate::i18n;

pub(super) fn request(message: &Message<'_>) -> Result<Request, i18n::Message> {
    let from = message.profile.from.as_deref().unwrap_or_default();
    let sender = if from.starts_with("MG") { "MessagingServiceSid" } else { "From" };
    let mut fields = vec![("To", message.to.to_owned()), (sender, from.to_owned())];
    fields.extend(message.text.map(|text| ("Body", text.to_owned())));
    fields.extend(message.template.map(|template| ("ContentSid", template.to_owned())));
    if message.template.is_some() && !message.params.is_null() {
        fields.push(("ContentVariables", message.params.to_string()));
    }
    let form = fields.iter().map(|(name, value)| format!("{name}={}", percent_encoded(value))).collect::<Vec<_>>().join("&");
    let mut url = message.endpoint()?;
    url.set_path(&format!("/2010-04-01/Accounts/{}/Messages.json", percent_encoded(message.access_key())));
    let login = STANDARD.encode(format!("{}:{}", message.access_key(), message.secret_key()));
    Ok(Request::new(Method::POST, url, form)
        .with("authorization", &format!("Basic {login}"))
        .with("content-type", "application/x-www-form-urlencoded"))
}

pub(super) fn outcome(response: &Response) -> Option<Outcome> {
    let json = response.json()?;
    let text = |name: &str| json.get(name).and_then(Value::as_str).unwrap_or_default();
    let Some(sid) = json.get("sid").and_then(Value::as_str) else {
        let code = json.get("code").and_then(Value::as_i64)?;
        return Some(Outcome::refused(code.to_string(), i18n::Message::verbatim(text("message"))));
    };
    match json.get("error_code").and_then(Value::as_i64) {
        Some(code) => Some(Outcome::refused(code.to_string(), i18n::Message::verbatim(text("error_message")))),
        None => {
            let fee = text("num_segments").parse().ok();
            Some(Outcome { fee, ..Outcome::accepted(Some(sid), text("status"), text("status")) })
        }
    }
}
