//! Server酱: messages in Markdown to WeChat; Server酱³ by the form of its key.

use reqwest::Url;
use serde_json::{Value, json};

use super::answer::Outcome;
use super::endpoint;
use super::parcel::Parcel;
use super::transport::Transport;
use super::{Provider, sending};
use crate::domain::notify::channel::{Channel, ChannelType};
use crate::notify::quota::Rate;
use crate::notify::text::{self, Measure, TextForm};

const HOST: &str = "https://sctapi.ftqq.com";
const TITLE: TextForm = TextForm::new(32, Measure::Characters, text::plain);
const FORM: TextForm = TextForm::new(30_000, Measure::Bytes, text::markdown);

pub(super) const PROVIDER: Provider =
    Provider { rates: &[Rate::per_minute(5)], ..Provider::new(ChannelType::Serverchan, FORM, sending!(deliver)) };

async fn deliver(parcel: &Parcel, channel: &Channel, transport: &Transport) -> Result<Outcome, Outcome> {
    let answer = transport.post_json(channel, url(channel)?, &body(parcel)).await;
    Ok(Outcome::by_number(&answer.map_err(|error| Outcome::unanswered(&error))?, ("code", "message"), 0))
}

fn body(parcel: &Parcel) -> Value {
    let notices = parcel.notices();
    let title = text::title(&notices);
    let link = parcel.link().map(|link| format!("<{link}>"));
    let body = text::body(&notices, !TITLE.fits(&title), link.as_deref(), FORM);
    json!({"title": TITLE.cut(&title), "desp": body})
}

/// A key `sctp<number>t…` is of a server of its own.
fn url(channel: &Channel) -> Result<Url, Outcome> {
    let key = channel.token();
    let number = key.strip_prefix("sctp").and_then(|rest| rest.split_once('t')).map(|(number, _)| number);
    let number = number.filter(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
    let (host, path) = match number {
        Some(number) => (format!("https://{number}.push.ft07.com"), format!("/send/{key}.send")),
        None => (HOST.to_owned(), format!("/{key}.send")),
    };
    endpoint::below(channel, &host, &path).map_err(|problem| Outcome::unusable(&problem))
}
