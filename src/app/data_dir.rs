//! The data folder: created if it is missing, and removed again with everything the start put into it if the start fails.

use std::io;
use std::path::{Path, PathBuf};

use super::error::StartError;
use crate::config::reason;
use crate::private_files;
use crate::telemetry::LOG_FILE;

/// The name of the database file in the data folder.
pub const DATABASE_FILE: &str = "task.db";
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
const SECRET_FILES: [&str; 6] = [DATABASE_FILE, "task.db-wal", "task.db-shm", "task.db-journal", LOG_FILE, KEY_FILE];
/// What a start may create in the folder; files before the folder that contains them.
const CREATED_BY_START: [&str; 7] =
    [LOG_FILE, DATABASE_FILE, "task.db-wal", "task.db-shm", "task.db-journal", "nodes", FILES_FOLDER];

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
    /// Creates the folder if it is missing and checks that it is writable.
    pub fn prepare(path: &Path) -> Result<DataDir, StartError> {
        if path.exists() && !path.is_dir() {
            return Err(StartError::data_dir(path, "it is a file, not a folder"));
        }
        let mut folder = DataDir { path: path.to_owned(), new_folders: missing_folders(path), new_files: Vec::new() };
        private_files::create_folder(path).map_err(|error| StartError::data_dir(path, describe(&error)))?;
        restrict(path);
        try_writing(path).map_err(|error| StartError::data_dir(path, describe(&error)))?;
        folder.new_files = CREATED_BY_START.iter().map(|name| path.join(name)).filter(|file| !file.exists()).collect();
        std::fs::create_dir_all(path.join(FILES_FOLDER)).map_err(|error| StartError::data_dir(path, describe(&error)))?;
        Ok(folder)
    }

    /// Creates the database file for its owner only, if it is missing; SQLite gives its other files the same permissions.
    pub fn create_database_file(&self) -> Result<PathBuf, StartError> {
        let file = self.database_file();
        private_files::create_file(&file).map_err(|error| StartError::data_dir(&self.path, describe(&error)))?;
        Ok(file)
    }

    pub fn database_file(&self) -> PathBuf {
        self.path.join(DATABASE_FILE)
    }

    /// Keeps what was created; called when the start has succeeded.
    pub fn commit(&mut self) {
        self.new_folders.clear();
        self.new_files.clear();
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

/// An existing folder keeps the access control list that its owner gave it.
#[cfg(windows)]
fn restrict(_path: &Path) {}

/// Whether the folder holds nothing, or Belfry's files: only then are its permissions Belfry's to set, not if the user names a folder
/// such as /tmp.
#[cfg(unix)]
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

fn try_writing(folder: &Path) -> io::Result<()> {
    let probe = folder.join(format!(".belfry-{}", std::process::id()));
    std::fs::write(&probe, b"")?;
    std::fs::remove_file(&probe)
}

fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => "a part of its path is a file".to_owned(),
        _ => reason(error),
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
    fn commit_keeps_what_was_created() {
        let root = tempfile::tempdir().expect("create a temporary folder");
        let mut folder = DataDir::prepare(&root.path().join("a")).expect("prepare the data folder");
        folder.commit();
        drop(folder);
        assert_eq!(names(root.path()), ["a"]);
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
