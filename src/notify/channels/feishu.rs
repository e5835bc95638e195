//! Feishu and Lark robots: rich texts whose parts cannot be mistaken for markup, signed if the robot has a secret.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{self, Outcome};
use super::parcel::Parcel;
use super::transport::Transport;
use super::{Provider, endpoint, sending, sign};
use crate::domain::notify::channel::{Channel, ChannelType};
use crate::domain::secret::Secret;
use crate::notify::quota::Rate;
use crate::notify::text::{self, Measure, TextForm};

const HOST: &str = "https://open.feishu.cn";
const PATH: &str = "/open-apis/bot/v2/hook/";
/// Signature, address, keyword.
const NOT_ADMITTED: [i64; 3] = [19_021, 19_022, 19_024];
/// Too many messages; the service is busy, as at full and half hours.
const TOO_FAST: [i64; 2] = [9_499, 11_232];
const TITLE: TextForm = TextForm::new(200, Measure::Characters, text::plain);

/// A request has at most 20 KB; JSON writes some characters with two bytes.
const FORM: TextForm = TextForm::new(8_000, Measure::Bytes, text::plain);

pub(super) const PROVIDER: Provider = Provider {
    rates: &[Rate::per_second(5), Rate::per_minute(100)],
    avoids_full_hours: true,
    ..Provider::new(ChannelType::Feishu, FORM, sending!(deliver))
};

async fn deliver(parcel: &Parcel, channel: &Channel, transport: &Transport) -> Result<Outcome, Outcome> {
    let path = format!("{PATH}{}", channel.token());
    let url = endpoint::endpoint(channel, HOST, &path).map_err(|problem| Outcome::unusable(&problem))?;
    let answer = transport.post_json(channel, url, &body(parcel, channel)).await;
    let answer = answer.map_err(|error| Outcome::unanswered(&error))?;
    // The first version of the robots' interface answers with other names.
    let names = if answer::json(&answer).get("code").is_some() { ("code", "msg") } else { ("StatusCode", "StatusMessage") };
    let outcome = Outcome::by_number(&answer, names, 0);
    Ok(match outcome.number() {
        Some(code) if TOO_FAST.contains(&code) => outcome.pausing(Duration::from_secs(20)),
        Some(code) if NOT_ADMITTED.contains(&code) => outcome.permanently(),
        _ => outcome,
    })
}

fn body(parcel: &Parcel, channel: &Channel) -> Value {
    let (notices, link) = (parcel.notices(), parcel.link());
    let title = text::title(&notices);
    let body = text::body(&notices, !TITLE.fits(&title), None, FORM);
    let keyword = channel.options.keyword.as_deref().unwrap_or_default();
    let mut title = TITLE.cut(&title);
    if !title.contains(keyword) && !body.contains(keyword) {
        title = format!("[{keyword}] {title}");
    }
    let mut content = vec![json!([{"tag": "text", "text": body}])];
    content.extend(link.map(|link| json!([{"tag": "a", "text": link, "href": link}])));
    let mentioned = channel.options.mentions.iter().map(|who| json!({"tag": "at", "user_id": who.trim_start_matches('@')}));
    let mentioned: Vec<Value> = mentioned.collect();
    content.extend((!mentioned.is_empty()).then(|| Value::from(mentioned)));
    let mut body = json!({"msg_type": "post", "content": {"post": {"zh_cn": {"title": title, "content": content}}}});
    if let Some(secret) = &channel.credentials.secret {
        let timestamp = parcel.now.timestamp().to_string();
        body["sign"] = signature(&timestamp, secret).into();
        body["timestamp"] = timestamp.into();
    }
    body
}

/// The key is the timestamp and the secret, the message is empty.
fn signature(timestamp: &str, secret: &Secret) -> String {
    sign::hmac_base64(format!("{timestamp}\n{}", secret.reveal()).as_bytes(), b"")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with OpenSSL: `printf '' | openssl dgst -sha256 -hmac $'1599360473\ndemo' -binary | base64`.
    #[test]
    fn signature_matches_the_vector() {
        assert_eq!(signature("1599360473", &Secret::new("demo")), "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8=");
    }
}
