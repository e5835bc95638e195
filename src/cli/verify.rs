//! `belfry verify`: compares the log with the kept rules.

use clap::Args;
use serde_json::Value;

use super::Failure;
use super::call::Call;
use super::connection_args::ConnectionArgs;
use super::output_options::{OutputOptions, text};

/// Compare the log with the rules: each occurrence has exactly one row. Exit status 1 if one is lost, doubled or unexplained.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry verify                                    the last 24 hours
  belfry verify --from 2026-11-01 --task daily-report
  belfry verify --json | jq .lost

The occurrences are recomputed from the kept versions of the tasks, also of deleted ones. Rows that retention has deleted are not
missed.")]
pub(super) struct Verify {
    /// The start, inclusive: RFC 3339, or a date with or without a time in the server's zone; by default a day before the end.
    #[arg(long)]
    from: Option<String>,
    /// The end, exclusive; by default now.
    #[arg(long)]
    to: Option<String>,
    /// Only this task.
    #[arg(long)]
    task: Option<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Verify {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Verify { from, to, task, connection } = self;
        connection.run(async |client, output| {
            let call = Call::get(&["verify"]).query_some("from", from.as_ref()).query_some("to", to.as_ref());
            let found = client.json(call.query_some("task_id", task.as_ref()), output).await?;
            output.show(&found, |found| summary(found, output))?;
            if found["findings"] == 0 { Ok(()) } else { Err(Failure::Ended(1)) }
        })
    }
}

fn summary(found: &Value, output: &OutputOptions) -> String {
    let mut lines = String::new();
    for kind in ["lost", "doubled", "unexplained", "undetermined"] {
        for one in found[kind].as_array().into_iter().flatten() {
            let ids: Vec<&str> = one["execution_ids"].as_array().into_iter().flatten().map(text).collect();
            let about =
                [text(&one["task_id"]), text(&one["scheduled_at"]), &ids.join(" "), text(&one["reason"])].map(str::to_owned);
            let about: Vec<String> = about.into_iter().filter(|part| !part.is_empty()).collect();
            lines.push_str(&format!("{}: {}\n", output.text(&format!("verify.{kind}")), about.join("  ")));
        }
    }
    let count = |name: &str| found[name].to_string();
    let key = if found["findings"] == 0 { "verify.clean" } else { "verify.found" };
    let values = [("expected", count("expected")), ("rows", count("rows")), ("findings", count("findings"))];
    lines + &output.line(key, &values.each_ref().map(|(name, value)| (*name, value.as_str())))
}
