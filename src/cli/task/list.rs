//! `belfry task list`: lists tasks.

use clap::Args;
use serde_json::Value;

use crate::cli::Failure;
use crate::cli::call::{ApiClient, Call};
use crate::cli::output_options::{OutputOptions, Tone, text, timestamp};
use crate::cli::pages::{Limit, items, note_more};
use crate::cli::table::{Cell, Table};

/// List tasks.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Part of the id, the name, the description or a tag.
    search: Option<String>,
    /// Only tasks of this type.
    #[arg(long = "type", value_name = "TYPE")]
    task_type: Option<String>,
    /// Only tasks whose last run has this status, such as failed.
    #[arg(long)]
    status: Option<String>,
    /// Only tasks with this tag.
    #[arg(long)]
    tag: Option<String>,
    /// Only tasks that are enabled.
    #[arg(long)]
    enabled: bool,
    /// Only tasks that are paused.
    #[arg(long, conflicts_with = "enabled")]
    paused: bool,
    /// id, name, next_run_at and others; a leading - reverses the order.
    #[arg(long, value_name = "FIELD", allow_hyphen_values = true)]
    sort: Option<String>,
    #[command(flatten)]
    limit: Limit,
}

impl List {
    pub(super) async fn run(self, client: &ApiClient, output: &OutputOptions) -> Result<(), Failure> {
        let enabled = (self.enabled || self.paused).then_some(self.enabled);
        let call = Call::get(&["tasks"])
            .query_some("search", self.search.as_ref())
            .query_some("type", self.task_type.as_ref())
            .query_some("status", self.status.as_ref())
            .query_some("tag", self.tag.as_ref())
            .query_some("enabled", enabled.as_ref())
            .query_some("sort", self.sort.as_ref());
        let list = self.limit.read(client, output, &call).await?;
        output.show(&list, |list| table(items(list), output))?;
        note_more(&list, output);
        Ok(())
    }
}

fn table(tasks: &[Value], output: &OutputOptions) -> String {
    if tasks.is_empty() {
        return output.line("task.none", &[]);
    }
    let mut table = Table::new(&["id", "type", "schedule", "next", "last", "last_at"]);
    for task in tasks {
        let last = match task["stats"]["last_status"].as_str() {
            Some(status) => Cell::from(output.status(status)),
            None => Cell::toned("–", Tone::Faint),
        };
        let next = match task["enabled"].as_bool() {
            Some(false) => Cell::toned(output.text("task.paused"), Tone::Warning),
            _ => Cell::plain(timestamp(&task["schedule"]["next_run_at"])),
        };
        table.row(vec![
            Cell::toned(text(&task["id"]), Tone::Strong),
            Cell::plain(text(&task["type"])),
            Cell::plain(text(&task["schedule"]["text"])),
            next,
            last,
            Cell::plain(timestamp(&task["stats"]["last_run_at"])),
        ]);
    }
    table.draw(output)
}
