//! Reading of paginated lists.

use clap::Args;
use serde_json::Value;

use super::Failure;
use super::call::{ApiClient, Call};
use super::output_options::OutputOptions;

/// Rows per request.
const PAGE: usize = 200;

/// How many rows to print.
#[derive(Debug, Args)]
pub(super) struct Limit {
    /// The maximum number of rows.
    #[arg(long, short = 'n', value_name = "ROWS", default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
    /// All rows.
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

impl Limit {
    /// Reads a list from its first page. Returns the API's response with the rows of all pages read.
    pub(super) async fn read(&self, client: &ApiClient, output: &OutputOptions, call: &Call) -> Result<Value, Failure> {
        let wanted = if self.all { usize::MAX } else { self.limit as usize };
        let mut list = client.json(call.clone().query("page_size", wanted.min(PAGE)), output).await?;
        loop {
            let have = list["items"].as_array().map_or(0, Vec::len);
            let Some(cursor) = list["next_cursor"].as_str().filter(|_| have < wanted) else { return Ok(list) };
            let page = call.clone().query("page_size", (wanted - have).min(PAGE)).query("cursor", cursor);
            let mut next = client.json(page, output).await?;
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

/// Prints a note on standard error if there are more rows.
pub(super) fn note_more(list: &Value, output: &OutputOptions) {
    if list["next_cursor"].is_string() && !output.is_json() {
        let shown = items(list).len().to_string();
        let total = list["total"].to_string();
        let key = if list["total_is_exact"] == Value::Bool(false) { "list.more_at_least" } else { "list.more" };
        output.note(&output.fill(key, &[("shown", &shown), ("total", &total)]));
    }
}
