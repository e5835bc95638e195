//! `belfry restore`: replaces the SQLite database with a backup; the previous database is kept under another name.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::backup::local;
use super::connection_args::ConnectionArgs;
use super::input::confirm;
use super::{Failure, output_options::OutputOptions};
use crate::app::{self, DATABASE_FILE};
use crate::cli::input::unwritable;
use crate::cli::words;
use crate::config::Settings;
use crate::i18n::message;
use crate::private_files;
use crate::storage::copy;

/// Replace the SQLite database with a backup; refused while a server runs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry restore belfry-20261121T080000Z.db
  belfry restore /mnt/backup/belfry-20261121T080000.000Z.db --yes

The backup is verified first. The previous database is kept in the same folder, under a name with the time. After an
interruption the previous database is unchanged, or the next start completes the restore.")]
pub(super) struct Restore {
    /// The backup file.
    file: PathBuf,
    /// Do not ask for confirmation.
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Restore {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Restore { file, yes, connection } = self;
        let output = connection.output()?;
        let settings = local(&connection, &output)?;
        if settings.database.url.is_some() {
            return Err(Failure::Usage(output.text("restore.postgres")));
        }
        if !file.is_file() {
            return Err(Failure::NotFound(words(&message!("cli.no_file", path = file.display().to_string()))));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::failed)?;
        runtime.block_on(restore(&settings, &file, yes, &output))
    }
}

async fn restore(settings: &Settings, file: &Path, yes: bool, output: &OutputOptions) -> Result<(), Failure> {
    refuse_while_served(settings, output)?;
    let unsound = |error: crate::storage::Error| Failure::Usage(format!("{}: {error}", file.display()));
    copy::check_sqlite(file).await.map_err(unsound)?;
    let (tasks, executions) = copy::count_rows(file).await.map_err(unsound)?;
    let (tasks, executions) = (tasks.to_string(), executions.to_string());
    let database = settings.data_dir.join(DATABASE_FILE);
    let shown =
        [("file", &*file.display().to_string()), ("database", &database.display().to_string())].map(|(n, v)| (n, v.to_owned()));
    let values: Vec<(&str, &str)> = shown
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .chain([("tasks", &*tasks), ("executions", &*executions)])
        .collect();
    confirm(&output.fill("restore.ask", &values), yes, output)?;
    refuse_while_served(settings, output)?;
    private_files::create_folder(&settings.data_dir).map_err(|error| unwritable(&settings.data_dir, &error))?;
    let replaced = app::replace_database(file, &database).await;
    let previous =
        replaced.map_err(|error| Failure::Failed(output.fill("restore.unusable", &[("why", &words(&error.message()))])))?;
    let previous = previous.map(|previous| previous.display().to_string());
    output.show(&json!({"database": database.display().to_string(), "aside": previous}), |_| {
        let mut message = output.line("restore.done", &values);
        if let Some(previous) = &previous {
            message.push_str(&output.line("restore.previous", &[("previous", previous)]));
        }
        message
    })
}

fn refuse_while_served(settings: &Settings, output: &OutputOptions) -> Result<(), Failure> {
    match app::is_server_running(&settings.data_dir) {
        true => Err(Failure::Conflict(output.fill("restore.served", &[("folder", &settings.data_dir.display().to_string())]))),
        false => Ok(()),
    }
}
