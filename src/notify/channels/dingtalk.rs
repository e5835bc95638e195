//! DingTalk robots: texts, signed with the robot's secret if it has one.

use std::time::Duration;

use reqwest::Url;
use serde_json::{Value, json};

use super::answer::Outcome;
use super::parcel::Parcel;
use super::transport::Transport;
use super::{Provider, endpoint, sending, sign};
use crate::domain::notify::channel::{Channel, ChannelType};
use crate::notify::quota::Rate;
use crate::notify::text::{self, Measure, TextForm};

const HOST: &str = "https://oapi.dingtalk.com";
const PATH: &str = "/robot/send";
/// Signature, keyword or address.
const NOT_ADMITTED: i64 = 310_000;
/// Too many messages; further ones are refused for ten minutes.
const TOO_FAST: i64 = 130_101;
const REFUSED_FOR: Duration = Duration::from_secs(600);

const FORM: TextForm = TextForm::new(9_000, Measure::Bytes, text::plain);

pub(super) const PROVIDER: Provider =
    Provider { rates: &[Rate::per_minute(20)], ..Provider::new(ChannelType::Dingtalk, FORM, sending!(deliver)) };

async fn deliver(parcel: &Parcel, channel: &Channel, transport: &Transport) -> Result<Outcome, Outcome> {
    let url = url(channel, parcel.now.timestamp_millis())?;
    let answer = transport.post_json(channel, url, &body(parcel, channel)).await;
    let outcome = Outcome::by_number(&answer.map_err(|error| Outcome::unanswered(&error))?, ("errcode", "errmsg"), 0);
    Ok(match outcome.number() {
        Some(TOO_FAST) => outcome.pausing(REFUSED_FOR),
        Some(NOT_ADMITTED) => outcome.permanently(),
        _ => outcome,
    })
}

fn body(parcel: &Parcel, channel: &Channel) -> Value {
    let mentions = Mentions::of(channel);
    // A mention has an effect only if it stands in the text too.
    let named: String = mentions.numbers.iter().chain(&mentions.users).map(|who| format!(" @{who}")).collect();
    let keyword = channel.options.keyword.as_deref().unwrap_or_default();
    let rest = FORM.max.saturating_sub(named.len() + keyword.len() + 3);
    let mut content = text::whole(&parcel.notices(), parcel.link().as_deref(), FORM.at_most(rest));
    if !content.contains(keyword) {
        content = format!("[{keyword}] {content}");
    }
    json!({
        "msgtype": "text",
        "text": {"content": content + &named},
        "at": {"atMobiles": mentions.numbers, "atUserIds": mentions.users, "isAtAll": mentions.all},
    })
}

/// Whom a robot mentions.
pub(super) struct Mentions<'a> {
    pub numbers: Vec<&'a str>,
    pub users: Vec<&'a str>,
    pub all: bool,
}

impl<'a> Mentions<'a> {
    /// Phone numbers, user ids and `all`.
    pub fn of(channel: &'a Channel) -> Self {
        let names = channel.options.mentions.iter().map(String::as_str);
        let (everybody, people): (Vec<_>, Vec<_>) = names.partition(|name| matches!(*name, "all" | "@all"));
        let is_number = |name: &&str| name.len() >= 7 && name.trim_start_matches('+').bytes().all(|byte| byte.is_ascii_digit());
        let (numbers, users) = people.into_iter().partition(is_number);
        Mentions { numbers, users, all: !everybody.is_empty() }
    }
}

/// The URL with the robot's token and, if there is a secret, the signature for a time.
fn url(channel: &Channel, now_ms: i64) -> Result<Url, Outcome> {
    let mut url = endpoint::endpoint(channel, HOST, PATH).map_err(|problem| Outcome::unusable(&problem))?;
    endpoint::add_query(&mut url, "access_token", channel.token());
    if let Some(secret) = &channel.credentials.secret {
        let timestamp = now_ms.to_string();
        let signature = signature(&timestamp, secret.reveal());
        url.query_pairs_mut().append_pair("timestamp", &timestamp).append_pair("sign", &signature);
    }
    Ok(url)
}

/// The key is the secret, the message the timestamp and the secret.
fn signature(timestamp: &str, secret: &str) -> String {
    sign::hmac_base64(secret.as_bytes(), format!("{timestamp}\n{secret}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::notify::channel::{ChannelOptions, Credentials};
    use crate::domain::secret::Secret;

    /// Computed with OpenSSL: `printf '1700000000000\nSEC0123' | openssl dgst -sha256 -hmac SEC0123 -binary | base64`.
    #[test]
    fn signature_matches_the_vector() {
        assert_eq!(signature("1700000000000", "SEC0123"), "2lI0CLA9w0NryWAswdWUgPoOvPXo1wScAKa+6Qn+lxQ=");
    }

    #[test]
    fn url_has_the_token_and_the_encoded_signature() {
        let mut channel = Channel {
            name: "ops".into(),
            channel_type: ChannelType::Dingtalk,
            options: ChannelOptions::default(),
            credentials: Credentials { token: Some(Secret::new("abc")), ..Credentials::default() },
            from_file: true,
        };
        assert_eq!(url(&channel, 1).unwrap().as_str(), "https://oapi.dingtalk.com/robot/send?access_token=abc");
        channel.credentials.url = Some(Secret::new("http://127.0.0.1:9/robot/send?access_token=xyz"));
        channel.credentials.secret = Some(Secret::new("SEC0123"));
        let url = url(&channel, 1_700_000_000_000).unwrap();
        assert!(url.as_str().starts_with("http://127.0.0.1:9/robot/send?access_token=xyz&timestamp=1700000000000&sign="));
        let query = url.query().unwrap();
        assert!(!query.contains('+') && !query.ends_with('=') && query.ends_with("%3D"), "{query}");
    }
}
