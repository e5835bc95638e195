//! The audit as a file: all that a filter lets through, written while it is read, page by page, so that its length costs no
//! memory.

use chrono::SecondsFormat;
use futures_util::stream::{self, Stream};
use serde_json::{Value, json};

use super::{Result, Service, allow};
use crate::domain::audit::{AuditFilter, Entry};
use crate::domain::csv;
use crate::domain::page::{Cursor, Direction, MAX_PAGE_SIZE, PageRequest};
use crate::domain::user::{Action, Actor};

/// The form of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditFormat {
    /// One line an entry, in a form that spreadsheets open.
    Csv,
    /// One JSON object a line.
    JsonLines,
}

impl AuditFormat {
    pub const ALL: [AuditFormat; 2] = [AuditFormat::Csv, AuditFormat::JsonLines];

    pub fn parse(name: &str) -> Option<AuditFormat> {
        AuditFormat::ALL.into_iter().find(|format| format.extension() == name)
    }

    /// Its name, which is that of such files' ends too.
    pub fn extension(self) -> &'static str {
        match self {
            AuditFormat::Csv => "csv",
            AuditFormat::JsonLines => "jsonl",
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            AuditFormat::Csv => "text/csv; charset=utf-8",
            AuditFormat::JsonLines => "application/jsonl",
        }
    }

    fn row(self, entry: &Entry) -> String {
        let row = row(entry);
        match self {
            AuditFormat::Csv => csv::line(COLUMNS.iter().map(|column| &row[*column])),
            AuditFormat::JsonLines => format!("{row}\n"),
        }
    }
}

/// The columns, by the names that the JSON API has for them.
const COLUMNS: [&str; 9] = ["id", "at", "actor", "via", "address", "action", "target", "before", "after"];

fn row(entry: &Entry) -> Value {
    json!({
        "id": entry.id, "at": entry.at.to_rfc3339_opts(SecondsFormat::Millis, false), "actor": entry.actor,
        "via": entry.via.as_str(), "address": entry.address, "action": entry.action.as_str(), "target": entry.target,
        "before": entry.before, "after": entry.after,
    })
}

/// Where the writing stands.
struct Writer {
    service: Service,
    actor: Actor,
    filter: AuditFilter,
    format: AuditFormat,
    after: Option<Cursor>,
    ended: bool,
}

impl Service {
    /// The audit as a file, in pieces, newest entry first. A piece that cannot be read ends it with an error, so that the file
    /// is seen to be cut off.
    ///
    /// # Errors
    /// [`super::Error::Forbidden`].
    pub fn audit_file(
        &self,
        actor: &Actor,
        filter: AuditFilter,
        format: AuditFormat,
    ) -> Result<impl Stream<Item = std::io::Result<String>> + Send + 'static> {
        allow(actor, Action::Administer)?;
        let writer = Writer { service: self.clone(), actor: actor.clone(), filter, format, after: None, ended: false };
        Ok(stream::unfold(writer, |mut writer| async move {
            if writer.ended {
                return None;
            }
            let piece = writer.piece().await.map_err(|error| {
                tracing::error!(error = &error as &dyn std::error::Error, "an export of the audit broke off");
                writer.ended = true;
                std::io::Error::other("the audit cannot be read")
            });
            Some((piece, writer))
        }))
    }
}

impl Writer {
    async fn piece(&mut self) -> Result<String> {
        let begins = self.after.is_none();
        let page = PageRequest { size: MAX_PAGE_SIZE, cursor: self.after.take() };
        let entries = self.service.audit_only(&self.actor, &self.filter, &page).await?;
        let mut text = if begins && self.format == AuditFormat::Csv { csv::head(&COLUMNS) } else { String::new() };
        entries.iter().for_each(|entry| text.push_str(&self.format.row(entry)));
        self.ended = entries.len() < MAX_PAGE_SIZE as usize;
        self.after = entries.last().map(|entry| Cursor { direction: Direction::Next, key: None, id: entry.id.clone() });
        Ok(text)
    }
}
