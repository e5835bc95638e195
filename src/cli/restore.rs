//! `belfry restore`: replaces the SQLite database with a backup; the previous database is kept under another name.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::backup::local;
use super::connection_args::ConnectionArgs;
use super::input::confirm;
use super::{Failure, output_options::OutputOptions};
use crate::app::{self, DATABASE_FILE};
use crate::clock::{Clock, SystemClock};
use crate::config::{Settings, reason};
use crate::storage::copy;

/// The suffixes of a SQLite database's files.
const FILE_SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

/// Replace the SQLite database with a backup; refused while a server runs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry restore belfry-20261121T080000Z.db
  belfry restore /mnt/backup/belfry-20261121T080000.000Z.db --yes

The backup is verified first. The previous database is kept in the same folder, under a name with the time.")]
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
            return Err(Failure::NotFound(format!("the file {} does not exist", file.display())));
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
    let previous = exchange(file, &database)?;
    // Migrate a backup of an older version now; if that fails, the previous database is put back.
    match app::open(settings).await {
        Ok(opened) => opened.close().await,
        Err(error) => {
            restore_previous(&database, previous.as_deref()).map_err(|error| write_failure(&database, &error))?;
            return Err(Failure::Failed(output.fill("restore.rolled_back", &[("why", &error.to_string())])));
        }
    }
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

/// Moves the backup to the database's path. Returns the path of the previous database.
fn exchange(file: &Path, database: &Path) -> Result<Option<PathBuf>, Failure> {
    let new = with_suffix(database, ".restoring");
    let copied = std::fs::copy(file, &new).and_then(|_| std::fs::OpenOptions::new().write(true).open(&new)?.sync_all());
    copied.map_err(|error| write_failure(&new, &error))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600)).map_err(|error| write_failure(&new, &error))?;
    }
    let previous =
        database.exists().then(|| with_suffix(database, &format!(".before-{}", SystemClock.now().format("%Y%m%dT%H%M%SZ"))));
    if let Some(previous) = &previous {
        // The newest changes may be in the -wal file, which belongs to the database.
        rename_all(database, previous).map_err(|error| write_failure(database, &error))?;
    }
    match std::fs::rename(&new, database) {
        Ok(()) => Ok(previous),
        Err(error) => {
            restore_previous(database, previous.as_deref()).map_err(|error| write_failure(database, &error))?;
            Err(write_failure(database, &error))
        }
    }
}

fn restore_previous(database: &Path, previous: Option<&Path>) -> io::Result<()> {
    for ending in FILE_SUFFIXES {
        match std::fs::remove_file(with_suffix(database, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    previous.map_or(Ok(()), |previous| rename_all(previous, database))
}

fn rename_all(from: &Path, to: &Path) -> io::Result<()> {
    FILE_SUFFIXES
        .iter()
        .map(|ending| (with_suffix(from, ending), with_suffix(to, ending)))
        .filter(|(from, _)| from.exists())
        .try_for_each(|(from, to)| std::fs::rename(from, to))
}

fn with_suffix(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn write_failure(path: &Path, error: &io::Error) -> Failure {
    Failure::Failed(format!("cannot write {}: {}", path.display(), reason(error)))
}
