//! WeCom applications: texts to users, with an access token that is kept for its life.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{self, Outcome};
use super::parcel::Parcel;
use super::transport::Transport;
use super::{Provider, endpoint, sending};
use crate::domain::notify::channel::{Channel, ChannelType};
use crate::domain::secret::Secret;
use crate::notify::quota::Rate;
use crate::notify::text::{self, Measure, TextForm};

const HOST: &str = "https://qyapi.weixin.qq.com";
/// The token expired, is invalid or is missing.
const TOKEN_REFUSED: [i64; 3] = [42_001, 40_014, 41_001];
/// Wrong secret or corporation, an agent that does not exist, the server's address is not on the application's list.
const NOT_ADMITTED: [i64; 5] = [40_001, 40_013, 40_056, 40_091, 60_020];
const TOO_FAST: i64 = 45_009;
/// A token is renewed this long before its end.
const RENEWED_BEFORE: i64 = 300;
/// The life of a token if the provider does not say it.
const TOKEN_SECONDS: i64 = 7_200;

const FORM: TextForm = TextForm::new(2_048, Measure::Bytes, text::no_tags);

pub(super) const PROVIDER: Provider =
    Provider { rates: &[Rate::per_minute(30)], ..Provider::new(ChannelType::WecomApp, FORM, sending!(deliver)) };

async fn deliver(parcel: &Parcel, channel: &Channel, transport: &Transport) -> Result<Outcome, Outcome> {
    let account = account(channel);
    let first = post(parcel, channel, transport, &account).await?;
    if !first.number().is_some_and(|code| TOKEN_REFUSED.contains(&code)) {
        return Ok(first);
    }
    transport.forget_token(&account);
    post(parcel, channel, transport, &account).await
}

async fn post(parcel: &Parcel, channel: &Channel, transport: &Transport, account: &str) -> Result<Outcome, Outcome> {
    let token = match transport.token(account) {
        Some(token) => token,
        None => fetch_token(channel, transport, account).await?,
    };
    let mut url = endpoint::below(channel, HOST, "/cgi-bin/message/send").map_err(|problem| Outcome::unusable(&problem))?;
    url.query_pairs_mut().append_pair("access_token", token.reveal());
    let answer = transport.post_json(channel, url, &body(parcel, channel)).await;
    Ok(read(&answer.map_err(|error| Outcome::unanswered(&error))?))
}

fn body(parcel: &Parcel, channel: &Channel) -> Value {
    let options = &channel.options;
    let to = if options.to.is_empty() { "@all".to_owned() } else { options.to.join("|") };
    let agent = options.agent_id.as_deref().unwrap_or_default();
    let agent = agent.parse::<i64>().map_or_else(|_| Value::from(agent), Value::from);
    let content = text::whole(&parcel.notices(), parcel.link().as_deref(), FORM);
    json!({"touser": to, "msgtype": "text", "agentid": agent, "text": {"content": content}, "enable_duplicate_check": 1})
}

/// The key under which an application's token is kept.
fn account(channel: &Channel) -> String {
    let corp = channel.options.corp_id.as_deref().unwrap_or_default();
    format!("wecom {corp} {}", secret(channel))
}

fn secret(channel: &Channel) -> &str {
    channel.credentials.secret.as_ref().map_or_else(|| channel.token(), Secret::reveal)
}

async fn fetch_token(channel: &Channel, transport: &Transport, account: &str) -> Result<Secret, Outcome> {
    let mut url = endpoint::below(channel, HOST, "/cgi-bin/gettoken").map_err(|problem| Outcome::unusable(&problem))?;
    let corp = channel.options.corp_id.as_deref().unwrap_or_default();
    url.query_pairs_mut().append_pair("corpid", corp).append_pair("corpsecret", secret(channel));
    let answer = transport.get(channel, url).await.map_err(|error| Outcome::unanswered(&error))?;
    let body = answer::json(&answer);
    let token = body.get("access_token").and_then(Value::as_str).filter(|token| !token.is_empty());
    let Some(token) = token.filter(|_| read(&answer).delivered) else {
        // A refusal, or an answer without a token.
        return Err(Outcome { delivered: false, ..read(&answer) });
    };
    let seconds = body.get("expires_in").and_then(Value::as_i64).unwrap_or(TOKEN_SECONDS).clamp(0, TOKEN_SECONDS);
    let token = Secret::new(token);
    transport.keep_token(account, token.clone(), chrono::Duration::seconds((seconds - RENEWED_BEFORE).max(0)));
    Ok(token)
}

fn read(answer: &crate::tasks::outbound::Answer) -> Outcome {
    let outcome = Outcome::by_number(answer, ("errcode", "errmsg"), 0);
    match outcome.number() {
        Some(TOO_FAST) => outcome.pausing(Duration::from_secs(60)),
        Some(code) if NOT_ADMITTED.contains(&code) => outcome.permanently(),
        _ => outcome,
    }
}
