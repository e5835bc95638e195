//! Audit export: streams all entries that match a filter, page by page, with constant memory.

use chrono::SecondsFormat;
use futures_util::stream::{self, Stream};
use serde_json::{Value, json};

use super::{Result, Service, allow};
use crate::domain::audit::{AuditFilter, Entry};
use crate::domain::csv;
use crate::domain::page::{Cursor, Direction, MAX_PAGE_SIZE, PageRequest};
use crate::domain::user::{Action, Actor};

/// The file format of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditFormat {
    /// One row per entry.
    Csv,
    /// One JSON object per line.
    JsonLines,
}

impl AuditFormat {
    pub const ALL: [AuditFormat; 2] = [AuditFormat::Csv, AuditFormat::JsonLines];

    pub fn parse(name: &str) -> Option<AuditFormat> {
        AuditFormat::ALL.into_iter().find(|format| format.extension() == name)
    }

    /// The format's name, which is also the file extension.
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
            AuditFormat::Csv => csv::row(COLUMNS.iter().map(|column| &row[*column])),
            AuditFormat::JsonLines => format!("{row}\n"),
        }
    }
}

/// The columns, named as in the JSON API.
const COLUMNS: [&str; 9] = ["id", "at", "actor", "via", "address", "action", "target", "before", "after"];

fn row(entry: &Entry) -> Value {
    json!({
        "id": entry.id, "at": entry.at.to_rfc3339_opts(SecondsFormat::Millis, false), "actor": entry.actor,
        "via": entry.via.as_str(), "address": entry.address, "action": entry.action.as_str(), "target": entry.target,
        "before": entry.before, "after": entry.after,
    })
}

/// The state of an export.
struct Writer {
    service: Service,
    actor: Actor,
    filter: AuditFilter,
    format: AuditFormat,
    after: Option<Cursor>,
    ended: bool,
}

impl Service {
    /// The audit log as a file, in chunks, newest entry first. A failed read ends the stream with an error, so that the client
    /// notices the truncation.
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
            let chunk = writer.chunk().await.map_err(|error| {
                tracing::error!(error = &error as &dyn std::error::Error, "failed to export the audit log");
                writer.ended = true;
                std::io::Error::other("failed to read the audit log")
            });
            Some((chunk, writer))
        }))
    }
}

impl Writer {
    async fn chunk(&mut self) -> Result<String> {
        let begins = self.after.is_none();
        let page = PageRequest { size: MAX_PAGE_SIZE, cursor: self.after.take() };
        let entries = self.service.audit_without_total(&self.actor, &self.filter, &page).await?;
        let mut text = if begins && self.format == AuditFormat::Csv { csv::header(&COLUMNS) } else { String::new() };
        entries.iter().for_each(|entry| text.push_str(&self.format.row(entry)));
        self.ended = entries.len() < MAX_PAGE_SIZE as usize;
        self.after = entries.last().map(|entry| Cursor { direction: Direction::Next, key: None, id: entry.id.clone() });
        Ok(text)
    }
}
