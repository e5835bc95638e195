//! `belfry task show`: shows a task with its newest runs.

use clap::Args;
use serde_json::Value;

use super::find::find_task;
use crate::cli::Failure;
use crate::cli::call::{ApiClient, Call};
use crate::cli::executions;
use crate::cli::output_options::{OutputOptions, Tone, text, timestamp};
use crate::cli::table::{Cell, pairs};
use crate::domain::yaml;

/// Show a task with its schedule, parameters and newest runs.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The task's id.
    id: String,
    /// As YAML, in the form that `task edit` and `task add -f` accept.
    #[arg(long)]
    yaml: bool,
}

impl Show {
    pub(super) async fn run(self, client: &ApiClient, output: &OutputOptions) -> Result<(), Failure> {
        let task = find_task(client, output, &self.id).await?;
        if self.yaml {
            return crate::cli::answer(&yaml::write(&super::input::editable(&task)));
        }
        if output.is_json() {
            return output.show(&task, |_| String::new());
        }
        let recent = Call::get(&["tasks", &self.id, "executions"]).query("page_size", 5);
        let recent = client.json(recent, output).await?;
        output.show(&task, |task| format!("{}\n{}", details(task, output), executions::table(&recent, output)))
    }
}

fn details(task: &Value, output: &OutputOptions) -> String {
    let mut rows: Vec<(String, Cell)> = Vec::new();
    let mut row = |key: &str, cell: Cell| rows.push((output.text(&format!("task.{key}")), cell));
    row("id", Cell::toned(text(&task["id"]), Tone::Strong));
    for (key, field) in [("name", "name"), ("description", "description"), ("type", "type")] {
        if !text(&task[field]).is_empty() {
            row(key, Cell::plain(text(&task[field])));
        }
    }
    let tags: Vec<&str> = task["tags"].as_array().into_iter().flatten().map(text).collect();
    if !tags.is_empty() {
        row("tags", Cell::plain(tags.join(", ")));
    }
    row("schedule", Cell::plain(format!("{} ({})", text(&task["schedule"]["description"]), text(&task["schedule"]["text"]))));
    match task["enabled"].as_bool() {
        Some(false) => row("next", Cell::toned(paused(&task["paused"], output), Tone::Warning)),
        _ => row("next", Cell::plain(timestamp(&task["schedule"]["next_run_at"]))),
    }
    let stats = &task["stats"];
    let counts = output.fill(
        "task.counts",
        &[
            ("runs", &stats["run_count"].to_string()),
            ("good", &stats["success_count"].to_string()),
            ("bad", &stats["failure_count"].to_string()),
        ],
    );
    row("runs", Cell::plain(counts));
    row("version", Cell::plain(format!("{}, {}", task["version"], timestamp(&task["updated_at"]))));
    let params = yaml::write(&task["params"]);
    let indented: String = params.lines().map(|line| format!("  {line}\n")).collect();
    format!("{}{}\n{indented}", pairs(&rows, output), output.paint(Tone::Faint, &output.text("task.params")))
}

/// Who paused a task, until when and why.
fn paused(pause: &Value, output: &OutputOptions) -> String {
    if pause.is_null() {
        return output.text("task.paused");
    }
    let part = |key: &str, name: &str, value: &Value, shown: String| match text(value) {
        "" => String::new(),
        _ => output.fill(key, &[(name, &shown)]),
    };
    let until = part("task.paused_until", "time", &pause["until"], timestamp(&pause["until"]));
    let reason = part("task.paused_reason", "text", &pause["reason"], text(&pause["reason"]).to_owned());
    let since = timestamp(&pause["since"]);
    let parts = [("by", text(&pause["by"])), ("since", &since), ("until", &until), ("reason", &reason)];
    output.fill("task.paused_by", &parts)
}
