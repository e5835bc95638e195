//! The data folder: made where it is missing, and taken away again with all that was put into it when the start fails.

use std::io;
use std::path::{Path, PathBuf};

use super::error::StartError;
use crate::config::reason;
use crate::telemetry::LOG_FILE;

/// The database's name in the data folder.
pub const DATABASE_FILE: &str = "task.db";
/// The file with the key of secrets in the data folder.
pub const KEY_FILE: &str = "secret.key";
/// The folder below it whose files tasks may read and write.
pub const FILES_FOLDER: &str = "files";
/// The folder below it whose executables are task types, where the settings name no other.
pub const EXECUTABLES_FOLDER: &str = "tasks";
/// What a start may put into the folder; files before the folder that holds them.
const OURS: [&str; 7] = [LOG_FILE, DATABASE_FILE, "task.db-wal", "task.db-shm", "task.db-journal", "nodes", FILES_FOLDER];

/// The folder, until the start has succeeded: dropped before [`DataDir::keep`], what was made is removed.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// Folders made, outermost first.
    made: Vec<PathBuf>,
    /// Files of ours that were not there before.
    new_files: Vec<PathBuf>,
}

impl DataDir {
    /// Makes the folder where it is missing, and tries whether it can be written.
    ///
    /// # Errors
    /// Where it cannot.
    pub fn prepare(path: &Path) -> Result<DataDir, StartError> {
        if path.exists() && !path.is_dir() {
            return Err(StartError::data_dir(path, "a file of that name is in the way"));
        }
        let mut folder = DataDir { path: path.to_owned(), made: missing(path), new_files: Vec::new() };
        std::fs::create_dir_all(path).map_err(|error| StartError::data_dir(path, told(&error)))?;
        try_writing(path).map_err(|error| StartError::data_dir(path, told(&error)))?;
        folder.new_files = OURS.iter().map(|name| path.join(name)).filter(|file| !file.exists()).collect();
        std::fs::create_dir_all(path.join(FILES_FOLDER)).map_err(|error| StartError::data_dir(path, told(&error)))?;
        Ok(folder)
    }

    pub fn database_file(&self) -> PathBuf {
        self.path.join(DATABASE_FILE)
    }

    /// The start has succeeded: what was made stays.
    pub fn keep(&mut self) {
        self.made.clear();
        self.new_files.clear();
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        for file in &self.new_files {
            let _was_never_made = if file.is_dir() { std::fs::remove_dir(file) } else { std::fs::remove_file(file) };
        }
        for folder in self.made.iter().rev() {
            let _stays_where_others_use_it = std::fs::remove_dir(folder);
        }
    }
}

/// The folders that have to be made, outermost first.
fn missing(path: &Path) -> Vec<PathBuf> {
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

fn told(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => "a file is in the way of its path".to_owned(),
        _ => reason(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("lists");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_failed_start_leaves_nothing() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = DataDir::prepare(&root.path().join("a/b")).expect("is made");
        std::fs::write(folder.database_file(), b"half").expect("writes");
        drop(folder);
        assert_eq!(names(root.path()), Vec::<String>::new());
    }

    #[test]
    fn a_failed_start_touches_nothing_that_was_there() {
        let root = tempfile::tempdir().expect("a folder");
        std::fs::write(root.path().join(DATABASE_FILE), b"old").expect("writes");
        std::fs::write(root.path().join("mine.txt"), b"mine").expect("writes");
        drop(DataDir::prepare(root.path()).expect("is there"));
        assert_eq!(names(root.path()).len(), 2);
    }

    #[test]
    fn a_successful_start_keeps_what_was_made() {
        let root = tempfile::tempdir().expect("a folder");
        let mut folder = DataDir::prepare(&root.path().join("a")).expect("is made");
        folder.keep();
        drop(folder);
        assert_eq!(names(root.path()), ["a"]);
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let root = tempfile::tempdir().expect("a folder");
        let file = root.path().join("data");
        std::fs::write(&file, b"").expect("writes");
        for path in [file.clone(), file.join("inner")] {
            let refused = DataDir::prepare(&path).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(refused.contains("in the way") && refused.contains("--data-dir"), "{refused}");
        }
    }
}
