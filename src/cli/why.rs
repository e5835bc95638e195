//! `belfry why`: why a task ran at a time, or why it did not.

use clap::Args;
use serde_json::Value;

use super::Failure;
use super::call::Call;
use super::connection_args::ConnectionArgs;
use super::output_options::{OutputOptions, Tone, text, timestamp};
use super::table::{Cell, pairs};

/// Explain why a task ran at a time, or why it did not: rule, pause, record and changes, one by one.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry why daily-report \"2026-11-20 08:00\"
  belfry why daily-report 2026-12-24T08:00:00+08:00 --json | jq .due")]
pub(super) struct Why {
    /// The task's id.
    task: String,
    /// The time, past or future: RFC 3339, or a date with or without a time in the task's zone.
    time: String,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Why {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Why { task, time, connection } = self;
        connection.run(async |client, output| {
            let found = client.json(Call::get(&["tasks", &task, "why"]).query("at", &time), output).await?;
            output.show(&found, |found| summary(found, output))
        })
    }
}

fn summary(found: &Value, output: &OutputOptions) -> String {
    let at = timestamp(&found["at"]);
    let head = match (found["decided"].as_str(), found["due"] == true) {
        (Some(status), _) => output.fill("why.decided", &[("at", &at), ("status", &output.text(&format!("status.{status}")))]),
        (None, true) => output.fill("why.due", &[("at", &at)]),
        (None, false) => output.fill("why.not_due", &[("at", &at)]),
    };
    let reasons: Vec<(String, Cell)> = found["reasons"].as_array().into_iter().flatten().map(|one| reason(one, output)).collect();
    format!("{head}\n{}", pairs(&reasons, output))
}

fn reason(one: &Value, output: &OutputOptions) -> (String, Cell) {
    let (mark, tone) = if one["holds"] == true { ("+", Tone::Plain) } else { ("-", Tone::Warning) };
    let what = output.text(&format!("why.what.{}", text(&one["what"])));
    (format!("{mark} {what}"), Cell::toned(text(&one["detail"]), tone))
}
