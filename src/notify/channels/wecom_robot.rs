//! WeCom group robots: texts of at most 2,048 bytes.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::Outcome;
use super::dingtalk::Mentions;
use super::parcel::Parcel;
use super::transport::Transport;
use super::{Provider, Sending, endpoint};
use crate::domain::notify::channel::{Channel, ChannelType};
use crate::notify::quota::Rate;
use crate::notify::text::{self, Measure, TextForm};

const HOST: &str = "https://qyapi.weixin.qq.com";
const PATH: &str = "/cgi-bin/webhook/send";
const TOO_FAST: i64 = 45_009;
const UNKNOWN_KEY: i64 = 93_000;

pub(super) struct WecomRobot;

impl Provider for WecomRobot {
    fn channel_type(&self) -> ChannelType {
        ChannelType::WecomRobot
    }

    fn rates(&self) -> &'static [Rate] {
        const { &[Rate::per_minute(20)] }
    }

    fn form(&self) -> TextForm {
        TextForm::new(2_048, Measure::Bytes, text::no_tags)
    }

    fn send<'a>(&'a self, parcel: &'a Parcel, channel: &'a Channel, transport: &'a Transport) -> Sending<'a> {
        Box::pin(async move { self.deliver(parcel, channel, transport).await.unwrap_or_else(|failed| failed) })
    }
}

impl WecomRobot {
    async fn deliver(&self, parcel: &Parcel, channel: &Channel, transport: &Transport) -> Result<Outcome, Outcome> {
        let mut url = endpoint::endpoint(channel, HOST, PATH).map_err(|problem| Outcome::unusable(&problem))?;
        endpoint::add_query(&mut url, "key", channel.token());
        let answer = transport.post_json(channel, url, &self.body(parcel, channel)).await;
        let outcome = Outcome::by_number(&answer.map_err(|error| Outcome::unanswered(&error))?, ("errcode", "errmsg"), 0);
        Ok(match outcome.number() {
            Some(TOO_FAST) => outcome.pausing(Duration::from_secs(60)),
            Some(UNKNOWN_KEY) => outcome.permanently(),
            _ => outcome,
        })
    }

    fn body(&self, parcel: &Parcel, channel: &Channel) -> Value {
        let mentions = Mentions::of(channel);
        let content = text::whole(&parcel.notices(), parcel.link().as_deref(), self.form());
        let users: Vec<&str> = mentions.users.iter().copied().chain(mentions.all.then_some("@all")).collect();
        json!({
            "msgtype": "text",
            "text": {"content": content, "mentioned_list": users, "mentioned_mobile_list": mentions.numbers},
        })
    }
}
