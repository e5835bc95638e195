//! `belfry restore`: a copy takes the place of the SQLite database; what was there is set aside, never deleted.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::backup::local;
use super::input::confirm;
use super::reach::Reach;
use super::{Failure, look::Look};
use crate::app::{self, DATABASE_FILE};
use crate::clock::{Clock, SystemClock};
use crate::config::{Settings, reason};
use crate::storage::copy;

/// What SQLite keeps beside the database.
const BESIDE: [&str; 3] = ["", "-wal", "-shm"];

/// Put a copy in the place of the SQLite database; refused while a server runs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry restore belfry-20261121T080000Z.db
  belfry restore /mnt/backup/belfry-20261121T080000.000Z.db --yes

The copy is checked first. The database that was there is kept beside it, under a name with the time.")]
pub(super) struct Restore {
    /// The copy.
    file: PathBuf,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    reach: Reach,
}

impl Restore {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Restore { file, yes, reach } = self;
        let look = reach.look()?;
        let settings = local(&reach, &look)?;
        if settings.database.url.is_some() {
            return Err(Failure::Usage(look.text("restore.postgres")));
        }
        if !file.is_file() {
            return Err(Failure::NotFound(format!("there is no file {}", file.display())));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::failed)?;
        runtime.block_on(restore(&settings, &file, yes, &look))
    }
}

async fn restore(settings: &Settings, file: &Path, yes: bool, look: &Look) -> Result<(), Failure> {
    refuse_while_served(settings, look)?;
    let unsound = |error: crate::storage::Error| Failure::Usage(format!("{}: {error}", file.display()));
    copy::check_sqlite(file).await.map_err(unsound)?;
    let (tasks, executions) = copy::contents(file).await.map_err(unsound)?;
    let (tasks, executions) = (tasks.to_string(), executions.to_string());
    let database = settings.data_dir.join(DATABASE_FILE);
    let shown =
        [("file", &*file.display().to_string()), ("database", &database.display().to_string())].map(|(n, v)| (n, v.to_owned()));
    let values: Vec<(&str, &str)> = shown
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .chain([("tasks", &*tasks), ("executions", &*executions)])
        .collect();
    confirm(&look.fill("restore.ask", &values), yes, look)?;
    refuse_while_served(settings, look)?;
    let aside = exchange(file, &database)?;
    // A copy of an older Belfry is brought up to date now, and one that cannot be is not left in its place.
    match app::open(settings).await {
        Ok(opened) => opened.close().await,
        Err(error) => {
            put_back(&database, aside.as_deref()).map_err(|error| cannot(&database, &error))?;
            return Err(Failure::Failed(look.fill("restore.undone", &[("why", &error.to_string())])));
        }
    }
    let aside = aside.map(|aside| aside.display().to_string());
    look.show(&json!({"database": database.display().to_string(), "aside": aside}), |_| {
        let mut said = look.line("restore.done", &values);
        if let Some(aside) = &aside {
            said.push_str(&look.line("restore.aside", &[("aside", aside)]));
        }
        said
    })
}

fn refuse_while_served(settings: &Settings, look: &Look) -> Result<(), Failure> {
    match app::is_served(&settings.data_dir) {
        true => Err(Failure::Conflict(look.fill("restore.served", &[("folder", &settings.data_dir.display().to_string())]))),
        false => Ok(()),
    }
}

/// Puts the copy in the place of the database. Answers where the former one is now.
fn exchange(file: &Path, database: &Path) -> Result<Option<PathBuf>, Failure> {
    let new = beside(database, ".restoring");
    let copied = std::fs::copy(file, &new).and_then(|_| std::fs::OpenOptions::new().write(true).open(&new)?.sync_all());
    copied.map_err(|error| cannot(&new, &error))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600)).map_err(|error| cannot(&new, &error))?;
    }
    let aside = database.exists().then(|| beside(database, &format!(".before-{}", SystemClock.now().format("%Y%m%dT%H%M%SZ"))));
    if let Some(aside) = &aside {
        // The newest changes may stand in the files beside it, which belong together.
        rename_all(database, aside).map_err(|error| cannot(database, &error))?;
    }
    match std::fs::rename(&new, database) {
        Ok(()) => Ok(aside),
        Err(error) => {
            put_back(database, aside.as_deref()).map_err(|error| cannot(database, &error))?;
            Err(cannot(database, &error))
        }
    }
}

fn put_back(database: &Path, aside: Option<&Path>) -> io::Result<()> {
    for ending in BESIDE {
        match std::fs::remove_file(beside(database, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    aside.map_or(Ok(()), |aside| rename_all(aside, database))
}

fn rename_all(from: &Path, to: &Path) -> io::Result<()> {
    BESIDE
        .iter()
        .map(|ending| (beside(from, ending), beside(to, ending)))
        .filter(|(from, _)| from.exists())
        .try_for_each(|(from, to)| std::fs::rename(from, to))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn cannot(path: &Path, error: &io::Error) -> Failure {
    Failure::Failed(format!("cannot write {}: {}", path.display(), reason(error)))
}
