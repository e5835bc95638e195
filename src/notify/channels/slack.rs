//! Slack: texts to an incoming webhook, without formatting.

use serde_json::{Value, json};

use super::answer::Outcome;
use super::parcel::Parcel;
use super::transport::Transport;
use super::{Provider, endpoint, sending};
use crate::domain::notify::channel::{Channel, ChannelType};
use crate::notify::quota::Rate;
use crate::notify::text::{self, Measure, TextForm};

const FORM: TextForm = TextForm::new(3_900, Measure::Characters, text::entities);

pub(super) const PROVIDER: Provider =
    Provider { rates: &[Rate::per_second(1)], ..Provider::new(ChannelType::Slack, FORM, sending!(deliver)) };

async fn deliver(parcel: &Parcel, channel: &Channel, transport: &Transport) -> Result<Outcome, Outcome> {
    let url = endpoint::endpoint(channel, "", "/").map_err(|problem| Outcome::unusable(&problem))?;
    let answer = transport.post_json(channel, url, &body(parcel, channel)).await;
    let answer = answer.map_err(|error| Outcome::unanswered(&error))?;
    // The body is `ok`, or a code such as `no_service`.
    let said = answer.text.trim().to_owned();
    Ok(Outcome::by_code(&answer, Some(said.clone()).filter(|said| said.len() <= 50), Some(&said), said == "ok"))
}

fn body(parcel: &Parcel, channel: &Channel) -> Value {
    let mentions = channel.options.mentions.iter().filter_map(|who| mention(who));
    let mentions: String = mentions.map(|who| format!("{who} ")).collect();
    let rest = FORM.max.saturating_sub(mentions.len());
    let content = text::whole(&parcel.notices(), parcel.link().as_deref(), FORM.at_most(rest));
    json!({"text": mentions + &content, "mrkdwn": false, "unfurl_links": false})
}

/// A member by id, or everybody in the channel.
fn mention(who: &str) -> Option<String> {
    match who {
        "all" | "@all" => Some("<!channel>".to_owned()),
        id if id.bytes().all(|byte| byte.is_ascii_alphanumeric()) => Some(format!("<@{id}>")),
        _ => None,
    }
}
