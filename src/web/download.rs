//! Executions as a file: all that a filter lets through, written while it is read, page by page, so that a million rows
//! take no more memory than a few hundred.

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use futures_util::stream::{self, Stream};
use serde_json::{Value, json};

use crate::domain::csv;
use crate::domain::execution::Execution;
use crate::domain::page::{Cursor, Direction, ExecutionFilter, MAX_PAGE_SIZE, PageRequest};
use crate::domain::user::Actor;
use crate::service::{Result, Service};

/// The form of the file.
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

    fn open(self) -> String {
        match self {
            Format::Csv => csv::head(&COLUMNS),
            Format::Json => "[".to_owned(),
        }
    }

    fn close(self) -> &'static str {
        if self == Format::Json { "\n]\n" } else { "" }
    }

    fn row(self, execution: &Execution, zone: Tz, first: bool) -> String {
        let row = row(execution, zone);
        match self {
            Format::Csv => csv::line(COLUMNS.iter().map(|column| &row[*column])),
            Format::Json => format!("{}\n{row}", if first { "" } else { "," }),
        }
    }
}

/// The columns, by the names that the JSON API has for them.
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

/// Where the writing stands.
struct Writer {
    service: Service,
    actor: Actor,
    filter: ExecutionFilter,
    format: Format,
    /// Behind the row with this id; `None` at the begin.
    after: Option<String>,
    ended: bool,
}

/// The file in pieces, newest execution first. A piece that cannot be read ends the stream with an error, so that the file is
/// seen to be cut off.
pub fn file(
    service: Service,
    actor: Actor,
    filter: ExecutionFilter,
    format: Format,
) -> impl Stream<Item = std::io::Result<String>> + Send + 'static {
    let writer = Writer { service, actor, filter, format, after: None, ended: false };
    stream::unfold(writer, |mut writer| async move {
        if writer.ended {
            return None;
        }
        let piece = writer.piece().await.map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "a download broke off");
            writer.ended = true;
            std::io::Error::other("the executions cannot be read")
        });
        Some((piece, writer))
    })
}

impl Writer {
    async fn piece(&mut self) -> Result<String> {
        let cursor = self.after.clone().map(|id| Cursor { direction: Direction::Next, key: None, id });
        let page = PageRequest { size: MAX_PAGE_SIZE, cursor };
        let rows = self.service.executions_only(&self.actor, &self.filter, &page).await?;
        let mut text = if self.after.is_none() { self.format.open() } else { String::new() };
        for (place, execution) in rows.iter().enumerate() {
            let first = self.after.is_none() && place == 0;
            text.push_str(&self.format.row(execution, self.service.zone(), first));
        }
        self.ended = rows.len() < MAX_PAGE_SIZE as usize;
        if self.ended {
            text.push_str(self.format.close());
        }
        self.after = rows.last().map(|execution| execution.id.clone()).or_else(|| self.after.take());
        Ok(text)
    }
}
