//! Channels: where notifications go. A channel is of the settings (`[notify.<name>]`) or stored by an administrator.

use serde::{Deserialize, Serialize};

use super::super::fault::Fault;
use super::super::secret::Secret;
use super::super::text_enum::text_enum;
use super::text_templates::{BODY_MAX, FIELDS, TITLE_MAX, TextTemplates};
use crate::i18n::{Language, Message, message};

/// Maximum length of a text of a channel, in bytes.
const TEXT_MAX: usize = 2_000;
/// Maximum number of recipients and mentions.
const LIST_MAX: usize = 100;

text_enum! {
    /// The provider of a channel.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum ChannelType {
        Dingtalk = "dingtalk",
        WecomRobot = "wecom_robot",
        WecomApp = "wecom_app",
        /// Lark too, by its URL.
        Feishu = "feishu",
        Slack = "slack",
        Telegram = "telegram",
        Pagerduty = "pagerduty",
        Webhook = "webhook",
        Ntfy = "ntfy",
        Gotify = "gotify",
        Bark = "bark",
        Serverchan = "serverchan",
        Pushplus = "pushplus",
        Email = "email",
        Sms = "sms",
    }
}

impl ChannelType {
    /// The language of messages unless the channel sets one.
    pub const fn default_language(self) -> Language {
        match self {
            Self::Dingtalk | Self::WecomRobot | Self::WecomApp | Self::Feishu | Self::Serverchan | Self::Pushplus => {
                Language::Chinese
            }
            _ => Language::English,
        }
    }

    /// The fields that a channel of this type uses, in the order of its form; templates and language are common to all.
    pub const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Dingtalk | Self::Feishu => &["url", "token", "secret", "keyword", "mentions", "proxy"],
            Self::WecomRobot => &["url", "key", "mentions", "proxy"],
            Self::WecomApp => &["corp_id", "agent_id", "secret", "to", "url", "proxy"],
            Self::Slack => &["url", "mentions", "proxy"],
            Self::Telegram => &["token", "chat_id", "url", "proxy"],
            Self::Pagerduty | Self::Bark | Self::Serverchan => &["key", "url", "proxy"],
            Self::Webhook => &["url", "secret", "proxy"],
            Self::Ntfy => &["topic", "url", "token", "proxy"],
            Self::Gotify => &["url", "token", "proxy"],
            Self::Pushplus => &["token", "topic", "url", "proxy"],
            Self::Email => &["to", "smtp"],
            Self::Sms => &["to", "template", "sms"],
        }
    }

    /// Whether a channel of this type cannot do without this one of its fields.
    pub fn requires(self, field: &str) -> bool {
        let used = |group: &&&[&str]| group.iter().filter(|name| self.fields().contains(*name)).eq([&field]);
        self.required().iter().any(|group| used(&group))
    }

    /// What a channel of this type needs: of each list, one of the fields.
    const fn required(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Dingtalk | Self::WecomRobot | Self::Feishu | Self::Bark => &[&["url", "token", "key"]],
            Self::WecomApp => &[&["corp_id"], &["agent_id"], &["secret", "token"]],
            Self::Slack | Self::Webhook => &[&["url"]],
            Self::Telegram => &[&["token", "key"], &["chat_id", "to"]],
            Self::Pagerduty | Self::Serverchan => &[&["key", "token"]],
            Self::Ntfy => &[&["topic", "url"]],
            Self::Gotify => &[&["url"], &["token", "key"]],
            Self::Pushplus => &[&["token", "key"]],
            Self::Email | Self::Sms => &[&["to"]],
        }
    }
}

/// What is not secret in a channel; each type uses a part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChannelOptions {
    /// Telegram: the chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat_id: Option<String>,
    /// WeCom app: the corporation's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corp_id: Option<String>,
    /// WeCom app: the application's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// ntfy, PushPlus: the topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// DingTalk, Feishu: a word that the robot requires in each message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keyword: Option<String>,
    /// Mail addresses, phone numbers, or WeCom users.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// Whom a robot mentions: phone numbers, user ids, or `all`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<String>,
    /// Mail: the profile `[smtp.<name>]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp: Option<String>,
    /// Text messages: the profile `[sms.<name>]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sms: Option<String>,
    /// Text messages: the provider's template; its placeholder `text` gets the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// The title of messages of one's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title_template: Option<String>,
    /// The text below the title of one's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_template: Option<String>,
    /// The tag of the language of messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// What is secret in a channel. The URL is: the address of most robots contains their key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    pub url: Option<Secret>,
    pub secret: Option<Secret>,
    pub token: Option<Secret>,
    pub key: Option<Secret>,
    /// The URL of a proxy; without it the environment decides.
    pub proxy: Option<Secret>,
}

/// A channel as the settings give it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChannelSettings {
    pub channel_type: Option<ChannelType>,
    pub options: ChannelOptions,
    pub credentials: Credentials,
}

/// A channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    pub name: String,
    pub channel_type: ChannelType,
    pub options: ChannelOptions,
    pub credentials: Credentials,
    /// Whether the settings define it, so that it can be changed only there.
    pub from_file: bool,
}

impl Channel {
    /// The channel of the settings; `None` without a type.
    pub fn from_settings(name: &str, settings: &ChannelSettings) -> Option<Channel> {
        Some(Channel {
            name: name.to_owned(),
            channel_type: settings.channel_type?,
            options: settings.options.clone(),
            credentials: settings.credentials.clone(),
            from_file: true,
        })
    }

    /// The language of its messages.
    pub fn language(&self) -> Language {
        let own = self.options.language.as_deref().and_then(Language::parse);
        own.unwrap_or_else(|| self.channel_type.default_language())
    }

    /// The templates of its messages.
    pub fn templates(&self) -> TextTemplates {
        let ChannelOptions { title_template, body_template, .. } = &self.options;
        let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        TextTemplates { title: given(title_template), body: given(body_template) }
    }

    /// The token, or the key where the provider has only one of them.
    pub fn token(&self) -> &str {
        let Credentials { token, key, .. } = &self.credentials;
        token.as_ref().or(key.as_ref()).map_or("", Secret::reveal)
    }

    /// The URL without what may be secret in it: scheme and host.
    pub fn shown_url(&self) -> Option<String> {
        let url = self.credentials.url.as_ref()?.reveal();
        let (scheme, rest) = url.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        let path = if rest.len() > authority.len() + 1 { "/***" } else { "" };
        Some(format!("{scheme}://{host}{path}"))
    }

    /// What must not be shown: the credentials, and the parts of the URL that may be keys.
    pub fn secrets(&self) -> Vec<&str> {
        self.credentials.secrets()
    }

    /// What is wrong with the channel, with a pointer to the field.
    pub fn check(&self) -> Vec<Fault> {
        check(self.channel_type, &self.options, &self.credentials)
    }
}

impl ChannelSettings {
    /// Checks a channel of the settings.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), Message> {
        let channel_type = self.channel_type.ok_or_else(|| message!("channel.type_required", known = known_types()))?;
        let mut faults = check(channel_type, &self.options, &self.credentials).into_iter();
        faults.next().map_or(Ok(()), |fault| Err(fault.message))
    }
}

impl Credentials {
    /// The fields with their names.
    pub fn fields(&self) -> [(&'static str, Option<&Secret>); 5] {
        let Self { url, secret, token, key, proxy } = self;
        [("url", url), ("secret", secret), ("token", token), ("key", key), ("proxy", proxy)]
            .map(|(name, field)| (name, field.as_ref()))
    }

    /// The parts of a length that only a key has; a host name or the word `send` is no secret.
    fn secrets(&self) -> Vec<&str> {
        const KEY_MIN: usize = 16;
        let url = self.url.as_ref().map_or("", Secret::reveal);
        let path = url.splitn(4, '/').nth(3).unwrap_or_default();
        let parts = path.split(['/', '?', '&', '=', '#']).filter(|part| part.len() >= KEY_MIN);
        let whole = self.fields().into_iter().filter(|(name, _)| *name != "url").filter_map(|(_, secret)| secret);
        parts.chain(whole.map(Secret::reveal)).collect()
    }
}

/// The types for messages.
fn known_types() -> String {
    ChannelType::ALL.map(ChannelType::as_str).join(", ")
}

fn check(channel_type: ChannelType, options: &ChannelOptions, credentials: &Credentials) -> Vec<Fault> {
    let texts = texts(options, credentials);
    let mut faults = Vec::new();
    for fields in channel_type.required() {
        if !texts.iter().any(|(name, text)| fields.contains(name) && !text.is_empty()) {
            let known: Vec<&str> = fields.iter().copied().filter(|name| channel_type.fields().contains(name)).collect();
            let known = known.join(", ");
            faults.push(field_fault(fields[0], message!("channel.required", channel_type = channel_type.as_str(), known)));
        }
    }
    for (name, text) in &texts {
        if text.len() > TEXT_MAX {
            faults.push(field_fault(name, message!("value.byte_count", min = 1, max = TEXT_MAX, count = text.len())));
        } else if text.chars().any(char::is_control) {
            faults.push(field_fault(name, message!("channel.control_character")));
        }
    }
    let templates = [(&options.title_template, TITLE_MAX), (&options.body_template, BODY_MAX)];
    for ((text, max), name) in templates.into_iter().zip(FIELDS) {
        if text.as_ref().is_some_and(|text| text.chars().count() > max) {
            faults.push(field_fault(name, message!("value.too_long", max)));
        }
    }
    if let Some(url) = &credentials.url {
        faults.extend(check_url(url.reveal()).err().map(|message| field_fault("url", message)));
    }
    for (name, list) in [("to", &options.to), ("mentions", &options.mentions)] {
        if list.len() > LIST_MAX {
            faults.push(field_fault(name, message!("channel.too_many", count = list.len(), max = LIST_MAX)));
        } else if list.iter().any(String::is_empty) {
            faults.push(field_fault(name, message!("setting.empty_item")));
        }
    }
    if let Some(tag) = options.language.as_deref().filter(|tag| Language::parse(tag).is_none()) {
        let known = Language::ALL.map(Language::tag).join(", ");
        let value = super::super::input::quoted(tag, 20);
        faults.push(field_fault("language", message!("value.not_one_of", value, known)));
    }
    faults
}

/// All texts of a channel by field, those of lists one by one.
fn texts<'a>(options: &'a ChannelOptions, credentials: &'a Credentials) -> Vec<(&'static str, &'a str)> {
    // Templates have several lines and bounds of their own.
    let ChannelOptions { chat_id, corp_id, agent_id, topic, keyword, to, mentions, smtp, sms, template, .. } = options;
    let plain = [
        ("chat_id", chat_id),
        ("corp_id", corp_id),
        ("agent_id", agent_id),
        ("topic", topic),
        ("keyword", keyword),
        ("smtp", smtp),
        ("sms", sms),
        ("template", template),
    ];
    let plain = plain.into_iter().filter_map(|(name, text)| Some((name, text.as_deref()?)));
    let lists = to.iter().map(|text| ("to", text.as_str())).chain(mentions.iter().map(|text| ("mentions", text.as_str())));
    let secret = credentials.fields().into_iter().filter_map(|(name, secret)| Some((name, secret?.reveal())));
    plain.chain(lists).chain(secret).collect()
}

fn check_url(url: &str) -> Result<(), Message> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() || url.contains(char::is_whitespace) { Err(message!("channel.not_url")) } else { Ok(()) }
}

fn field_fault(field: &str, message: Message) -> Fault {
    Fault::new(format!("/{field}"), message.of(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(channel_type: ChannelType, url: &str, token: &str) -> Channel {
        let secret = |text: &str| (!text.is_empty()).then(|| Secret::new(text));
        let credentials = Credentials { url: secret(url), token: secret(token), ..Credentials::default() };
        Channel { name: "ops".into(), channel_type, options: ChannelOptions::default(), credentials, from_file: false }
    }

    fn faults(channel: &Channel) -> Vec<String> {
        channel.check().into_iter().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn check_names_the_missing_fields_of_each_type() {
        for channel_type in ChannelType::ALL {
            assert!(!faults(&channel(channel_type, "", "")).is_empty(), "{}", channel_type.as_str());
        }
        assert_eq!(faults(&channel(ChannelType::WecomApp, "", "")), ["/corp_id", "/agent_id", "/secret"]);
        assert!(faults(&channel(ChannelType::Dingtalk, "", "abc")).is_empty());
        assert_eq!(faults(&channel(ChannelType::Telegram, "", "abc")), ["/chat_id"]);
        assert_eq!(faults(&channel(ChannelType::Slack, "ftp://example.com/x", "")), ["/url"]);
        assert_eq!(faults(&channel(ChannelType::Slack, "https://example.com/a b", "")), ["/url"]);
    }

    #[test]
    fn fields_of_each_type_include_what_it_requires() {
        for channel_type in ChannelType::ALL {
            for group in channel_type.required() {
                assert!(group.iter().any(|name| channel_type.fields().contains(name)), "{}: {group:?}", channel_type.as_str());
            }
        }
        let required = |kind: ChannelType| kind.fields().iter().copied().filter(|name| kind.requires(name)).collect::<Vec<_>>();
        assert_eq!(required(ChannelType::Slack), ["url"]);
        assert_eq!(required(ChannelType::WecomApp), ["corp_id", "agent_id", "secret"]);
        // Of the address and the token one is enough.
        assert_eq!(required(ChannelType::Dingtalk), [""; 0]);
    }

    #[test]
    fn shown_url_hides_path_query_and_user() {
        let shown = |url: &str| channel(ChannelType::Slack, url, "").shown_url().unwrap();
        assert_eq!(shown("https://hooks.example.com/services/T0/B0/abc?x=1"), "https://hooks.example.com/***");
        assert_eq!(shown("https://me:pass@ntfy.example.com:8443"), "https://ntfy.example.com:8443");
        assert_eq!(shown("https://ntfy.example.com/"), "https://ntfy.example.com");
    }

    #[test]
    fn secrets_are_the_credentials_and_the_keys_in_the_url() {
        let robot = channel(ChannelType::Dingtalk, "https://example.com/robot/send?access_token=0123456789abcdef", "token-1");
        assert_eq!(robot.secrets(), ["0123456789abcdef", "token-1"]);
    }
}
