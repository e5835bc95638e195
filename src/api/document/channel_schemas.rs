//! Hand-written schemas of notification channels.

use serde_json::{Map, Value, json};

use crate::domain::notify::channel::ChannelType;

/// The bodies that create and replace a channel.
pub fn hand_written() -> Map<String, Value> {
    let mut properties = properties();
    let change = json!({"type": "object", "description": "The fields of a notification channel.", "required": ["type"],
        "properties": properties, "additionalProperties": false});
    properties["name"] = json!({"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[a-z0-9_-]{1,64}$",
        "description": "The name that rules use.", "example": "ops"});
    let new = json!({"type": "object", "description": "A new notification channel.", "required": ["name", "type"],
        "properties": properties, "additionalProperties": false});
    [("NotifyChannelInput", new), ("NotifyChannelChange", change)]
        .into_iter()
        .map(|(name, schema)| (name.to_owned(), schema))
        .collect()
}

fn properties() -> Value {
    json!({
        "type": {"type": "string", "enum": ChannelType::ALL.map(ChannelType::as_str), "description": "The provider.",
            "example": "dingtalk"},
        "url": credential("The address of a robot or webhook, or of a server of one's own in place of the provider's. Like all \
            credentials it is never returned; left out, the former one stays; an empty text removes it."),
        "secret": credential("DingTalk, Feishu, webhook: the secret of signatures. WeCom app: its secret."),
        "token": credential("The token of a robot, bot or application, if the URL does not contain it."),
        "key": credential("The key of WeCom, PagerDuty, Bark or Server酱; the same as `token` where the provider has only one of them."),
        "proxy": credential("The URL of a proxy; by default that of the environment."),
        "chat_id": text("Telegram: the chat.", "-1001234567890"),
        "corp_id": text("WeCom app: the corporation's ID.", "ww0123456789abcdef"),
        "agent_id": text("WeCom app: the application's ID.", "1000002"),
        "topic": text("ntfy, PushPlus: the topic.", "alarms"),
        "keyword": text("DingTalk, Feishu: a word that the robot requires in each message.", "Belfry"),
        "to": list("Mail addresses, phone numbers, or WeCom users.", "ops@example.com"),
        "mentions": list("Whom a robot mentions: phone numbers, user IDs, or `all`.", "all"),
        "smtp": text("Mail: the mail server of the settings, if there are several.", "office"),
        "sms": text("Text messages: the provider of the settings, if there are several.", "aliyun"),
        "template": text("Text messages: the provider's template; its placeholder `text` gets the message.", "SMS_154950909"),
        "title_template": {"type": "string", "maxLength": 500, "example": "{{ subject }}: {{ event }}",
            "description": "A template of the title of messages, instead of the built-in text."},
        "body_template": {"type": "string", "maxLength": 8000, "example": "{{ error }}",
            "description": "A template of the text below the title."},
        "language": {"type": "string", "enum": ["en", "zh-CN"],
            "description": "The language; by default Chinese for DingTalk, WeCom, Feishu, Server酱 and PushPlus, otherwise English."},
    })
}

fn credential(description: &str) -> Value {
    json!({"type": "string", "maxLength": 2000, "description": description})
}

fn text(description: &str, example: &str) -> Value {
    json!({"type": "string", "maxLength": 2000, "description": description, "example": example})
}

fn list(description: &str, example: &str) -> Value {
    json!({"type": "array", "maxItems": 100, "items": {"type": "string", "minLength": 1, "maxLength": 2000},
        "description": description, "example": [example]})
}
