//! `belfry import history`: imports executions of an earlier scheduler.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::ImportFlags;
use super::source::zone;
use crate::cli::Failure;
use crate::cli::call::{Call, FaultSource};
use crate::cli::connection_args::ConnectionArgs;
use crate::cli::document::Document;
use crate::cli::input::confirm;
use crate::migrate::history::read;
use crate::service::MAX_RUNS;
use crate::storage::history_import::HistoricalRun;

/// Import executions from another scheduler's task_history.json; schedules are not changed.
#[derive(Debug, Args)]
pub(super) struct History {
    /// The history, in JSON or YAML; - reads standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The zone of times without an offset; by default this machine's.
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    #[command(flatten)]
    flags: ImportFlags,
}

impl History {
    pub(super) fn run(self, connection: &ConnectionArgs) -> Result<(), Failure> {
        let document = Document::read(&self.file)?;
        let output = connection.output()?;
        let mut runs = read(document.value(), zone(self.tz.as_deref())?).map_err(|faults| {
            let messages = faults.iter().map(|fault| document.describe_fault(&fault.pointer, &output.translate(&fault.message)));
            Failure::Usage(messages.collect::<Vec<_>>().join("\n"))
        })?;
        runs.sort_by_key(|run| run.started_at);
        let (Some(first), Some(last)) = (runs.first(), runs.last()) else { return output.print_text("import.none", &[]) };
        let tasks: std::collections::BTreeSet<&str> = runs.iter().map(|run| run.task_id.as_str()).collect();
        let (count, tasks) = (runs.len().to_string(), tasks.len().to_string());
        let (from, to) = (first.started_at.format("%Y-%m-%d").to_string(), last.started_at.format("%Y-%m-%d").to_string());
        output.note(&output.fill("import.history_read", &[("count", &count), ("tasks", &tasks), ("from", &from), ("to", &to)]));
        if self.flags.dry_run {
            return output.print_text("import.dry_run", &[]);
        }
        confirm(&output.fill("import.ask_history", &[("count", &count)]), self.flags.yes, &output)?;
        connection.run(async |client, output| {
            let (mut inserted, mut known) = (0, 0);
            for part in runs.chunks(MAX_RUNS) {
                let executions: Vec<Value> = part.iter().map(HistoricalRun::to_json).collect();
                let call = Call::post(&["import", "executions"]).json(&json!({"executions": executions}));
                let imported = client.json(call, output).await?;
                inserted += imported["inserted"].as_i64().unwrap_or_default();
                known += imported["known"].as_i64().unwrap_or_default();
            }
            let values = [("inserted", inserted.to_string()), ("known", known.to_string())];
            let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
            output.show(&json!({"inserted": inserted, "known": known}), |_| output.line("import.history", &values))
        })
    }
}
