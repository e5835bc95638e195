//! Mail message: builds the bytes to send from headers, text and attachments.

use std::collections::HashSet;
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use lettre::message::header::{ContentDisposition, ContentTransferEncoding};
use lettre::message::{Body as Encoded, Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};

use super::attachment::Content;
use super::header::{AutoSubmitted, NamedContentType, Subject, address_list};
use super::params::{Body, Params};
use crate::i18n::message;
use crate::tasks::RunError;

/// A mail that is ready to be sent.
#[derive(Debug)]
pub(super) struct Mail {
    pub id: String,
    pub from: Address,
    /// All recipients (to, cc and bcc), without duplicates.
    pub recipients: Vec<Address>,
    pub bytes: Vec<u8>,
}

impl Mail {
    /// Builds the mail. Its message ID is derived from the execution's ID, so that a repeated delivery can be recognised.
    pub fn build(
        params: Params,
        from: Mailbox,
        attachments: Vec<Content>,
        execution_id: &str,
        now: DateTime<Utc>,
    ) -> Result<Mail, RunError> {
        let id = format!("<{execution_id}@{}>", from.email.domain());
        let sender = from.email.clone();
        let recipients = recipients(&params);
        let mut builder = Message::builder()
            .message_id(Some(id.clone()))
            .date(SystemTime::from(now))
            .from(from)
            .header(Subject(params.title))
            .header(AutoSubmitted);
        for (name, mailboxes) in [("To", &params.to), ("Cc", &params.cc), ("Reply-To", &params.reply_to)] {
            if !mailboxes.is_empty() {
                builder = builder.raw_header(address_list(name, mailboxes));
            }
        }
        // The envelope is set explicitly, because a mail may have bcc recipients only.
        let envelope = lettre::address::Envelope::new(Some(sender.clone()), recipients.clone());
        let builder = builder.envelope(envelope.map_err(|error| build_error(&error))?);
        let message = match (params.body, attachments.is_empty()) {
            (Body::Plain(text), true) => builder.singlepart(SinglePart::plain(text)),
            (Body::Html(html), true) => builder.singlepart(SinglePart::html(html)),
            (Body::Both { plain, html }, true) => builder.multipart(MultiPart::alternative_plain_html(plain, html)),
            (body, false) => builder.multipart(mixed(body, attachments)?),
        };
        Ok(Mail { id, from: sender, recipients, bytes: message.map_err(|error| build_error(&error))?.formatted() })
    }
}

fn build_error(error: &dyn std::fmt::Display) -> RunError {
    RunError::fail(message!("mail.build_failed", error = error.to_string()))
}

fn recipients(params: &Params) -> Vec<Address> {
    let mut seen = HashSet::new();
    let all = params.to.iter().chain(&params.cc).chain(&params.bcc);
    // Servers may tell user names of different case apart.
    let key = |address: &Address| format!("{}@{}", address.user(), address.domain().to_lowercase());
    all.map(|mailbox| mailbox.email.clone()).filter(|address| seen.insert(key(address))).collect()
}

fn mixed(body: Body, attachments: Vec<Content>) -> Result<MultiPart, RunError> {
    let mixed = MultiPart::mixed();
    let mut parts = match body {
        Body::Plain(text) => mixed.singlepart(SinglePart::plain(text)),
        Body::Html(html) => mixed.singlepart(SinglePart::html(html)),
        Body::Both { plain, html } => mixed.multipart(MultiPart::alternative_plain_html(plain, html)),
    };
    for content in attachments {
        let kind = NamedContentType { media_type: media_type(&content.name), name: content.name.clone() };
        // Base64 keeps every byte, line ends too.
        let encoded = Encoded::new_with_encoding(content.bytes, ContentTransferEncoding::Base64);
        let encoded = encoded.map_err(|_| RunError::fail(message!("mail.attachment_encoding")))?;
        let part = SinglePart::builder().header(kind).header(ContentDisposition::attachment(&content.name)).body(encoded);
        parts = parts.singlepart(part);
    }
    Ok(parts)
}

/// The media type of a file, by its extension.
fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase()).as_deref() {
        Some("csv") => "text/csv; charset=utf-8",
        Some("txt" | "log" | "md") => "text/plain; charset=utf-8",
        Some("htm" | "html") => "text/html; charset=utf-8",
        Some("json") => "application/json",
        Some("xml") => "application/xml",
        Some("pdf") => "application/pdf",
        Some("zip") => "application/zip",
        Some("gz" | "tgz") => "application/gzip",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("svg") => "image/svg+xml",
        Some("docx") => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        Some("xlsx") => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        Some("pptx") => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        _ => "application/octet-stream",
    }
}
