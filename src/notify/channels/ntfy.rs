//! ntfy: messages to a topic, published as JSON.

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::answer::{self, Outcome};
use super::parcel::Parcel;
use super::transport::Transport;
use super::{Provider, endpoint, sending};
use crate::domain::notify::channel::{Channel, ChannelType};
use crate::i18n::message;
use crate::notify::quota::Rate;
use crate::notify::text::{self, Measure, TextForm};

const HOST: &str = "https://ntfy.sh";
const TITLE: TextForm = TextForm::new(250, Measure::Characters, text::plain);
const FORM: TextForm = TextForm::new(3_800, Measure::Bytes, text::plain);

pub(super) const PROVIDER: Provider = Provider {
    // ntfy.sh admits 60 requests at once and one more each five seconds.
    rates: &[Rate { count: 60, window_ms: 300_000 }],
    ..Provider::new(ChannelType::Ntfy, FORM, sending!(deliver))
};

async fn deliver(parcel: &Parcel, channel: &Channel, transport: &Transport) -> Result<Outcome, Outcome> {
    let (url, topic) = target(channel)?;
    let mut headers = HeaderMap::new();
    if !channel.token().is_empty() {
        let value = HeaderValue::try_from(format!("Bearer {}", channel.token()));
        headers.insert(AUTHORIZATION, value.map_err(|_| Outcome::unusable(&message!("channel.control_character")))?);
    }
    let body = body(parcel, &topic).to_string();
    let answer = transport.post(channel, url, headers, body.into_bytes()).await;
    let answer = answer.map_err(|error| Outcome::unanswered(&error))?;
    let body = answer::json(&answer);
    let code = body.get("code").map(ToString::to_string);
    let is_accepted = body.get("id").is_some_and(Value::is_string);
    let outcome = Outcome::by_code(&answer, code, body.get("error").and_then(Value::as_str), is_accepted);
    Ok(Outcome { text: outcome.text.filter(|_| !outcome.delivered), ..outcome })
}

fn body(parcel: &Parcel, topic: &str) -> Value {
    let notices = parcel.notices();
    let title = text::title(&notices);
    json!({
        "topic": topic,
        "title": TITLE.cut(&title),
        "message": text::body(&notices, !TITLE.fits(&title), None, FORM),
        "priority": if parcel.is_urgent() { 5 } else { 3 },
        "click": parcel.link(),
    })
}

/// The server's URL and the topic: the channel's, or the last part of its URL.
fn target(channel: &Channel) -> Result<(Url, String), Outcome> {
    let mut url = endpoint::endpoint(channel, HOST, "/").map_err(|problem| Outcome::unusable(&problem))?;
    if let Some(topic) = &channel.options.topic {
        return Ok((url, topic.clone()));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    let (base, topic) = path.rsplit_once('/').unwrap_or(("", &path));
    if topic.is_empty() {
        let problem = message!("channel.required", channel_type = channel.channel_type.as_str(), known = "topic");
        return Err(Outcome::unusable(&problem));
    }
    url.set_path(&format!("{base}/"));
    Ok((url, topic.to_owned()))
}
