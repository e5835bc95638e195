//! Bark: push messages to an iPhone.

use reqwest::Url;
use serde_json::{Value, json};

use super::answer::Outcome;
use super::parcel::Parcel;
use super::transport::Transport;
use super::{Provider, endpoint, sending};
use crate::domain::notify::channel::{Channel, ChannelType};
use crate::notify::quota::Rate;
use crate::notify::text::{self, Measure, TextForm};

const HOST: &str = "https://api.day.app";
const TITLE: TextForm = TextForm::new(300, Measure::Bytes, text::plain);

/// Apple takes 4 KB in all, as JSON.
const FORM: TextForm = TextForm::new(1_700, Measure::Bytes, text::plain);

pub(super) const PROVIDER: Provider =
    Provider { rates: &[Rate::per_minute(30)], ..Provider::new(ChannelType::Bark, FORM, sending!(deliver)) };

async fn deliver(parcel: &Parcel, channel: &Channel, transport: &Transport) -> Result<Outcome, Outcome> {
    let (url, key) = target(channel)?;
    let answer = transport.post_json(channel, url, &body(parcel, &key)).await;
    Ok(Outcome::by_number(&answer.map_err(|error| Outcome::unanswered(&error))?, ("code", "message"), 200))
}

fn body(parcel: &Parcel, key: &str) -> Value {
    let notices = parcel.notices();
    let title = text::title(&notices);
    let body = text::body(&notices, !TITLE.fits(&title), None, FORM);
    let title = TITLE.cut(&title);
    json!({
        "device_key": key,
        // A message without a body is refused.
        "body": if body.is_empty() { &title } else { &body },
        "title": title,
        "group": "Belfry",
        "level": if parcel.is_urgent() { "timeSensitive" } else { "active" },
        "url": parcel.link(),
    })
}

/// The server's URL and the device's key: the channel's, or the first part of its URL's path, as the app shows it.
fn target(channel: &Channel) -> Result<(Url, String), Outcome> {
    let mut url = endpoint::endpoint(channel, HOST, "/").map_err(|problem| Outcome::unusable(&problem))?;
    let path = url.path().trim_matches('/').to_owned();
    let own = channel.token();
    let key = if own.is_empty() { path.split('/').next().unwrap_or_default().to_owned() } else { own.to_owned() };
    let base = if own.is_empty() || path == "push" { "" } else { path.as_str() };
    url.set_path(&format!("{}/push", if base.is_empty() { String::new() } else { format!("/{base}") }));
    Ok((url, key))
}
