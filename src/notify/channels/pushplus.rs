//! PushPlus: plain texts to WeChat.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::Outcome;
use super::parcel::Parcel;
use super::transport::Transport;
use super::{Provider, endpoint, sending};
use crate::domain::notify::channel::{Channel, ChannelType};
use crate::notify::quota::Rate;
use crate::notify::text::{self, Measure, TextForm};

const HOST: &str = "https://www.pushplus.plus";
const TITLE: TextForm = TextForm::new(100, Measure::Characters, text::plain);
/// The account sent too much and is restricted.
const RESTRICTED: i64 = 900;

const FORM: TextForm = TextForm::new(15_000, Measure::Characters, text::plain);

pub(super) const PROVIDER: Provider =
    Provider { rates: &[Rate::per_minute(5)], ..Provider::new(ChannelType::Pushplus, FORM, sending!(deliver)) };

async fn deliver(parcel: &Parcel, channel: &Channel, transport: &Transport) -> Result<Outcome, Outcome> {
    let url = endpoint::endpoint(channel, HOST, "/send").map_err(|problem| Outcome::unusable(&problem))?;
    let answer = transport.post_json(channel, url, &body(parcel, channel)).await;
    let outcome = Outcome::by_number(&answer.map_err(|error| Outcome::unanswered(&error))?, ("code", "msg"), 200);
    Ok(if outcome.number() == Some(RESTRICTED) { outcome.pausing(Duration::from_secs(3_600)) } else { outcome })
}

fn body(parcel: &Parcel, channel: &Channel) -> Value {
    let notices = parcel.notices();
    let title = text::title(&notices);
    let body = text::body(&notices, !TITLE.fits(&title), parcel.link().as_deref(), FORM);
    let title = TITLE.cut(&title);
    let mut message = json!({
        "token": channel.token(),
        "content": if body.is_empty() { &title } else { &body },
        "title": title,
        "template": "txt",
    });
    if let Some(topic) = &channel.options.topic {
        message["topic"] = topic.as_str().into();
    }
    message
}
