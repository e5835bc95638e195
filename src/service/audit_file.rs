//! Audit export: streams all entries that match a filter, page by page, with constant memory.

use chrono::SecondsFormat;
use futures_util::stream::{self, Stream};
use serde_json::{Map, Value, json};

use super::audit::AuditService;
use super::search::check_search;
use super::{Result, allow};
use crate::domain::audit::{AuditFilter, Entry};
use crate::domain::csv;
use crate::domain::page::{Cursor, Direction, MAX_PAGE_SIZE, PageRequest};
use crate::domain::text_enum::text_enum;
use crate::domain::user::{Action, Actor};

text_enum! {
    /// The file format of an export; its name is also the file extension.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum AuditFormat {
        /// One row per entry.
        Csv = "csv",
        /// One JSON object per line.
        JsonLines = "jsonl",
    }
}

impl AuditFormat {
    pub fn media_type(self) -> &'static str {
        match self {
            AuditFormat::Csv => "text/csv; charset=utf-8",
            AuditFormat::JsonLines => "application/jsonl",
        }
    }

    fn row(self, entry: &Entry) -> String {
        let fields = COLUMNS.iter().map(|(name, value)| (*name, value(entry)));
        match self {
            AuditFormat::Csv => csv::row(fields.map(|(_, value)| csv::text(&value).into_owned())),
            AuditFormat::JsonLines => {
                let row: Map<String, Value> = fields.map(|(name, value)| (name.to_owned(), value)).collect();
                format!("{}\n", Value::Object(row))
            }
        }
    }
}

type Column = (&'static str, fn(&Entry) -> Value);

/// The columns, named as in the JSON API, with their values.
const COLUMNS: [Column; 9] = [
    ("id", |entry| json!(entry.id)),
    ("at", |entry| json!(entry.at.to_rfc3339_opts(SecondsFormat::Millis, false))),
    ("actor", |entry| json!(entry.actor)),
    ("via", |entry| json!(entry.via.as_str())),
    ("address", |entry| json!(entry.address)),
    ("action", |entry| json!(entry.action.as_str())),
    ("target", |entry| json!(entry.target)),
    ("before", |entry| json!(entry.before)),
    ("after", |entry| json!(entry.after)),
];

/// The state of an export.
struct Writer {
    audit: AuditService,
    actor: Actor,
    filter: AuditFilter,
    format: AuditFormat,
    after: Option<Cursor>,
    ended: bool,
}

impl AuditService {
    /// The audit log as a file, in chunks, newest entry first. A failed read ends the stream with an error, so that the client
    /// notices the truncation.
    pub fn file(
        &self,
        actor: &Actor,
        filter: AuditFilter,
        format: AuditFormat,
    ) -> Result<impl Stream<Item = std::io::Result<String>> + Send + 'static> {
        allow(actor, Action::Administer)?;
        check_search(filter.search.as_deref())?;
        let writer = Writer { audit: self.clone(), actor: actor.clone(), filter, format, after: None, ended: false };
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
        let entries = self.audit.list_without_total(&self.actor, &self.filter, &page).await?;
        let mut text =
            if begins && self.format == AuditFormat::Csv { csv::header(COLUMNS.map(|(name, _)| name)) } else { String::new() };
        entries.iter().for_each(|entry| text.push_str(&self.format.row(entry)));
        self.ended = entries.len() < MAX_PAGE_SIZE as usize;
        self.after = entries.last().map(|entry| Cursor { direction: Direction::Next, key: None, id: entry.id.clone() });
        Ok(text)
    }
}
