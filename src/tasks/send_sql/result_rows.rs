//! Rows of a result set as JSON, up to a limit.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tokio::sync::mpsc::Receiver;

use crate::tasks::sql::session::{Column, Event};

/// Maximum size of the rows kept, in bytes of JSON, regardless of `max_rows`, because results are stored in the database.
const BYTES_MAX: usize = 768 * 1024;

/// The last result set.
pub(super) struct ResultRows {
    max_rows: usize,
    columns: Arc<[Column]>,
    rows: Vec<Value>,
    bytes: usize,
    /// The number of all rows, including those over the limit.
    pub row_count: u64,
}

impl ResultRows {
    pub fn new(max_rows: usize) -> Self {
        Self { max_rows, columns: Arc::default(), rows: Vec::new(), bytes: 0, row_count: 0 }
    }

    /// Receives the rows of one statement; returns their number. Rows over the limit are read and dropped, so that the statement
    /// completes.
    pub async fn take(&mut self, mut events: Receiver<Event>) -> u64 {
        let before = self.row_count;
        let mut fresh = false;
        while let Some(event) = events.recv().await {
            match event {
                Event::Columns(columns) => {
                    (self.columns, self.bytes, self.row_count, fresh) = (columns, 0, 0, true);
                    self.rows.clear();
                }
                Event::Row(row) => {
                    self.row_count += 1;
                    self.keep(Value::Array(row.iter().map(|cell| cell.to_json()).collect()));
                }
            }
        }
        if fresh { self.row_count } else { self.row_count - before }
    }

    fn keep(&mut self, row: Value) {
        if self.rows.len() >= self.max_rows || self.bytes > BYTES_MAX {
            return;
        }
        let size = row.to_string().len();
        if self.bytes + size <= BYTES_MAX {
            self.rows.push(row);
        }
        self.bytes += size;
    }

    /// The first value of the first row; null if there are no rows.
    pub fn value(&self) -> Value {
        self.rows.first().and_then(|row| row.get(0)).cloned().unwrap_or_default()
    }

    pub fn into_members(self) -> Map<String, Value> {
        let truncated = self.rows.len() as u64 != self.row_count;
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        let kinds: Vec<&str> = self.columns.iter().map(|column| column.kind.as_str()).collect();
        let members =
            json!({"columns": names, "types": kinds, "rows": self.rows, "row_count": self.row_count, "truncated": truncated});
        match members {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }
}
