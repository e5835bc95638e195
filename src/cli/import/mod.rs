//! `belfry import`: tasks from a document, from APScheduler's job store, from a crontab; and the history of runs elsewhere.
//! Each shows what it would do before it does it.

mod apscheduler;
mod crontab;
mod history;
mod plan;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Failure;
use super::document::Document;
use super::reach::Reach;

/// Bring tasks from a document, from APScheduler, a crontab, or an earlier panel's history.
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

All of a document is imported or nothing; importing it again changes nothing. What is imported is shown first."
)]
pub(super) struct ImportCommand {
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    from: Option<From>,
    #[command(flatten)]
    file: FileArgs,
}

#[derive(Debug, Args)]
struct FileArgs {
    /// A document of tasks in YAML or JSON; - reads the input.
    #[arg(required = true, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Delete the tasks that the document does not name.
    #[arg(long)]
    prune: bool,
    #[command(flatten)]
    how: How,
}

/// How an import is done.
#[derive(Debug, Clone, Copy, Default, Args)]
struct How {
    /// Show what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Do it without asking.
    #[arg(long, short)]
    yes: bool,
}

#[derive(Debug, Subcommand)]
enum From {
    Apscheduler(apscheduler::Apscheduler),
    Crontab(crontab::Crontab),
    History(history::History),
}

impl ImportCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        let ImportCommand { reach, from, file } = self;
        match from {
            Some(From::Apscheduler(command)) => command.run(&reach),
            Some(From::Crontab(command)) => command.run(&reach),
            Some(From::History(command)) => command.run(&reach),
            None => {
                let path = file.file.ok_or_else(|| Failure::Usage("a file is needed".to_owned()))?;
                let document = Document::read(&path)?;
                plan::import(&reach, document.value(), file.prune, file.how, &document)
            }
        }
    }
}
