//! WeCom group robots: texts of at most 2,048 bytes.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::Outcome;
use super::dingtalk::Mentions;
use super::parcel::Parcel;
use super::transport::Transport;
use super::{Provider, endpoint, sending};
use crate::domain::notify::channel::{Channel, ChannelType};
use crate::notify::quota::Rate;
use crate::notify::text::{self, Measure, TextForm};

const HOST: &str = "https://qyapi.weixin.qq.com";
const PATH: &str = "/cgi-bin/webhook/send";
const TOO_FAST: i64 = 45_009;
const UNKNOWN_KEY: i64 = 93_000;

const FORM: TextForm = TextForm::new(2_048, Measure::Bytes, text::no_tags);

pub(super) const PROVIDER: Provider =
    Provider { rates: &[Rate::per_minute(20)], ..Provider::new(ChannelType::WecomRobot, FORM, sending!(deliver)) };

async fn deliver(parcel: &Parcel, channel: &Channel, transport: &Transport) -> Result<Outcome, Outcome> {
    let mut url = endpoint::endpoint(channel, HOST, PATH).map_err(|problem| Outcome::unusable(&problem))?;
    endpoint::add_query(&mut url, "key", channel.token());
    let answer = transport.post_json(channel, url, &body(parcel, channel)).await;
    let outcome = Outcome::by_number(&answer.map_err(|error| Outcome::unanswered(&error))?, ("errcode", "errmsg"), 0);
    Ok(match outcome.number() {
        Some(TOO_FAST) => outcome.pausing(Duration::from_secs(60)),
        Some(UNKNOWN_KEY) => outcome.permanently(),
        _ => outcome,
    })
}

fn body(parcel: &Parcel, channel: &Channel) -> Value {
    let mentions = Mentions::of(channel);
    let content = text::whole(&parcel.notices(), parcel.link().as_deref(), FORM);
    let users: Vec<&str> = mentions.users.iter().copied().chain(mentions.all.then_some("@all")).collect();
    json!({
        "msgtype": "text",
        "text": {"content": content, "mentioned_list": users, "mentioned_mobile_list": mentions.numbers},
    })
}
