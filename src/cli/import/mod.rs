//! `belfry import`: imports tasks from a document, an APScheduler job store or a crontab, and executions of other schedulers.
//! Each shows a plan before it makes changes.

mod apscheduler;
mod crontab;
mod history;
mod plan;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Failure;
use super::connection_args::ConnectionArgs;
use super::document::Document;

/// Import tasks from a document, APScheduler or a crontab, or another scheduler's history.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:
  belfry import tasks.yaml --dry-run
  belfry import tasks.yaml --prune --yes
  belfry export --server http://old:8398 | belfry import - --yes
  belfry import apscheduler --url sqlite:///jobs.sqlite --draft mapping.yaml
  belfry import apscheduler --url sqlite:///jobs.sqlite --mapping mapping.yaml
  crontab -l | belfry import crontab -
  belfry import crontab /etc/crontab --system
  belfry import history task_history.json

A document is imported completely or not at all; importing it again changes nothing. The changes are shown first."
)]
pub(super) struct ImportCommand {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    from: Option<Source>,
    #[command(flatten)]
    file: FileArgs,
}

#[derive(Debug, Args)]
struct FileArgs {
    /// A document of tasks in YAML or JSON; - reads standard input.
    #[arg(required = true, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Delete the tasks that are not in the document.
    #[arg(long)]
    prune: bool,
    #[command(flatten)]
    flags: ImportFlags,
}

/// The options of an import.
#[derive(Debug, Clone, Copy, Default, Args)]
struct ImportFlags {
    /// Show the changes without making them.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for confirmation.
    #[arg(long, short)]
    yes: bool,
}

#[derive(Debug, Subcommand)]
enum Source {
    Apscheduler(apscheduler::Apscheduler),
    Crontab(crontab::Crontab),
    History(history::History),
}

impl ImportCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        let ImportCommand { connection, from, file } = self;
        match from {
            Some(Source::Apscheduler(command)) => command.run(&connection),
            Some(Source::Crontab(command)) => command.run(&connection),
            Some(Source::History(command)) => command.run(&connection),
            None => {
                let path = file.file.ok_or_else(|| Failure::Usage("a file is required".to_owned()))?;
                let document = Document::read(&path)?;
                plan::import(&connection, document.value(), file.prune, file.flags, &document)
            }
        }
    }
}
