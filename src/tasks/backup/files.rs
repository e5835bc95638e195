//! Backup files: named after their time, written to a temporary file and renamed when complete.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use crate::i18n::message;
use crate::private_files;
use crate::tasks::RunError;

const PREFIX: &str = "belfry-";
/// UTC, to the millisecond.
const TIME_FORMAT: &str = "%Y%m%dT%H%M%S%.3fZ";
/// The suffix of a backup that is being written; its name also begins with a dot.
const PARTIAL_SUFFIX: &str = ".part";

/// The format of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BackupFormat {
    /// A SQLite database.
    Sqlite,
    /// PostgreSQL's custom archive.
    Postgres,
}

impl BackupFormat {
    const ALL: [BackupFormat; 2] = [BackupFormat::Sqlite, BackupFormat::Postgres];

    fn as_str(self) -> &'static str {
        match self {
            BackupFormat::Sqlite => ".db",
            BackupFormat::Postgres => ".dump",
        }
    }
}

/// Creates a folder that only its owner may read, if it is missing.
pub(super) fn create_folder(folder: &Path) -> Result<(), RunError> {
    let failed = |error: std::io::Error| {
        message!("backup.folder_failed", folder = folder.display().to_string(), error = error.to_string())
    };
    private_files::create_folder(folder).map_err(|error| RunError::fail(failed(error)))
}

/// A backup that is being written; the temporary file is removed when this is dropped.
#[derive(Debug)]
pub(super) struct PartialBackup {
    folder: PathBuf,
    name: String,
    path: PathBuf,
}

impl PartialBackup {
    /// Creates an empty temporary file with mode 0600, because a backup contains the parameters of tasks.
    pub fn create(folder: &Path, format: BackupFormat, now: DateTime<Utc>) -> Result<PartialBackup, RunError> {
        let name = format!("{PREFIX}{}{}", now.format(TIME_FORMAT), format.as_str());
        let path = folder.join(format!(".{name}{PARTIAL_SUFFIX}"));
        match private_files::create_new(&path) {
            Ok(_empty) => Ok(PartialBackup { folder: folder.to_owned(), name, path }),
            Err(error) => Err(unwritable(folder, &error)),
        }
    }

    /// The path to write the backup to.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Renames the temporary file to its final name.
    pub fn finish(&self) -> Result<PathBuf, RunError> {
        let target = self.folder.join(&self.name);
        let failed = |error| unwritable(&target, &error);
        // The renamed file must be complete after a power failure too.
        OpenOptions::new().write(true).open(&self.path).and_then(|file| file.sync_all()).map_err(failed)?;
        std::fs::rename(&self.path, &target).map_err(failed)?;
        Ok(target)
    }
}

fn unwritable(file: &Path, error: &std::io::Error) -> RunError {
    RunError::retry(message!("backup.unwritable", file = file.display().to_string(), error = error.to_string()))
}

impl Drop for PartialBackup {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path); // absent after `finish`
    }
}

/// Removes all backups but the newest `keep`, and temporary files older than a day, which a crash left behind. Returns the names
/// of the removed backups.
pub(super) fn prune(folder: &Path, keep: Option<usize>, now: DateTime<Utc>) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let is_stale = |name: &String| {
        let created = name.strip_prefix('.').and_then(|name| name.strip_suffix(PARTIAL_SUFFIX)).and_then(backup_time);
        created.is_some_and(|created| now - created > TimeDelta::days(1))
    };
    for name in names.iter().filter(|name| is_stale(name)) {
        let _ = std::fs::remove_file(folder.join(name)); // the next run tries again
    }
    let mut copies: Vec<(DateTime<Utc>, &String)> = names.iter().filter_map(|name| Some((backup_time(name)?, name))).collect();
    copies.sort();
    let gone = copies.len().saturating_sub(keep.unwrap_or(usize::MAX));
    let old = copies.into_iter().take(gone).map(|(_, name)| name.clone());
    old.filter(|name| std::fs::remove_file(folder.join(name)).is_ok()).collect()
}

/// The time in a backup's name; `None` if the file is not a backup.
fn backup_time(name: &str) -> Option<DateTime<Utc>> {
    let rest = name.strip_prefix(PREFIX)?;
    let time = BackupFormat::ALL.iter().find_map(|format| rest.strip_suffix(format.as_str()))?;
    NaiveDateTime::parse_from_str(time, TIME_FORMAT).ok().map(|time| time.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-21T08:00:00.123Z".parse().unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn partial_backup_gets_its_name_on_finish() {
        let folder = tempfile::tempdir().unwrap();
        drop(PartialBackup::create(folder.path(), BackupFormat::Sqlite, now()).unwrap());
        assert_eq!(names(folder.path()), Vec::<String>::new());
        let part = PartialBackup::create(folder.path(), BackupFormat::Sqlite, now()).unwrap();
        assert!(PartialBackup::create(folder.path(), BackupFormat::Sqlite, now()).is_err(), "one backup per file");
        part.finish().unwrap();
        drop(part);
        assert_eq!(names(folder.path()), ["belfry-20261121T080000.123Z.db"]);
    }

    #[test]
    fn prune_keeps_the_newest_backups_and_other_files() {
        let folder = tempfile::tempdir().unwrap();
        let ours = ["belfry-20261121T080000.000Z.db", "belfry-20261120T080000.000Z.dump", "belfry-20251231T235959.999Z.db"];
        let others = ["belfry-old.db", "belfry-20200101T000000.000Z.txt", "notes.db", ".belfry-20261121T075900.000Z.db.part"];
        let left = ".belfry-20261101T080000.000Z.db.part";
        for name in ours.iter().chain(&others).chain([&left]) {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        assert_eq!(prune(folder.path(), None, now()), Vec::<String>::new());
        assert_eq!(prune(folder.path(), Some(1), now()), [ours[2], ours[1]]);
        let mut expected: Vec<_> = [&ours[..1], &others[..]].concat();
        expected.sort_unstable();
        assert_eq!(names(folder.path()), expected);
    }
}
