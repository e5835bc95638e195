//! Gotify: messages of an application on a server of one's own.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::answer::{self, Outcome};
use super::parcel::Parcel;
use super::transport::Transport;
use super::{Provider, endpoint, sending};
use crate::domain::notify::channel::{Channel, ChannelType};
use crate::i18n::message;
use crate::notify::quota::Rate;
use crate::notify::text::{self, Measure, TextForm};

const TITLE: TextForm = TextForm::new(250, Measure::Characters, text::plain);
const FORM: TextForm = TextForm::new(8_000, Measure::Bytes, text::plain);

pub(super) const PROVIDER: Provider =
    Provider { rates: &[Rate::per_second(10)], ..Provider::new(ChannelType::Gotify, FORM, sending!(deliver)) };

async fn deliver(parcel: &Parcel, channel: &Channel, transport: &Transport) -> Result<Outcome, Outcome> {
    let url = endpoint::below(channel, "", "/message").map_err(|problem| Outcome::unusable(&problem))?;
    let key = HeaderValue::try_from(channel.token());
    let key = key.map_err(|_| Outcome::unusable(&message!("channel.control_character")))?;
    let headers = HeaderMap::from_iter([(HeaderName::from_static("x-gotify-key"), key)]);
    let answer = transport.post(channel, url, headers, body(parcel).to_string().into_bytes()).await;
    let answer = answer.map_err(|error| Outcome::unanswered(&error))?;
    let body = answer::json(&answer);
    let code = body.get("errorCode").map(ToString::to_string);
    let said = body.get("errorDescription").or_else(|| body.get("error")).and_then(Value::as_str);
    let outcome = Outcome::by_code(&answer, code, said, body.get("id").is_some_and(Value::is_number));
    Ok(Outcome { text: outcome.text.filter(|_| !outcome.delivered), ..outcome })
}

fn body(parcel: &Parcel) -> Value {
    let notices = parcel.notices();
    let title = text::title(&notices);
    json!({
        "title": TITLE.cut(&title),
        "message": text::body(&notices, !TITLE.fits(&title), parcel.link().as_deref(), FORM),
        "priority": if parcel.is_urgent() { 8 } else { 5 },
        "extras": {
            "client::display": {"contentType": "text/plain"},
            "client::notification": {"click": {"url": parcel.link()}},
        },
    })
}
