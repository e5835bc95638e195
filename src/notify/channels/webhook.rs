//! Webhooks by the Standard Webhooks specification 1.0: the id is the same for each try, the body is signed.

use chrono::SecondsFormat;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::answer::Outcome;
use super::parcel::{Item, Parcel};
use super::transport::Transport;
use super::{Provider, endpoint, sending, sign};
use crate::domain::notify::channel::{Channel, ChannelType};
use crate::i18n::message;
use crate::notify::quota::Rate;
use crate::notify::text::{self, Measure, TextForm};

const FORM: TextForm = TextForm::new(100_000, Measure::Bytes, text::plain);

pub(super) const PROVIDER: Provider =
    Provider { rates: &[Rate::per_second(20)], ..Provider::new(ChannelType::Webhook, FORM, sending!(deliver)) };

async fn deliver(parcel: &Parcel, channel: &Channel, transport: &Transport) -> Result<Outcome, Outcome> {
    let url = endpoint::endpoint(channel, "", "/").map_err(|problem| Outcome::unusable(&problem))?;
    let body = body(parcel, channel).to_string();
    let headers = headers(parcel, channel, &body)?;
    let answer = transport.post(channel, url, headers, body.into_bytes()).await;
    Ok(Outcome::by_status(&answer.map_err(|error| Outcome::unanswered(&error))?))
}

fn body(parcel: &Parcel, channel: &Channel) -> Value {
    let kind = match parcel.items.as_slice() {
        [only] => only.notice.event.as_str(),
        _ => "group",
    };
    let notices: Vec<Value> = parcel.items.iter().map(|item| notice(parcel, item)).collect();
    json!({
        "type": format!("notification.{kind}"),
        "timestamp": parcel.now.to_rfc3339_opts(SecondsFormat::Millis, true),
        "data": {"id": parcel.id, "channel": channel.name, "notices": notices},
    })
}

fn notice(parcel: &Parcel, item: &Item) -> Value {
    let notice = &item.notice;
    json!({
        "id": notice.id,
        "event": notice.event.as_str(),
        "urgent": notice.urgent,
        "title": notice.title,
        "subjects": notice.subjects,
        "fields": notice.fields,
        "error": notice.error,
        "body": notice.body,
        "url": parcel.link_of(notice),
        "incident_id": item.incident_id,
    })
}

fn headers(parcel: &Parcel, channel: &Channel, body: &str) -> Result<HeaderMap, Outcome> {
    let timestamp = parcel.now.timestamp().to_string();
    let mut values = vec![("webhook-id", parcel.id.clone()), ("webhook-timestamp", timestamp.clone())];
    if let Some(secret) = &channel.credentials.secret {
        let key = sign::standard_webhook_key(secret.reveal());
        let key = key.ok_or_else(|| Outcome::unusable(&message!("channel.secret_unusable")))?;
        values.push(("webhook-signature", signature(&key, &parcel.id, &timestamp, body)));
    }
    // Ids, numbers and base64 are valid values.
    let header =
        |(name, value): (&'static str, String)| Some((HeaderName::from_static(name), HeaderValue::try_from(value).ok()?));
    Ok(values.into_iter().filter_map(header).collect())
}

fn signature(key: &[u8], id: &str, timestamp: &str, body: &str) -> String {
    format!("v1,{}", sign::hmac_base64(key, format!("{id}.{timestamp}.{body}").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's libraries.
    #[test]
    fn signature_matches_the_published_vector() {
        let key = sign::standard_webhook_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", r#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(sign::standard_webhook_key("whsec_no base64"), None);
    }
}
