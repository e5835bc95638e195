//! The data folder: created if it is missing, and removed again with everything the start put into it if the start fails.

use std::io;
use std::path::{Path, PathBuf};

use super::error::StartError;
use crate::config::reason;
use crate::telemetry::LOG_FILE;

/// The name of the database file in the data folder.
pub const DATABASE_FILE: &str = "task.db";
/// The name of the file with the encryption key of secrets in the data folder.
pub const KEY_FILE: &str = "secret.key";
/// The subfolder whose files tasks may read and write.
pub const FILES_FOLDER: &str = "files";
/// The subfolder whose executables are task types, unless the settings name another.
pub const EXECUTABLES_FOLDER: &str = "tasks";
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
        std::fs::create_dir_all(path).map_err(|error| StartError::data_dir(path, describe(&error)))?;
        try_writing(path).map_err(|error| StartError::data_dir(path, describe(&error)))?;
        folder.new_files = CREATED_BY_START.iter().map(|name| path.join(name)).filter(|file| !file.exists()).collect();
        std::fs::create_dir_all(path.join(FILES_FOLDER)).map_err(|error| StartError::data_dir(path, describe(&error)))?;
        Ok(folder)
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
