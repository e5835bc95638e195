//! `belfry import history`: what an earlier panel ran, put on record.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::How;
use super::crontab::zone;
use crate::cli::Failure;
use crate::cli::call::{Call, Told};
use crate::cli::document::Document;
use crate::cli::input::confirm;
use crate::cli::reach::Reach;
use crate::domain::moving::history::{PastRun, read};
use crate::service::MAX_RUNS;

/// Bring an earlier panel's task_history.json: its runs are put on record, and no schedule is touched.
#[derive(Debug, Args)]
pub(super) struct History {
    /// The history, in JSON or YAML; - reads the input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The zone of times without an offset; by default this machine's.
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    #[command(flatten)]
    how: How,
}

impl History {
    pub(super) fn run(self, reach: &Reach) -> Result<(), Failure> {
        let document = Document::read(&self.file)?;
        let look = reach.look()?;
        let mut runs = read(document.value(), zone(self.tz.as_deref())?).map_err(|faults| {
            let told = faults.iter().map(|fault| document.tell(&fault.pointer, &look.translate(&fault.message)));
            Failure::Usage(told.collect::<Vec<_>>().join("\n"))
        })?;
        runs.sort_by_key(|run| run.started_at);
        let (Some(first), Some(last)) = (runs.first(), runs.last()) else { return look.say("import.none", &[]) };
        let tasks: std::collections::BTreeSet<&str> = runs.iter().map(|run| run.task_id.as_str()).collect();
        let (count, tasks) = (runs.len().to_string(), tasks.len().to_string());
        let (from, to) = (first.started_at.format("%Y-%m-%d").to_string(), last.started_at.format("%Y-%m-%d").to_string());
        look.note(&look.fill("import.history_read", &[("count", &count), ("tasks", &tasks), ("from", &from), ("to", &to)]));
        if self.how.dry_run {
            return look.say("import.dry", &[]);
        }
        confirm(&look.fill("import.ask_history", &[("count", &count)]), self.how.yes, &look)?;
        reach.run(async |caller, look| {
            let (mut inserted, mut known) = (0, 0);
            for part in runs.chunks(MAX_RUNS) {
                let executions: Vec<Value> = part.iter().map(PastRun::to_json).collect();
                let call = Call::post(&["import", "executions"]).json(&json!({"executions": executions}));
                let brought = caller.json(call, look).await?;
                inserted += brought["inserted"].as_i64().unwrap_or_default();
                known += brought["known"].as_i64().unwrap_or_default();
            }
            let values = [("inserted", inserted.to_string()), ("known", known.to_string())];
            let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
            look.show(&json!({"inserted": inserted, "known": known}), |_| look.line("import.history", &values))
        })
    }
}
