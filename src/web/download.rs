//! Download of filtered executions as CSV or JSON, streamed page by page so that memory does not grow with the row count.

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use futures_util::stream::{self, Stream};
use serde_json::{Map, Value, json};

use crate::domain::csv;
use crate::domain::execution::Execution;
use crate::domain::page::{Cursor, Direction, ExecutionFilter, MAX_PAGE_SIZE, PageRequest};
use crate::domain::text_enum::text_enum;
use crate::domain::user::Actor;
use crate::service::{ExecutionService, Result, Services};

text_enum! {
    /// The file format; its name is also the file extension.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Format {
        Csv = "csv",
        Json = "json",
    }
}

impl Format {
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8",
            Format::Json => "application/json",
        }
    }

    fn header(self) -> String {
        match self {
            Format::Csv => csv::header(COLUMNS.map(|(name, _)| name)),
            Format::Json => "[".to_owned(),
        }
    }

    fn footer(self) -> &'static str {
        if self == Format::Json { "\n]\n" } else { "" }
    }

    fn row(self, execution: &Execution, zone: Tz, first: bool) -> String {
        let fields = COLUMNS.iter().map(|(name, value)| (*name, value(execution, zone)));
        match self {
            Format::Csv => csv::row(fields.map(|(_, value)| csv::text(&value).into_owned())),
            Format::Json => {
                let row: Map<String, Value> = fields.map(|(name, value)| (name.to_owned(), value)).collect();
                format!("{}\n{}", if first { "" } else { "," }, Value::Object(row))
            }
        }
    }
}

type Column = (&'static str, fn(&Execution, Tz) -> Value);

/// The columns, named as in the JSON API, with their values.
const COLUMNS: [Column; 17] = [
    ("id", |e, _| json!(e.id)),
    ("task_id", |e, _| json!(e.task_id)),
    ("task_type", |e, _| json!(e.task_type)),
    ("status", |e, _| json!(e.status.as_str())),
    ("cause", |e, _| json!(e.cause.as_str())),
    ("schedule_text", |e, _| json!(e.schedule_text)),
    ("scheduled_at", |e, zone| time(e.scheduled_at, zone)),
    ("queued_at", |e, zone| time(e.queued_at, zone)),
    ("started_at", |e, zone| e.started_at.map_or(Value::Null, |at| time(at, zone))),
    ("finished_at", |e, zone| e.finished_at.map_or(Value::Null, |at| time(at, zone))),
    ("lateness_ms", |e, _| json!(e.lateness_ms)),
    ("duration_ms", |e, _| json!(e.duration_ms)),
    ("attempt", |e, _| json!(e.attempt)),
    ("node", |e, _| json!(e.node)),
    ("requested_by", |e, _| json!(e.requested_by)),
    ("error", |e, _| json!(e.error)),
    ("params", |e, _| e.params.clone()),
];

fn time(at: DateTime<Utc>, zone: Tz) -> Value {
    json!(at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Millis, false))
}

/// State of the stream.
struct Writer {
    executions: ExecutionService,
    zone: Tz,
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
    services: &Services,
    actor: Actor,
    filter: ExecutionFilter,
    format: Format,
) -> impl Stream<Item = std::io::Result<String>> + Send + use<> {
    let writer = Writer {
        executions: services.executions.clone(),
        zone: services.zone,
        actor,
        filter,
        format,
        after: None,
        finished: false,
    };
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
        let rows = self.executions.list_without_total(&self.actor, &self.filter, &page).await?;
        let mut text = if self.after.is_none() { self.format.header() } else { String::new() };
        for (index, execution) in rows.iter().enumerate() {
            let first = self.after.is_none() && index == 0;
            text.push_str(&self.format.row(execution, self.zone, first));
        }
        self.finished = rows.len() < MAX_PAGE_SIZE as usize;
        if self.finished {
            text.push_str(self.format.footer());
        }
        self.after = rows.last().map(|execution| execution.id.clone()).or_else(|| self.after.take());
        Ok(text)
    }
}
