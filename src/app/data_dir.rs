//! The data folder: created if it is missing, and removed again with everything the start put into it if the start fails.

use std::io;
use std::path::{Path, PathBuf};

use super::error::StartError;
use super::replacement;
use crate::config::reason;
use crate::i18n::{Message, message};
use crate::private_files;
use crate::telemetry::LOG_FILE;

/// The name of the database file in the data folder.
pub const DATABASE_FILE: &str = "task.db";
/// SQLite's write-ahead log of the database.
pub const WAL_FILE: &str = "task.db-wal";
/// The file that tells a data folder whose database was in use from a new one.
pub const MARKER_FILE: &str = "database.in-use";
const MARKER_TEXT: &str = "Belfry's database task.db was in use in this folder. While this file exists, Belfry does not start with a \
missing or empty database. Delete this file to start with an empty database on purpose.\n";
/// The name of the file with the encryption key of secrets in the data folder.
pub const KEY_FILE: &str = "secret.key";
/// The subfolder whose files tasks may read and write.
pub const FILES_FOLDER: &str = "files";
/// The subfolder for the backups of tasks.
pub const BACKUPS_FOLDER: &str = "backups";
/// The subfolder whose executables are task types, unless the settings name another.
pub const EXECUTABLES_FOLDER: &str = "tasks";
/// The files that only the server's account may read.
#[cfg(unix)]
const SECRET_FILES: [&str; 6] = [DATABASE_FILE, WAL_FILE, "task.db-shm", "task.db-journal", LOG_FILE, KEY_FILE];
/// What a start may create in the folder; files before the folder that contains them.
const CREATED_BY_START: [&str; 7] = [LOG_FILE, DATABASE_FILE, WAL_FILE, "task.db-shm", "task.db-journal", "nodes", FILES_FOLDER];

/// The data folder during the start. Dropped before [`DataDir::commit`], it removes what was created.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// Created folders, outermost first.
    new_folders: Vec<PathBuf>,
    /// Files of [`CREATED_BY_START`] that did not exist before.
    new_files: Vec<PathBuf>,
}

impl DataDir {
    /// Creates the folder if it is missing and checks that it is writable. A restore that was interrupted is completed.
    pub fn prepare(path: &Path) -> Result<DataDir, StartError> {
        if path.exists() && !path.is_dir() {
            return Err(StartError::data_dir(path, message!("start.not_folder")));
        }
        let mut folder = DataDir { path: path.to_owned(), new_folders: missing_folders(path), new_files: Vec::new() };
        private_files::create_folder(path).map_err(|error| StartError::data_dir(path, describe(&error)))?;
        restrict(path);
        try_writing(path).map_err(|error| StartError::data_dir(path, describe(&error)))?;
        // First, so that a failed start does not take the restored database for a file of its own.
        let completed = replacement::complete(&folder.database_file());
        if let Some(previous) = completed.map_err(|error| StartError::data_dir(path, describe(&error)))? {
            tracing::info!(previous = %previous.display(), "completed an interrupted restore");
        }
        folder.new_files = CREATED_BY_START.iter().map(|name| path.join(name)).filter(|file| !file.exists()).collect();
        std::fs::create_dir_all(path.join(FILES_FOLDER)).map_err(|error| StartError::data_dir(path, describe(&error)))?;
        Ok(folder)
    }

    /// Creates the database file for its owner only, if it is missing; SQLite gives its other files the same permissions.
    ///
    /// # Errors
    /// [`StartError::DatabaseLost`] if the file is missing or empty although the folder was in use.
    pub fn create_database_file(&self) -> Result<PathBuf, StartError> {
        let failed = |error: io::Error| StartError::data_dir(&self.path, describe(&error));
        let file = self.database_file();
        if is_empty(&file)
            && let Some(evidence) = self.evidence_of_use()
        {
            return Err(StartError::DatabaseLost { path: file, evidence });
        }
        private_files::create_file(&file).map_err(failed)?;
        Ok(file)
    }

    /// The file that shows that the folder holds, or held, a database: the marker, or changes that are not yet in the database.
    fn evidence_of_use(&self) -> Option<PathBuf> {
        let (marker, wal) = (self.path.join(MARKER_FILE), self.path.join(WAL_FILE));
        [(marker.exists(), marker), (!is_empty(&wal), wal)].into_iter().find_map(|(found, file)| found.then_some(file))
    }

    pub fn database_file(&self) -> PathBuf {
        self.path.join(DATABASE_FILE)
    }

    /// Keeps what was created, and marks the folder as in use if it holds the database; called when the start has succeeded.
    pub fn commit(&mut self) {
        self.new_folders.clear();
        self.new_files.clear();
        let marker = self.path.join(MARKER_FILE);
        if is_empty(&self.database_file()) || marker.exists() {
            return;
        }
        if let Err(error) = std::fs::write(&marker, MARKER_TEXT) {
            tracing::warn!(file = %marker.display(), %error, "failed to mark the data folder as in use");
        }
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        for file in &self.new_files {
            let _ = if file.is_dir() { std::fs::remove_dir(file) } else { std::fs::remove_file(file) }; // may not exist
        }
        for folder in self.new_folders.iter().rev() {
            let _ = std::fs::remove_dir(folder); // stays if another program put files into it
        }
    }
}

/// Takes the permissions of others from an existing folder and its files, as far as they belong to this account.
#[cfg(unix)]
fn restrict(path: &Path) {
    let folder = is_own(path).then(|| path.to_owned());
    for (path, mode) in folder.into_iter().map(|path| (path, 0o700)).chain(SECRET_FILES.map(|name| (path.join(name), 0o600))) {
        let _ = private_files::restrict(&path, mode); // it may not exist, or belong to another account that shares it
    }
}

/// Takes the permissions of others from an existing folder, unless somebody has set its access control list.
#[cfg(windows)]
fn restrict(path: &Path) {
    if is_own(path) {
        let _ = private_files::restrict_inherited(path); // it may belong to another account that shares it
    }
}

/// Whether the folder holds nothing, or Belfry's files: only then are its permissions Belfry's to set, not if the user names a folder
/// such as /tmp.
fn is_own(path: &Path) -> bool {
    let mut entries = std::fs::read_dir(path).into_iter().flatten();
    entries.next().is_none() || path.join(DATABASE_FILE).exists() || path.join(LOG_FILE).exists()
}

/// The folders that must be created, outermost first.
fn missing_folders(path: &Path) -> Vec<PathBuf> {
    let mut missing: Vec<PathBuf> =
        path.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).map(Path::to_owned).collect();
    missing.reverse();
    missing
}

/// Whether a file is missing or has no content.
fn is_empty(file: &Path) -> bool {
    std::fs::metadata(file).map_or(true, |metadata| metadata.len() == 0)
}

fn try_writing(folder: &Path) -> io::Result<()> {
    let probe = folder.join(format!(".belfry-{}", std::process::id()));
    std::fs::write(&probe, b"")?;
    std::fs::remove_file(&probe)
}

fn describe(error: &io::Error) -> Message {
    match error.kind() {
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => message!("start.path_of_file"),
        _ => Message::verbatim(reason(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("list the folder");
        entries.map(|entry| entry.expect("read an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn drop_removes_what_was_created() {
        let root = tempfile::tempdir().expect("create a temporary folder");
        let folder = DataDir::prepare(&root.path().join("a/b")).expect("prepare the data folder");
        std::fs::write(folder.database_file(), b"half").expect("write a file");
        drop(folder);
        assert_eq!(names(root.path()), Vec::<String>::new());
    }

    #[test]
    fn drop_keeps_what_existed_before() {
        let root = tempfile::tempdir().expect("create a temporary folder");
        std::fs::write(root.path().join(DATABASE_FILE), b"old").expect("write a file");
        std::fs::write(root.path().join("mine.txt"), b"mine").expect("write a file");
        drop(DataDir::prepare(root.path()).expect("prepare the data folder"));
        assert_eq!(names(root.path()).len(), 2);
    }

    #[test]
    fn drop_keeps_the_database_of_a_completed_restore() {
        let root = tempfile::tempdir().expect("create a temporary folder");
        std::fs::write(root.path().join("task.db.restored"), b"restored").expect("write a file");
        drop(DataDir::prepare(root.path()).expect("prepare the data folder"));
        assert_eq!(names(root.path()), [DATABASE_FILE]);
    }

    #[test]
    fn commit_keeps_what_was_created() {
        let root = tempfile::tempdir().expect("create a temporary folder");
        let mut folder = DataDir::prepare(&root.path().join("a")).expect("prepare the data folder");
        folder.commit();
        drop(folder);
        assert_eq!(names(root.path()), ["a"]);
    }

    #[test]
    fn empty_or_missing_database_of_a_used_folder_is_refused() {
        let root = tempfile::tempdir().expect("create a temporary folder");
        let path = |name: &str| root.path().join(name);
        let open = || DataDir::prepare(root.path()).and_then(|data| data.create_database_file().map(|_| ()));
        let mut data = DataDir::prepare(root.path()).expect("prepare the data folder");
        std::fs::write(data.create_database_file().expect("a new folder"), b"content").expect("write a file");
        data.commit();
        assert!(open().is_ok());
        for lost in ["empty", "missing"] {
            match lost {
                "empty" => std::fs::write(path(DATABASE_FILE), b"").expect("empty the file"),
                _ => std::fs::remove_file(path(DATABASE_FILE)).expect("remove the file"),
            }
            let error = open().expect_err(lost).to_string();
            assert!(error.contains(MARKER_FILE) && error.contains("belfry restore"), "{lost}: {error}");
            assert_eq!(path(DATABASE_FILE).exists(), lost == "empty", "nothing is created");
        }
        std::fs::remove_file(path(MARKER_FILE)).expect("remove the marker");
        std::fs::write(path("task.db-wal"), b"changes").expect("write a file");
        assert!(open().expect_err("changes without their database").to_string().contains("task.db-wal"));
        std::fs::remove_file(path("task.db-wal")).expect("remove the file");
        assert!(open().is_ok(), "a new start on purpose");
    }

    #[cfg(unix)]
    #[test]
    fn folder_and_files_are_for_the_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| std::fs::metadata(path).expect("is there").permissions().mode() & 0o777;
        let set = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("set the permissions");
        };
        let root = tempfile::tempdir().expect("create a temporary folder");
        let data = root.path().join("data");
        let mut folder = DataDir::prepare(&data).expect("prepare the data folder");
        let file = folder.create_database_file().expect("create the database file");
        folder.commit();
        assert_eq!((mode(&data), mode(&file)), (0o700, 0o600));
        set(&data, 0o755);
        set(&file, 0o644);
        DataDir::prepare(&data).expect("prepare the data folder").commit();
        assert_eq!((mode(&data), mode(&file)), (0o700, 0o600), "also if they existed before");
        let other = root.path().join("other");
        std::fs::create_dir(&other).expect("create a folder");
        std::fs::write(other.join("mine.txt"), b"mine").expect("write a file");
        set(&other, 0o755);
        DataDir::prepare(&other).expect("prepare the data folder").commit();
        assert_eq!(mode(&other), 0o755, "a folder of somebody else's files is left alone");
    }

    #[test]
    fn prepare_rejects_a_path_that_is_a_file() {
        let root = tempfile::tempdir().expect("create a temporary folder");
        let file = root.path().join("data");
        std::fs::write(&file, b"").expect("write a file");
        for path in [file.clone(), file.join("inner")] {
            let error = DataDir::prepare(&path).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains("is a file") && error.contains("--data-dir"), "{error}");
        }
    }
}
