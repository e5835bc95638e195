//! Download of filtered executions as CSV or JSON, streamed page by page so that memory does not grow with the row count.

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use futures_util::stream::{self, Stream};
use serde_json::{Value, json};

use crate::domain::csv;
use crate::domain::execution::Execution;
use crate::domain::page::{Cursor, Direction, ExecutionFilter, MAX_PAGE_SIZE, PageRequest};
use crate::domain::user::Actor;
use crate::service::{Result, Service};

/// The file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Csv,
    Json,
}

impl Format {
    pub fn parse(name: &str) -> Option<Format> {
        [Format::Csv, Format::Json].into_iter().find(|format| format.extension() == name)
    }

    pub fn extension(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Json => "json",
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8",
            Format::Json => "application/json",
        }
    }

    fn header(self) -> String {
        match self {
            Format::Csv => csv::header(&COLUMNS),
            Format::Json => "[".to_owned(),
        }
    }

    fn footer(self) -> &'static str {
        if self == Format::Json { "\n]\n" } else { "" }
    }

    fn row(self, execution: &Execution, zone: Tz, first: bool) -> String {
        let row = row(execution, zone);
        match self {
            Format::Csv => csv::row(COLUMNS.iter().map(|column| &row[*column])),
            Format::Json => format!("{}\n{row}", if first { "" } else { "," }),
        }
    }
}

/// The columns, named as in the JSON API.
const COLUMNS: [&str; 17] = [
    "id",
    "task_id",
    "task_type",
    "status",
    "cause",
    "schedule_text",
    "scheduled_at",
    "queued_at",
    "started_at",
    "finished_at",
    "lateness_ms",
    "duration_ms",
    "attempt",
    "node",
    "requested_by",
    "error",
    "params",
];

fn row(e: &Execution, zone: Tz) -> Value {
    let at = |at: DateTime<Utc>| at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Millis, false);
    json!({
        "id": e.id, "task_id": e.task_id, "task_type": e.task_type, "status": e.status.as_str(), "cause": e.cause.as_str(),
        "schedule_text": e.schedule_text, "scheduled_at": at(e.scheduled_at), "queued_at": at(e.queued_at),
        "started_at": e.started_at.map(at), "finished_at": e.finished_at.map(at), "lateness_ms": e.lateness_ms,
        "duration_ms": e.duration_ms, "attempt": e.attempt, "node": e.node, "requested_by": e.requested_by, "error": e.error,
        "params": e.params,
    })
}

/// State of the stream.
struct Writer {
    service: Service,
    actor: Actor,
    filter: ExecutionFilter,
    format: Format,
    /// The id of the last row written; `None` at the start.
    after: Option<String>,
    finished: bool,
}

/// Streams the file, newest execution first. A read error ends the stream with an error, so that the client sees an
/// incomplete download.
pub fn file(
    service: Service,
    actor: Actor,
    filter: ExecutionFilter,
    format: Format,
) -> impl Stream<Item = std::io::Result<String>> + Send + 'static {
    let writer = Writer { service, actor, filter, format, after: None, finished: false };
    stream::unfold(writer, |mut writer| async move {
        if writer.finished {
            return None;
        }
        let chunk = writer.next_chunk().await.map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "failed to read executions; aborting the download");
            writer.finished = true;
            std::io::Error::other("failed to read executions")
        });
        Some((chunk, writer))
    })
}

impl Writer {
    async fn next_chunk(&mut self) -> Result<String> {
        let cursor = self.after.clone().map(|id| Cursor { direction: Direction::Next, key: None, id });
        let page = PageRequest { size: MAX_PAGE_SIZE, cursor };
        let rows = self.service.executions_without_total(&self.actor, &self.filter, &page).await?;
        let mut text = if self.after.is_none() { self.format.header() } else { String::new() };
        for (index, execution) in rows.iter().enumerate() {
            let first = self.after.is_none() && index == 0;
            text.push_str(&self.format.row(execution, self.service.zone(), first));
        }
        self.finished = rows.len() < MAX_PAGE_SIZE as usize;
        if self.finished {
            text.push_str(self.format.footer());
        }
        self.after = rows.last().map(|execution| execution.id.clone()).or_else(|| self.after.take());
        Ok(text)
    }
}
