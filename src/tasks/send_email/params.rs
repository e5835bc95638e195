//! What `send_email` takes.

use lettre::message::Mailbox;
use serde::Deserialize;
use serde_json::{Value, json};

use super::address::mailboxes;
use super::attachment::Attachment;
use crate::domain::fault::Fault;
use crate::tasks::Stage;

/// The most recipients of one mail; mail servers refuse more than that anyway.
const RECIPIENTS_MAX: usize = 500;

/// The parameters, read.
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
    /// The reader's program shows the one it prefers.
    Both {
        plain: String,
        html: String,
    },
}

/// As given.
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
#[serde(untagged, expecting = "to, cc, bcc and reply_to take an address or a list of addresses")]
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
    /// Reads parameters that fit the schema.
    ///
    /// # Errors
    /// What the schema cannot say.
    pub fn read(params: &Value, stage: Stage) -> Result<Params, Vec<Fault>> {
        let raw: Raw = serde_json::from_value(params.clone()).map_err(|error| vec![Fault::new("", error.to_string())])?;
        let mut faults = Vec::new();
        let params = Params {
            to: addresses("to", &raw.to, stage, &mut faults),
            cc: addresses("cc", &raw.cc, stage, &mut faults),
            bcc: addresses("bcc", &raw.bcc, stage, &mut faults),
            reply_to: addresses("reply_to", &raw.reply_to, stage, &mut faults),
            from: raw.from.and_then(|from| sender(&from, stage, &mut faults)),
            title: title(raw.title, stage, &mut faults),
            body: Body::of(raw.body, raw.html),
            attachments: Attachment::read_all(raw.attachments, stage, &mut faults),
            smtp: raw.smtp,
        };
        let recipients = params.to.len() + params.cc.len() + params.bcc.len();
        if recipients > RECIPIENTS_MAX {
            faults.push(Fault::new("/to", format!("to: {recipients} recipients with cc and bcc; at most {RECIPIENTS_MAX}")));
        }
        if faults.is_empty() { Ok(params) } else { Err(faults) }
    }
}

impl Body {
    fn of(body: String, html: Option<Html>) -> Body {
        // A carriage return that stands alone has no place in a mail; servers differ in what they take it for.
        let in_lines = |text: String| if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text };
        let body = in_lines(body);
        match html {
            None | Some(Html::Whether(false)) => Body::Plain(body),
            Some(Html::Whether(true)) => Body::Html(body),
            Some(Html::Text(html)) => Body::Both { plain: body, html: in_lines(html) },
        }
    }
}

fn addresses(name: &str, given: &Addresses, stage: Stage, faults: &mut Vec<Fault>) -> Vec<Mailbox> {
    let texts: Vec<(String, &String)> = match given {
        Addresses::One(text) => vec![(format!("/{name}"), text)],
        Addresses::Many(texts) => texts.iter().enumerate().map(|(n, text)| (format!("/{name}/{n}"), text)).collect(),
    };
    let mut found = Vec::new();
    for (pointer, text) in texts.into_iter().filter(|(_, text)| stage.knows(text)) {
        match mailboxes(text) {
            Ok(some) => found.extend(some),
            Err(message) => faults.push(Fault::new(pointer, format!("{name}: {message}"))),
        }
    }
    found
}

fn sender(text: &str, stage: Stage, faults: &mut Vec<Fault>) -> Option<Mailbox> {
    if !stage.knows(text) {
        return None;
    }
    let read = mailboxes(text).and_then(|mut some| match some.len() {
        1 => Ok(some.remove(0)),
        several => Err(format!("{several} addresses; a mail has one sender")),
    });
    read.map_err(|message| faults.push(Fault::new("/from", format!("from: {message}")))).ok()
}

/// A line break in a title would begin another header.
fn title(text: String, stage: Stage, faults: &mut Vec<Fault>) -> String {
    if stage.knows(&text) && text.contains(char::is_control) {
        faults.push(Fault::new("/title", "title: must be one line without control characters"));
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
        json!({"anyOf": [address, {"type": "array", "maxItems": RECIPIENTS_MAX, "items": address}]})
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
                "Who gets it: an address, or a list. A name may stand in front: Wang Wei <wei@example.com>.",
                "收件人：一个地址或地址列表，可带姓名，如 王伟 <wei@example.com>。"),
            "title": with(json!({"type": "string", "minLength": 1, "maxLength": 2_000}), "The subject.", "邮件主题。"),
            "body": with(json!({"type": "string", "maxLength": 5_000_000}), "The text.", "邮件正文。"),
            "html": with(
                json!({"anyOf": [{"type": "boolean"}, {"type": "string", "maxLength": 5_000_000}], "default": false}),
                "true: the body is HTML. A text: this is the HTML version, and the body is what plain readers show.",
                "true 表示正文为 HTML；也可填写 HTML 文本，此时 body 作为纯文本版本一并发送。"),
            "cc": with(addresses(), "Who gets a copy.", "抄送。"),
            "bcc": with(addresses(), "Who gets a copy that the others do not see.", "密送。"),
            "reply_to": with(addresses(), "Where answers go.", "回复地址。"),
            "from": with(
                json!({"type": "string", "minLength": 1, "maxLength": 1_000}),
                "The sender; by default that of the mail server's settings.",
                "发件人，默认取邮件服务器配置中的发件人。"),
            "attachments": with(
                json!({"type": "array", "maxItems": 50, "items": Attachment::schema()}),
                "Files, texts, or results of other tasks. All together 25 MiB at most.",
                "附件：文件、文本或其他任务的结果，合计不超过 25 MiB。"),
            "smtp": with(
                json!({"type": "string", "minLength": 1, "maxLength": 64}),
                "The mail server: the name of a section [smtp.<name>] of the settings. Not needed where there is only one.",
                "使用的邮件服务器：配置中 [smtp.<名称>] 的名称，只有一个时可省略。"),
        },
    })
}
