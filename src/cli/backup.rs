//! `belfry backup`: a copy of the SQLite database, made while Belfry runs.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::reach::Reach;
use super::{Failure, look::Look};
use crate::app::{self, DATABASE_FILE, KEY_FILE};
use crate::clock::{Clock, SystemClock};
use crate::config::{Settings, reason};

/// Copy the SQLite database into a file, also while the server runs, and check the copy.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry backup                                    into belfry-<time>.db here
  belfry backup /mnt/backup/                       into that folder
  belfry backup before-upgrade.db
  belfry restore before-upgrade.db

A task of the type `backup` does the same each night and keeps the newest copies.")]
pub(super) struct Backup {
    /// A file that does not exist yet, or a folder.
    to: Option<PathBuf>,
    #[command(flatten)]
    reach: Reach,
}

impl Backup {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Backup { to, reach } = self;
        let look = reach.look()?;
        let settings = local(&reach, &look)?;
        if settings.database.url.is_some() {
            return Err(Failure::Usage(look.text("backup.postgres")));
        }
        let file = target(to);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::failed)?;
        runtime.block_on(copy(&settings, &file))?;
        let bytes = std::fs::metadata(&file).map_or(0, |metadata| metadata.len());
        let shown = file.display().to_string();
        let key = settings.data_dir.join(KEY_FILE);
        look.show(&json!({"file": shown, "bytes": bytes}), |_| {
            let mut said = look.line("backup.made", &[("file", &shown), ("bytes", &bytes.to_string())]);
            if settings.secrets.key.is_none() && key.exists() {
                said.push_str(&look.line("backup.key", &[("key", &key.display().to_string())]));
            }
            said
        })
    }
}

/// The settings of the local database; a server is not asked.
pub(super) fn local(reach: &Reach, look: &Look) -> Result<Settings, Failure> {
    match reach.address() {
        Some((shown, _)) => Err(Failure::Usage(look.fill("backup.local", &[("shown", shown)]))),
        None => reach.settings(),
    }
}

fn target(to: Option<PathBuf>) -> PathBuf {
    let name = format!("belfry-{}.db", SystemClock.now().format("%Y%m%dT%H%M%SZ"));
    match to {
        None => PathBuf::from(name),
        Some(folder) if folder.is_dir() => folder.join(name),
        Some(file) => file,
    }
}

/// Writes the copy aside and gives it its name once it is whole.
async fn copy(settings: &Settings, file: &Path) -> Result<(), Failure> {
    let database = settings.data_dir.join(DATABASE_FILE);
    if !database.exists() {
        return Err(Failure::NotFound(format!("there is no database {}", database.display())));
    }
    if file.exists() {
        return Err(Failure::Conflict(format!("{} is there already; name another file", file.display())));
    }
    let part = PathBuf::from(format!("{}.part", file.display()));
    let cannot = |error: std::io::Error| Failure::Failed(format!("cannot write {}: {}", part.display(), reason(&error)));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    // A copy holds accounts and what tasks were given.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&part).map_err(cannot)?;
    let opened = app::open(settings).await.map_err(|error| Failure::Unreachable(error.to_string()));
    let copied = match opened {
        Ok(opened) => opened.copy_into(&part).await.map_err(Failure::failed),
        Err(failure) => Err(failure),
    };
    let named = copied.and_then(|()| {
        OpenOptions::new().write(true).open(&part).and_then(|file| file.sync_all()).map_err(cannot)?;
        std::fs::rename(&part, file).map_err(cannot)
    });
    if named.is_err() {
        let _stays_where_it_cannot_go = std::fs::remove_file(&part);
    }
    named
}
