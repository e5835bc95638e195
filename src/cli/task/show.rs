//! `belfry task show`

use clap::Args;
use serde_json::Value;

use super::find::found;
use crate::cli::Failure;
use crate::cli::call::{Call, Caller};
use crate::cli::executions;
use crate::cli::look::{Look, Tone, instant, text};
use crate::cli::table::{Cell, pairs};
use crate::domain::yaml;

/// Show a task: what, when, and what came of it.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The task's id.
    id: String,
    /// As YAML, in the form that `task edit` and `task add -f` take.
    #[arg(long)]
    yaml: bool,
}

impl Show {
    pub(super) async fn run(self, caller: &Caller, look: &Look) -> Result<(), Failure> {
        let task = found(caller, look, &self.id).await?;
        if self.yaml {
            return crate::cli::answer(&yaml::write(&super::edit::editable(&task)));
        }
        if look.is_json() {
            return look.show(&task, |_| String::new());
        }
        let recent = Call::get(&["tasks", &self.id, "executions"]).query("page_size", 5);
        let recent = caller.json(recent, look).await?;
        look.show(&task, |task| format!("{}\n{}", told(task, look), executions::table(&recent, look)))
    }
}

fn told(task: &Value, look: &Look) -> String {
    let mut rows: Vec<(String, Cell)> = Vec::new();
    let mut row = |key: &str, cell: Cell| rows.push((look.text(&format!("task.{key}")), cell));
    row("id", Cell::toned(text(&task["id"]), Tone::Strong));
    for (key, field) in [("name", "name"), ("description", "description"), ("type", "type")] {
        if !text(&task[field]).is_empty() {
            row(key, Cell::of(text(&task[field])));
        }
    }
    let tags: Vec<&str> = task["tags"].as_array().into_iter().flatten().map(text).collect();
    if !tags.is_empty() {
        row("tags", Cell::of(tags.join(", ")));
    }
    row("schedule", Cell::of(format!("{} ({})", text(&task["schedule"]["description"]), text(&task["schedule"]["text"]))));
    match task["enabled"].as_bool() {
        Some(false) => row("next", Cell::toned(look.text("task.paused"), Tone::Warning)),
        _ => row("next", Cell::of(instant(&task["schedule"]["next_run_at"]))),
    }
    let stats = &task["stats"];
    let counts = look.fill(
        "task.counts",
        &[
            ("runs", &stats["run_count"].to_string()),
            ("good", &stats["success_count"].to_string()),
            ("bad", &stats["failure_count"].to_string()),
        ],
    );
    row("runs", Cell::of(counts));
    row("version", Cell::of(format!("{}, {}", task["version"], instant(&task["updated_at"]))));
    let params = yaml::write(&task["params"]);
    let indented: String = params.lines().map(|line| format!("  {line}\n")).collect();
    format!("{}{}\n{indented}", pairs(&rows, look), look.paint(Tone::Faint, &look.text("task.params")))
}
