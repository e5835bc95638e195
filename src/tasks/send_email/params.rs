//! Parameters of `send_email`.

use lettre::message::Mailbox;
use serde::Deserialize;
use serde_json::{Value, json};

use super::address::{mailboxes, only_mailbox};
use super::attachment::Attachment;
use crate::domain::fault::Fault;
use crate::i18n::message;
use crate::tasks::{Stage, unreadable};

/// The most recipients of one mail; mail servers reject more.
const MAX_RECIPIENTS: usize = 500;

/// The parsed parameters.
#[derive(Debug)]
pub(super) struct Params {
    pub to: Vec<Mailbox>,
    pub cc: Vec<Mailbox>,
    pub bcc: Vec<Mailbox>,
    pub reply_to: Vec<Mailbox>,
    pub from: Option<Mailbox>,
    pub title: String,
    pub body: Body,
    pub attachments: Vec<Attachment>,
    pub smtp: Option<String>,
}

/// The text of the mail.
#[derive(Debug)]
pub(super) enum Body {
    Plain(String),
    Html(String),
    /// The mail program shows the version it prefers.
    Both {
        plain: String,
        html: String,
    },
}

/// The parameters before they are checked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    to: Addresses,
    #[serde(default)]
    cc: Addresses,
    #[serde(default)]
    bcc: Addresses,
    #[serde(default)]
    reply_to: Addresses,
    from: Option<String>,
    title: String,
    body: String,
    html: Option<Html>,
    #[serde(default)]
    attachments: Vec<super::attachment::Raw>,
    smtp: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "to, cc, bcc and reply_to must be an address or a list of addresses")]
enum Addresses {
    One(String),
    Many(Vec<String>),
}

impl Default for Addresses {
    fn default() -> Self {
        Addresses::Many(Vec::new())
    }
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "html: must be true, false or a text")]
enum Html {
    Whether(bool),
    Text(String),
}

impl Params {
    /// Parses parameters that match the schema.
    ///
    /// # Errors
    /// Faults that the schema cannot express.
    pub fn read(params: &Value, stage: Stage) -> Result<Params, Vec<Fault>> {
        let raw: Raw = serde_json::from_value(params.clone()).map_err(|error| unreadable(&error))?;
        let mut faults = Vec::new();
        let params = Params {
            to: addresses("to", &raw.to, stage, &mut faults),
            cc: addresses("cc", &raw.cc, stage, &mut faults),
            bcc: addresses("bcc", &raw.bcc, stage, &mut faults),
            reply_to: addresses("reply_to", &raw.reply_to, stage, &mut faults),
            from: raw.from.and_then(|from| sender(&from, stage, &mut faults)),
            title: title(raw.title, stage, &mut faults),
            body: Body::from_params(raw.body, raw.html),
            attachments: Attachment::read_all(raw.attachments, stage, &mut faults),
            smtp: raw.smtp,
        };
        let recipients = params.to.len() + params.cc.len() + params.bcc.len();
        if recipients > MAX_RECIPIENTS {
            faults.push(Fault::new("/to", message!("mail.recipients", count = recipients, max = MAX_RECIPIENTS).of("to")));
        }
        if faults.is_empty() { Ok(params) } else { Err(faults) }
    }
}

impl Body {
    fn from_params(body: String, html: Option<Html>) -> Body {
        // A bare carriage return is not allowed in a mail, and servers interpret it differently.
        let with_line_feeds =
            |text: String| if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text };
        let body = with_line_feeds(body);
        match html {
            None | Some(Html::Whether(false)) => Body::Plain(body),
            Some(Html::Whether(true)) => Body::Html(body),
            Some(Html::Text(html)) => Body::Both { plain: body, html: with_line_feeds(html) },
        }
    }
}

fn addresses(name: &str, given: &Addresses, stage: Stage, faults: &mut Vec<Fault>) -> Vec<Mailbox> {
    let texts: Vec<(String, &String)> = match given {
        Addresses::One(text) => vec![(format!("/{name}"), text)],
        Addresses::Many(texts) => texts.iter().enumerate().map(|(n, text)| (format!("/{name}/{n}"), text)).collect(),
    };
    let mut found = Vec::new();
    for (pointer, text) in texts.into_iter().filter(|(_, text)| stage.is_resolved(text)) {
        match mailboxes(text) {
            Ok(some) => found.extend(some),
            Err(message) => faults.push(Fault::new(pointer, message.of(name))),
        }
    }
    found
}

fn sender(text: &str, stage: Stage, faults: &mut Vec<Fault>) -> Option<Mailbox> {
    if !stage.is_resolved(text) {
        return None;
    }
    only_mailbox(text).map_err(|message| faults.push(Fault::new("/from", message.of("from")))).ok()
}

/// Rejects control characters, because a line break in a title would begin another header.
fn title(text: String, stage: Stage, faults: &mut Vec<Fault>) -> String {
    if stage.is_resolved(&text) && text.contains(char::is_control) {
        faults.push(Fault::new("/title", message!("mail.title_control").of("title")));
    }
    text
}

pub(super) fn schema() -> Value {
    let with = |mut schema: Value, en: &str, zh: &str| {
        schema["description"] = en.into();
        schema["x-description-zh"] = zh.into();
        schema
    };
    let addresses = || {
        let address = json!({"type": "string", "minLength": 1, "maxLength": 20_000});
        json!({"anyOf": [address, {"type": "array", "maxItems": MAX_RECIPIENTS, "items": address}]})
    };
    let mut to = addresses();
    to["anyOf"][1]["minItems"] = 1.into();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "required": ["to", "title", "body"],
        "properties": {
            "to": with(to,
                "The recipients: a list of addresses, or a text with addresses separated by commas, semicolons or line breaks, with or \
                    without a name: Wang Wei <wei@example.com>.",
                "收件人：地址列表，或以逗号、分号、顿号、换行分隔的多个地址，可带姓名，如 王伟 <wei@example.com>。"),
            "title": with(json!({"type": "string", "minLength": 1, "maxLength": 2_000}), "The subject.", "邮件主题。"),
            "body": with(json!({"type": "string", "maxLength": 5_000_000}), "The text.", "邮件正文。"),
            "html": with(
                json!({"anyOf": [{"type": "boolean"}, {"type": "string", "maxLength": 5_000_000}], "default": false}),
                "true: the body is HTML. A text: the HTML version, with the body as the plain text version.",
                "true 表示正文为 HTML；也可填写 HTML 文本，此时 body 作为纯文本版本一并发送。"),
            "cc": with(addresses(), "The recipients of a copy.", "抄送。"),
            "bcc": with(addresses(), "The recipients of a blind copy, hidden from the others.", "密送。"),
            "reply_to": with(addresses(), "The address for replies.", "回复地址。"),
            "from": with(
                json!({"type": "string", "minLength": 1, "maxLength": 1_000}),
                "The sender; by default the one in the mail server's settings.",
                "发件人，默认取邮件服务器配置中的发件人。"),
            "attachments": with(
                json!({"type": "array", "maxItems": 50, "items": Attachment::schema()}),
                "Files, texts, or results of other tasks, at most 25 MiB in total.",
                "附件：文件、文本或其他任务的结果，合计不超过 25 MiB。"),
            "smtp": with(
                json!({"type": "string", "minLength": 1, "maxLength": 64, "x-field": "smtp"}),
                "The mail server: the name of a section [smtp.<name>] of the settings. Not needed if there is only one.",
                "使用的邮件服务器：配置中 [smtp.<名称>] 的名称，只有一个时可省略。"),
        },
    })
}
