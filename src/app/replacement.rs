//! Replacing the database file by a backup. The backup becomes a complete file under another name first; renaming that file to
//! [`READY_SUFFIX`] decides the replacement. What follows are renames, which the next opening of the folder continues wherever a
//! crash has interrupted them.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::error::StartError;
use crate::config::reason;
use crate::i18n::Message;
use crate::private_files;
use crate::storage::{Database, Synchronous, copy};

/// The suffixes of a SQLite database's files.
const FILE_SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];
/// A replacement that is being written. A crash leaves it behind, and the next restore removes it.
const PARTIAL_SUFFIX: &str = ".restoring";
/// A complete replacement, which takes the place of the database.
const READY_SUFFIX: &str = ".restored";

/// Replaces the database file by a backup, with what the backup's `-wal` file holds, migrated to this version. Returns the path
/// under which the previous database is kept, if there was one.
///
/// # Errors
/// The backup cannot be read or migrated, or the folder cannot be written; the previous database stays or, once the replacement
/// is decided, the next start completes it.
pub async fn replace_database(backup: &Path, database: &Path) -> Result<Option<PathBuf>, StartError> {
    let partial = with_suffix(database, PARTIAL_SUFFIX);
    let unwritable =
        |error: io::Error| StartError::data_dir(database.parent().unwrap_or(database), Message::verbatim(reason(&error)));
    remove_all(&partial).map_err(unwritable)?;
    private_files::create_new(&partial).map_err(unwritable)?;
    let prepared = prepare(backup, &partial).await;
    if let Err(error) =
        prepared.map_err(|error| StartError::Database { what: backup.display().to_string(), reason: error.to_string() })
    {
        let _ = remove_all(&partial); // the next restore removes it
        return Err(error);
    }
    let decide = || {
        OpenOptions::new().write(true).open(&partial)?.sync_all()?;
        std::fs::rename(&partial, with_suffix(database, READY_SUFFIX))?;
        sync_folder(database)
    };
    decide().and_then(|()| complete(database)).map_err(unwritable)
}

/// Copies the backup into an empty file and migrates it; the file then holds everything.
async fn prepare(backup: &Path, partial: &Path) -> crate::storage::Result<()> {
    copy::copy_file(backup, partial).await?;
    Database::open_sqlite(partial, Synchronous::Full).await?.close().await;
    Ok(())
}

/// Whether a decided replacement waits for the next opening of the folder.
pub fn restore_is_pending(database: &Path) -> bool {
    with_suffix(database, READY_SUFFIX).exists()
}

/// Completes a decided replacement; does nothing if there is none. Returns the path of the previous database.
pub(super) fn complete(database: &Path) -> io::Result<Option<PathBuf>> {
    let ready = with_suffix(database, READY_SUFFIX);
    let Ok(file) = OpenOptions::new().write(true).open(&ready) else { return Ok(None) };
    // Two processes may open the folder at once; the second finds the replacement done.
    file.lock()?;
    if !ready.exists() {
        return Ok(None);
    }
    let previous = with_suffix(database, &format!(".before-{}", decided_at(&file)?.format("%Y%m%dT%H%M%S%.3fZ")));
    let mut moved = false;
    for suffix in FILE_SUFFIXES {
        moved |= rename_existing(&with_suffix(database, suffix), &with_suffix(&previous, suffix))?;
    }
    std::fs::rename(&ready, database)?;
    sync_folder(database)?;
    Ok((moved || previous.exists()).then_some(previous))
}

/// The time at which the replacement was written, the same whenever it is asked.
fn decided_at(ready: &File) -> io::Result<DateTime<Utc>> {
    ready.metadata()?.modified().map(DateTime::from)
}

fn rename_existing(from: &Path, to: &Path) -> io::Result<bool> {
    match std::fs::rename(from, to) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn remove_all(database: &Path) -> io::Result<()> {
    for suffix in FILE_SUFFIXES {
        match std::fs::remove_file(with_suffix(database, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Makes renames in the folder of a file durable.
#[cfg(unix)]
fn sync_folder(file: &Path) -> io::Result<()> {
    file.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// Windows makes renames durable with the volume's journal; a folder cannot be opened as a file.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The files of a folder with a replacement that is decided and was interrupted after some of the renames.
    fn interrupted(folder: &Path, renames: usize) -> PathBuf {
        let database = folder.join("task.db");
        std::fs::write(with_suffix(&database, READY_SUFFIX), "new").unwrap();
        let ready = File::open(with_suffix(&database, READY_SUFFIX)).unwrap();
        let previous = with_suffix(&database, &format!(".before-{}", decided_at(&ready).unwrap().format("%Y%m%dT%H%M%S%.3fZ")));
        for (number, suffix) in FILE_SUFFIXES.iter().enumerate() {
            let base = if number < renames { &previous } else { &database };
            std::fs::write(with_suffix(base, suffix), format!("old{suffix}")).unwrap();
        }
        database
    }

    #[test]
    fn complete_continues_after_each_rename() {
        for renames in 0..=FILE_SUFFIXES.len() {
            let folder = tempfile::tempdir().unwrap();
            let database = interrupted(folder.path(), renames);
            let previous = complete(&database).unwrap().expect("there was a database");
            let read = |path: &Path| std::fs::read_to_string(path).unwrap();
            assert_eq!(read(&database), "new", "{renames}");
            for suffix in FILE_SUFFIXES {
                assert_eq!(read(&with_suffix(&previous, suffix)), format!("old{suffix}"), "{renames}");
            }
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4, "{renames}");
            assert_eq!(complete(&database).unwrap(), None, "there is nothing left to do");
        }
    }
}
