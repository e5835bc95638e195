//! The response models of notification channels, and the parsers of their requests.

use chrono_tz::Tz;
use poem_openapi::Object;
use serde_json::Value;

use super::named::Timestamp;
use super::{PageInfo, split_page, timestamp};
use crate::api::answer::resource;
use crate::api::error::Problem;
use crate::domain::input::{Fields, display_value};
use crate::domain::notify::channel::{ChannelOptions, ChannelType};
use crate::domain::notify::message::Message;
use crate::domain::notify::text_templates::TextTemplates;
use crate::domain::page::Page;
use crate::i18n::{self, Language, message};
use crate::service::{ChannelInfo, ChannelInput, ChannelTestOutcome, CredentialsInput};

/// Maximum length of a text of a channel, in characters.
const TEXT_MAX: usize = 2_000;

/// A notification channel, without its credentials.
#[derive(Default, Object)]
#[oai(rename = "NotifyChannel", read_only_all)]
pub struct ChannelView {
    name: String,
    /// `dingtalk`, `wecom_robot`, `wecom_app`, `feishu`, `slack`, `telegram`, `pagerduty`, `webhook`, `ntfy`, `gotify`, `bark`,
    /// `serverchan`, `pushplus`, `email` or `sms`.
    #[oai(rename = "type")]
    channel_type: String,
    /// Scheme and host of its URL; null if it uses the provider's.
    url: Option<String>,
    /// `file` for a channel of the settings file, which can be changed only there; otherwise null.
    managed_by: Option<String>,
    /// Which credentials are set: `url`, `secret`, `token`, `key` and `proxy`.
    credentials: Vec<String>,
    /// Telegram: the chat.
    chat_id: Option<String>,
    /// WeCom app: the corporation's ID.
    corp_id: Option<String>,
    /// WeCom app: the application's ID.
    agent_id: Option<String>,
    /// ntfy, PushPlus: the topic.
    topic: Option<String>,
    /// DingTalk, Feishu: a word in each message.
    keyword: Option<String>,
    /// Mail addresses, phone numbers, or WeCom users.
    to: Vec<String>,
    /// Whom a robot mentions.
    mentions: Vec<String>,
    /// Mail: the mail server of the settings.
    smtp: Option<String>,
    /// Text messages: the provider of the settings.
    sms: Option<String>,
    /// Text messages: the provider's template.
    template: Option<String>,
    /// The template of the title of its messages; null: the built-in text.
    title_template: Option<String>,
    /// The template of the text below the title; null: the built-in text.
    body_template: Option<String>,
    /// `en` or `zh-CN`.
    language: String,
    health: HealthView,
    /// When it was changed last; null for a channel of the settings file.
    updated_at: Option<Timestamp>,
    updated_by: Option<String>,
}

resource!(ChannelView, "channel", None);

/// What the last deliveries of a channel came to.
#[derive(Default, Object)]
#[oai(rename = "NotifyChannelHealth", read_only_all)]
pub struct HealthView {
    /// Whether at least three requests in a row failed.
    failing: bool,
    /// Failures in a row.
    failures: i64,
    failing_since: Option<Timestamp>,
    last_success_at: Option<Timestamp>,
    last_failure_at: Option<Timestamp>,
    /// The HTTP status of the last answer.
    provider_status: Option<i64>,
    /// The provider's code in the last answer.
    provider_code: Option<String>,
    /// The provider's text in the last answer, or why there was none.
    provider_message: Option<String>,
}

view! {
    /// The provider's answer to a test message.
    #[oai(rename = "NotifyChannelTest", read_only_all)]
    pub struct ChannelTestView new(outcome: ChannelTestOutcome, language: Language) where
        text = |text: Option<i18n::Message>| text.map(|text| text.text(language));
    {
        /// Whether the provider accepted the message, by its own code.
        delivered: bool = outcome.delivered,
        /// The HTTP status; null without an answer, and for mail and text messages.
        provider_status: Option<i64> = outcome.status.map(i64::from),
        /// The provider's own code.
        provider_code: Option<String> = outcome.code,
        /// The provider's own text, or why there is no answer.
        provider_message: Option<String> = text(outcome.text),
        /// Why the text was the built-in one although there are templates.
        template_error: Option<String> = text(outcome.template_error),
    }
}

view! {
    /// A message to a channel.
    #[oai(rename = "NotifyDelivery", read_only_all)]
    pub struct DeliveryView new(message: Message, language: Language) where
        time = |at| timestamp(at, Tz::UTC);
        text = |text: Option<i18n::Message>| text.map(|text| text.text(language));
    {
        id: String = message.id,
        channel: String = message.channel,
        /// The incident that it tells of; null for a test or a digest.
        incident_id: Option<String> = message.incident_id,
        /// The rule that asked for it; empty for a test.
        rule: String = message.rule,
        /// What it tells, such as `failed` or `recovered`.
        event: String = message.notice.event.as_str().to_owned(),
        title: String = message.notice.title,
        /// The tasks that it tells of.
        subjects: Vec<String> = message.notice.subjects,
        urgent: bool = message.urgent,
        /// `queued`, `sent`, `grouped` (sent as a part of another message), or `failed`.
        state: String = message.state.as_str().to_owned(),
        created_at: Timestamp = time(message.created_at),
        /// The earliest time of sending.
        not_before: Timestamp = time(message.not_before),
        sent_at: Option<Timestamp> = message.sent_at.map(time),
        /// The next try of a queued message.
        next_try_at: Option<Timestamp> = message.next_try_at.map(time),
        /// The number of tries so far.
        attempts: i64 = message.attempts,
        /// The id under which it was sent, the same for each try and for all messages of a group.
        group_id: Option<String> = message.group_id,
        provider_status: Option<i64> = message.provider_status,
        provider_code: Option<String> = message.provider_code,
        provider_message: Option<String> = text(message.provider_text),
        /// Why the text was the built-in one although there are templates.
        template_error: Option<String> = text(message.template_error),
    }
}

view! {
    /// One page of messages to a channel, newest first.
    #[oai(rename = "NotifyDeliveryList", read_only_all)]
    pub struct DeliveryList new(page: Page<Message>, language: Language) where
        (items, page) = split_page(page, |message| DeliveryView::new(message, language));
    {
        items: Vec<DeliveryView> = items,
        #[oai(flatten)]
        page: PageInfo = page,
    }
}

impl ChannelView {
    /// `language`: of the provider's answer.
    pub fn new(info: ChannelInfo, language: Language) -> Self {
        let ChannelInfo { channel, health, updated } = info;
        let time = |at: Option<chrono::DateTime<chrono::Utc>>| at.map(|at| timestamp(at, Tz::UTC));
        let set = channel.credentials.fields().into_iter().filter_map(|(name, field)| field.map(|_| name.to_owned()));
        let credentials = set.collect();
        let (updated_at, updated_by) = updated.unzip();
        let health = HealthView {
            failing: health.is_failing(),
            failures: health.failures,
            failing_since: time(health.failing_since),
            last_success_at: time(health.last_success_at),
            last_failure_at: time(health.last_failure_at),
            provider_status: health.provider_status,
            provider_code: health.provider_code,
            provider_message: health.provider_text.map(|text| text.text(language)),
        };
        Self {
            url: channel.shown_url(),
            managed_by: channel.from_file.then(|| "file".to_owned()),
            language: channel.language().tag().to_owned(),
            channel_type: channel.channel_type.as_str().to_owned(),
            name: channel.name,
            credentials,
            chat_id: channel.options.chat_id,
            corp_id: channel.options.corp_id,
            agent_id: channel.options.agent_id,
            topic: channel.options.topic,
            keyword: channel.options.keyword,
            to: channel.options.to,
            mentions: channel.options.mentions,
            smtp: channel.options.smtp,
            sms: channel.options.sms,
            template: channel.options.template,
            title_template: channel.options.title_template,
            body_template: channel.options.body_template,
            health,
            updated_at: time(updated_at),
            updated_by,
        }
    }
}

/// Reads a new channel: its name and what [`changed_channel`] reads.
///
/// # Errors
/// 422 with every fault.
pub fn new_channel(body: &Value) -> Result<(String, ChannelInput), Problem> {
    let mut f = Fields::new(body, "");
    let name = f.text("name", 64, "");
    let input = input(&mut f, body);
    f.finish((name, input)).map_err(Problem::invalid)
}

/// Reads the fields of a channel.
///
/// # Errors
/// 422 with every fault.
pub fn changed_channel(body: &Value) -> Result<ChannelInput, Problem> {
    let mut f = Fields::new(body, "");
    let input = input(&mut f, body);
    f.finish(input).map_err(Problem::invalid)
}

fn input(f: &mut Fields, body: &Value) -> ChannelInput {
    if body.is_object() && body.get("type").is_none() {
        f.fault("type", message!("value.required"));
    }
    let channel_type = f.choice("type", &ChannelType::WORDS, ChannelType::Webhook);
    let mut text = |name: &str| Some(f.text(name, TEXT_MAX, "")).filter(|text| !text.is_empty());
    let mut options = ChannelOptions {
        chat_id: text("chat_id"),
        corp_id: text("corp_id"),
        agent_id: text("agent_id"),
        topic: text("topic"),
        keyword: text("keyword"),
        smtp: text("smtp"),
        sms: text("sms"),
        template: text("template"),
        language: text("language"),
        ..ChannelOptions::default()
    };
    let templates = TextTemplates::take(f);
    (options.title_template, options.body_template) = (templates.title, templates.body);
    (options.to, options.mentions) = (f.texts("to"), f.texts("mentions"));
    let mut credential = |name: &str| credential(f, name);
    let credentials = CredentialsInput {
        url: credential("url"),
        secret: credential("secret"),
        token: credential("token"),
        key: credential("key"),
        proxy: credential("proxy"),
    };
    ChannelInput { channel_type, options, credentials }
}

/// A credential; its value is not part of a fault.
fn credential(f: &mut Fields, name: &str) -> Option<String> {
    match f.take(name)? {
        Value::String(text) => Some(text),
        Value::Number(_) => {
            f.fault(name, message!("value.required_text"));
            None
        }
        other => {
            f.fault(name, message!("value.not_text", value = display_value(&other)));
            None
        }
    }
}
