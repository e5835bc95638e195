//! Telegram bots: texts without a parse mode, so that nothing in them is markup.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{self, Outcome};
use super::parcel::Parcel;
use super::transport::Transport;
use super::{Provider, endpoint, sending};
use crate::domain::notify::channel::{Channel, ChannelType};
use crate::notify::quota::Rate;
use crate::notify::text::{self, Measure, TextForm};

const HOST: &str = "https://api.telegram.org";

const FORM: TextForm = TextForm::new(4_096, Measure::Utf16, text::plain);

pub(super) const PROVIDER: Provider = Provider {
    // The limits of a group; a bot may send to several.
    rates: &[Rate::per_second(1), Rate::per_minute(20)],
    ..Provider::new(ChannelType::Telegram, FORM, sending!(deliver))
};

async fn deliver(parcel: &Parcel, channel: &Channel, transport: &Transport) -> Result<Outcome, Outcome> {
    let path = format!("/bot{}/sendMessage", channel.token());
    let url = endpoint::below(channel, HOST, &path).map_err(|problem| Outcome::unusable(&problem))?;
    let answer = transport.post_json(channel, url, &body(parcel, channel)).await;
    let answer = answer.map_err(|error| Outcome::unanswered(&error))?;
    let body = answer::json(&answer);
    let is_ok = body.get("ok").and_then(Value::as_bool) == Some(true);
    let code = body.get("error_code").and_then(Value::as_i64).map(|code| code.to_string());
    let outcome = Outcome::by_code(&answer, code, body.get("description").and_then(Value::as_str), is_ok);
    let pause = body.pointer("/parameters/retry_after").and_then(Value::as_u64).map(Duration::from_secs);
    Ok(Outcome { retry_after: pause.or(outcome.retry_after), text: outcome.text.filter(|_| !outcome.delivered), ..outcome })
}

fn body(parcel: &Parcel, channel: &Channel) -> Value {
    let chat = channel.options.chat_id.as_ref().or(channel.options.to.first());
    let content = text::whole(&parcel.notices(), parcel.link().as_deref(), FORM);
    json!({"chat_id": chat, "text": content, "link_preview_options": {"is_disabled": true}})
}
