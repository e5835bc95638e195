//! `belfry import`: imports tasks from a document or another scheduler, and executions of other schedulers. Each shows a plan before it
//! makes changes.

mod apscheduler;
mod comparison;
mod crontab;
mod gocron;
mod history;
mod plan;
mod qinglong;
mod schtasks;
mod source;
mod text_file;
mod xxl_job;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Failure;
use super::connection_args::ConnectionArgs;
use super::document::Document;
use super::environment::variable;
use crate::migrate::TableSource;

/// Import tasks from a document or another scheduler, or another scheduler's history.
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
  belfry import crontab /etc/crontab
  belfry import xxl-job --url mysql://user:password@host/xxl_job --dry-run
  belfry import qinglong data/db/database.sqlite --scripts /srv/scripts
  belfry import gocron --url mysql://user:password@host/gocron
  belfry import schtasks task.xml
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
    Apscheduler(Box<apscheduler::Apscheduler>),
    Crontab(Box<crontab::Crontab>),
    XxlJob(Box<xxl_job::XxlJob>),
    Qinglong(Box<qinglong::Qinglong>),
    Gocron(Box<gocron::Gocron>),
    Schtasks(Box<schtasks::Schtasks>),
    History(history::History),
}

impl ImportCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        let ImportCommand { connection, from, file } = self;
        match from {
            Some(Source::Apscheduler(command)) => command.run(&connection),
            Some(Source::Crontab(command)) => source::run(&*command, &connection),
            Some(Source::XxlJob(command)) => source::run(&*command, &connection),
            Some(Source::Qinglong(command)) => source::run(&*command, &connection),
            Some(Source::Gocron(command)) => source::run(&*command, &connection),
            Some(Source::Schtasks(command)) => source::run(&*command, &connection),
            Some(Source::History(command)) => command.run(&connection),
            None => {
                let path = file.file.ok_or_else(|| Failure::Usage("a file is required".to_owned()))?;
                let document = Document::read(&path)?;
                plan::import(&connection, document.value(), file.prune, None, file.flags, &document)
            }
        }
    }
}

/// The database named by --url or an environment variable.
fn table_source(url: Option<&str>, name: &str, example: &str) -> Result<TableSource, Failure> {
    let url = url.map(str::to_owned).or_else(|| variable(name));
    let url = url.ok_or_else(|| Failure::Usage(format!("--url: is required, such as {example}")))?;
    TableSource::parse(&url).map_err(|message| Failure::Usage(format!("--url: {message}")))
}
