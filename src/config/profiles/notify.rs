//! The settings of `[notify.<name>]`.

use super::super::Settings;
use super::super::setting::settings;
use crate::domain::notify::channel::{ChannelSettings, ChannelType};
use crate::i18n::Language;

const SECTION: &str = "notify.*";

settings! {
    pub(super) SETTINGS |s, name, v|

    [SECTION]
    "type" Choice ""
        "dingtalk, wecom_robot, wecom_app, feishu (Lark too), slack, telegram, pagerduty, webhook, ntfy, gotify, bark, serverchan, pushplus, email or sms."
        => of(s, name).channel_type = Some(v.choice(&ChannelType::WORDS)?);
    secret "url" Text ""
        "The address of a robot or webhook, or of a server of one's own in place of the provider's; a host alone gets the provider's path."
        => of(s, name).credentials.url = Some(v.secret()?);
    secret "base_url" Text "" "The same as url." => of(s, name).credentials.url = Some(v.secret()?);
    secret "secret" Text "" "DingTalk, Feishu, webhook: the secret of signatures. WeCom app: its secret."
        => of(s, name).credentials.secret = Some(v.secret()?);
    secret "token" Text "" "The token of a robot, bot or application, if the URL does not contain it."
        => of(s, name).credentials.token = Some(v.secret()?);
    secret "key" Text "" "The key of WeCom, PagerDuty, Bark or Server酱; the same as token where the provider has only one of them."
        => of(s, name).credentials.key = Some(v.secret()?);
    secret "proxy" Text "" "The URL of a proxy; by default that of the environment."
        => of(s, name).credentials.proxy = Some(v.secret()?);
    "chat_id" Text "" "Telegram: the chat." => of(s, name).options.chat_id = Some(v.text()?);
    "corp_id" Text "" "WeCom app: the corporation's ID." => of(s, name).options.corp_id = Some(v.text()?);
    "agent_id" Text "" "WeCom app: the application's ID." => of(s, name).options.agent_id = Some(v.text()?);
    "topic" Text "" "ntfy, PushPlus: the topic." => of(s, name).options.topic = Some(v.text()?);
    "keyword" Text "" "DingTalk, Feishu: a word that the robot requires in each message."
        => of(s, name).options.keyword = Some(v.text()?);
    "to" TextList "[]" "Mail addresses, phone numbers, or WeCom users." => of(s, name).options.to = v.texts()?;
    "mentions" TextList "[]" "Whom a robot mentions: phone numbers, user IDs, or all." => of(s, name).options.mentions = v.texts()?;
    "smtp" Text "" "email: the mail server [smtp.<name>], if there are several." => of(s, name).options.smtp = Some(v.text()?);
    "sms" Text "" "sms: the provider [sms.<name>], if there are several." => of(s, name).options.sms = Some(v.text()?);
    "template" Text "" "sms: the provider's template; its placeholder text gets the message."
        => of(s, name).options.template = Some(v.text()?);
    "title_template" Text "" "A template of the title of messages; see docs/notifications.md."
        => of(s, name).options.title_template = Some(v.text()?);
    "body_template" Text "" "A template of the text below the title."
        => of(s, name).options.body_template = Some(v.text()?);
    "language" Choice "" "en or zh-CN; by default Chinese for DingTalk, WeCom, Feishu, Server酱 and PushPlus, otherwise English."
        => of(s, name).options.language = Some(v.choice(&Language::ALL.map(|language| (language.tag(), language.tag())))?.to_owned());
}

fn of<'s>(settings: &'s mut Settings, name: &str) -> &'s mut ChannelSettings {
    settings.profiles.notify.entry(name.to_owned()).or_default()
}
