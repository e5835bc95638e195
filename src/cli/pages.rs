//! Lists that come page by page, read as far as is asked for.

use clap::Args;
use serde_json::Value;

use super::Failure;
use super::call::{Call, Caller};
use super::look::Look;

/// Rows asked for at once.
const PAGE: usize = 200;

/// How many rows to show.
#[derive(Debug, Args)]
pub(super) struct Limit {
    /// How many rows at most.
    #[arg(long, short = 'n', value_name = "ROWS", default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
    /// All rows there are.
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

impl Limit {
    /// Reads a list from its first page on. The answer is that of the API, with the rows of all pages that were read.
    ///
    /// # Errors
    /// As the call.
    pub(super) async fn read(&self, caller: &Caller, look: &Look, call: &Call) -> Result<Value, Failure> {
        let wanted = if self.all { usize::MAX } else { self.limit as usize };
        let mut list = caller.json(call.clone().query("page_size", wanted.min(PAGE)), look).await?;
        loop {
            let have = list["items"].as_array().map_or(0, Vec::len);
            let Some(cursor) = list["next_cursor"].as_str().filter(|_| have < wanted) else { return Ok(list) };
            let page = call.clone().query("page_size", (wanted - have).min(PAGE)).query("cursor", cursor);
            let mut next = caller.json(page, look).await?;
            if let (Some(items), Some(more)) = (list["items"].as_array_mut(), next["items"].as_array_mut()) {
                items.append(more);
            }
            list["next_cursor"] = next["next_cursor"].take();
        }
    }
}

/// The rows of a list.
pub(super) fn items(list: &Value) -> &[Value] {
    list["items"].as_array().map_or(&[], Vec::as_slice)
}

/// Says below a table that there are more rows, on the error stream, where they are in nobody's way.
pub(super) fn note_more(list: &Value, look: &Look) {
    if list["next_cursor"].is_string() && !look.is_json() {
        let shown = items(list).len().to_string();
        let total = list["total"].to_string();
        let key = if list["total_is_exact"] == Value::Bool(false) { "list.more_at_least" } else { "list.more" };
        look.note(&look.fill(key, &[("shown", &shown), ("total", &total)]));
    }
}
