//! `belfry backup`: copies the SQLite database while Belfry runs.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::connection_args::ConnectionArgs;
use super::{Failure, output_options::OutputOptions};
use crate::app::{self, DATABASE_FILE, KEY_FILE};
use crate::cli::input::unwritable;
use crate::cli::words;
use crate::clock::{Clock, SystemClock};
use crate::config::Settings;
use crate::i18n::message;
use crate::private_files;

/// Copy the SQLite database into a file and check the copy; the server may be running.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry backup                                    into belfry-<time>.db here
  belfry backup /mnt/backup/                       into that folder
  belfry backup before-upgrade.db
  belfry restore before-upgrade.db

A task of the type `backup` can do this regularly and keep the newest copies.")]
pub(super) struct Backup {
    /// The new file, or a folder to write it to.
    to: Option<PathBuf>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Backup {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Backup { to, connection } = self;
        let output = connection.output()?;
        let settings = local(&connection, &output)?;
        if settings.database.url.is_some() {
            return Err(Failure::Usage(output.text("backup.postgres")));
        }
        let file = target(to);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::failed)?;
        runtime.block_on(copy(&settings, &file))?;
        let bytes = std::fs::metadata(&file).map_or(0, |metadata| metadata.len());
        let shown = file.display().to_string();
        let key = settings.data_dir.join(KEY_FILE);
        output.show(&json!({"file": shown, "bytes": bytes}), |_| {
            let mut message = output.line("backup.created", &[("file", &shown), ("bytes", &bytes.to_string())]);
            if settings.secrets.key.is_none() && key.exists() {
                message.push_str(&output.line("backup.key", &[("key", &key.display().to_string())]));
            }
            message
        })
    }
}

/// The settings of the local database; a usage error where a server is given.
pub(super) fn local(connection: &ConnectionArgs, output: &OutputOptions) -> Result<Settings, Failure> {
    match connection.address() {
        Some((shown, _)) => Err(Failure::Usage(output.fill("backup.local_only", &[("shown", shown)]))),
        None => connection.settings(),
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

/// Writes the copy to a temporary name and renames it once it is complete.
async fn copy(settings: &Settings, file: &Path) -> Result<(), Failure> {
    let database = settings.data_dir.join(DATABASE_FILE);
    if !database.exists() {
        return Err(Failure::NotFound(words(&message!("cli.no_file", path = database.display().to_string()))));
    }
    if file.exists() {
        return Err(Failure::Conflict(words(&message!("cli.file_exists", path = file.display().to_string()))));
    }
    let part = PathBuf::from(format!("{}.part", file.display()));
    let cannot = |error: std::io::Error| unwritable(&part, &error);
    // A copy holds accounts and task parameters.
    private_files::create_new(&part).map_err(cannot)?;
    let opened = app::open(settings).await.map_err(|error| Failure::Unreachable(words(&error.message())));
    let copied = match opened {
        Ok(opened) => opened.copy_into(&part).await.map_err(Failure::failed),
        Err(failure) => Err(failure),
    };
    let named = copied.and_then(|()| {
        OpenOptions::new().write(true).open(&part).and_then(|file| file.sync_all()).map_err(cannot)?;
        std::fs::rename(&part, file).map_err(cannot)
    });
    if named.is_err() {
        let _ = std::fs::remove_file(&part); // the copy has already failed; a leftover file is harmless
    }
    named
}
