//! The files that tasks may read and write: the folders of the settings, some of them for tasks with given tags only. What belongs
//! to Belfry itself (database, key, log, backups, executables) is never among them.

use std::path::{Component, Path, PathBuf};

use crate::i18n::{Message, message};

/// A folder whose files tasks may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFolder {
    pub path: PathBuf,
    /// Only tasks with one of these tags; empty: every task.
    pub tags: Vec<String>,
}

/// The folders that tasks may use, and those that they may not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileFolders {
    /// Relative paths are resolved against the first. The innermost folder that contains a file decides.
    pub open: Vec<FileFolder>,
    /// Closed unless a folder inside is open: the data folder.
    pub closed: Vec<PathBuf>,
    /// Closed with everything inside, whatever is open: backups, executables, keys.
    pub private: Vec<PathBuf>,
}

impl FileFolder {
    /// A folder for every task.
    pub fn for_all(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), tags: Vec::new() }
    }

    fn allows(&self, tags: &[String]) -> bool {
        self.tags.is_empty() || self.tags.iter().any(|tag| tags.contains(tag))
    }
}

impl FileFolders {
    /// The absolute path of a file that a task with these tags may use, with symbolic links resolved before the check. The folder
    /// must exist, the file need not. Blocks on disk access, so call it from a blocking thread.
    ///
    /// # Errors
    /// The folder does not exist, or the task may not use its files.
    pub fn resolve(&self, path: &Path, tags: &[String]) -> Result<PathBuf, Message> {
        let base = self.open.first().map(|folder| folder.path.clone()).unwrap_or_default();
        let full = base.join(path);
        match resolve(&full) {
            Some(real) if self.allows(&real, tags) => regular(real),
            Some(_) => {
                let allowed: Vec<PathBuf> =
                    self.open.iter().filter(|folder| folder.allows(tags)).map(|folder| folder.path.clone()).collect();
                Err(message!("limit.file_folder", folder = shown_parent(&full), allowed = join_paths(&allowed)))
            }
            None => Err(message!("limit.folder_not_found", folder = shown_parent(&full))),
        }
    }

    fn allows(&self, real: &Path, tags: &[String]) -> bool {
        if innermost(&self.private, real).is_some() {
            return false;
        }
        let open = self.open.iter().filter_map(|folder| Some((innermost(std::slice::from_ref(&folder.path), real)?, folder)));
        let open: Vec<(usize, &FileFolder)> = open.collect();
        let Some(depth) = open.iter().map(|(depth, _)| *depth).max() else { return false };
        if innermost(&self.closed, real).is_some_and(|closed| closed >= depth) {
            return false;
        }
        // An entry with tags limits a folder that is also open to every task.
        let deepest = || open.iter().filter(|(at, _)| *at == depth).map(|(_, folder)| folder);
        let limited = deepest().any(|folder| !folder.tags.is_empty());
        deepest().any(|folder| folder.allows(tags) && (!limited || !folder.tags.is_empty()))
    }

    /// The tags to which folders are limited.
    pub fn tags(&self) -> impl Iterator<Item = &String> {
        self.open.iter().flat_map(|folder| &folder.tags)
    }
}

/// The path, unless it is a pipe, socket or device, whose reader could wait forever.
fn regular(real: PathBuf) -> Result<PathBuf, Message> {
    match std::fs::metadata(&real) {
        Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => {
            Err(message!("limit.special_file", file = real.display().to_string()))
        }
        _ => Ok(real),
    }
}

/// The number of components of the innermost of these folders that contains a path.
fn innermost(folders: &[PathBuf], real: &Path) -> Option<usize> {
    let real_folders = folders.iter().filter_map(|folder| folder.canonicalize().ok());
    real_folders.filter(|folder| real.starts_with(folder)).map(|folder| folder.components().count()).max()
}

/// The path with symbolic links and `..` resolved; for a file that does not exist yet, its folder is resolved.
pub(super) fn resolve(path: &Path) -> Option<PathBuf> {
    if let Ok(real) = path.canonicalize() {
        return Some(real);
    }
    let name = path.components().next_back().filter(|last| matches!(last, Component::Normal(_)))?;
    Some(path.parent()?.canonicalize().ok()?.join(name))
}

fn shown_parent(path: &Path) -> String {
    path.parent().unwrap_or(path).display().to_string()
}

pub(super) fn join_paths(folders: &[PathBuf]) -> String {
    folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str) {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
    }

    fn within(folder: &Path) -> FileFolders {
        FileFolders { open: vec![FileFolder::for_all(folder)], ..FileFolders::default() }
    }

    #[test]
    fn resolve_rejects_paths_outside_the_folders() {
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(inside.path(), "a.csv");
        write(outside.path(), "b.csv");
        let folders = within(inside.path());
        let resolve = |path: &Path| folders.resolve(path, &[]).map_err(|message| message.to_string());
        let real = inside.path().canonicalize().unwrap();
        assert_eq!(resolve(Path::new("a.csv")), Ok(real.join("a.csv")));
        assert_eq!(resolve(Path::new("new.csv")), Ok(real.join("new.csv")), "the file need not exist");
        for path in ["../b.csv", "/etc/passwd", "nowhere/../../b.csv", ".."] {
            assert!(resolve(Path::new(path)).is_err(), "{path}");
        }
        assert!(resolve(&outside.path().join("b.csv")).unwrap_err().contains("[files] folders"));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(outside.path().join("b.csv"), inside.path().join("link.csv")).unwrap();
            assert!(resolve(Path::new("link.csv")).is_err(), "a symbolic link out of the folder");
            let _socket = std::os::unix::net::UnixListener::bind(inside.path().join("socket")).unwrap();
            assert!(resolve(Path::new("socket")).is_err(), "a socket, whose reader could wait forever");
        }
    }

    #[test]
    fn files_of_belfry_are_closed_even_inside_an_open_folder() {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("data");
        for name in ["task.db", "secret.key", "files/a.txt", "backups/b.db", "backups/inner/c.db", "tasks/run.sh"] {
            write(&data, name);
        }
        write(root.path(), "free.txt");
        let open = [data.join("files"), root.path().to_owned(), data.join("backups/inner")];
        let folders = FileFolders {
            open: open.into_iter().map(FileFolder::for_all).collect(),
            closed: vec![data.clone()],
            private: vec![data.join("backups"), data.join("tasks")],
        };
        let allowed = |name: &str| folders.resolve(&root.path().join(name), &[]).is_ok();
        assert!(allowed("free.txt") && allowed("data/files/a.txt"));
        for name in [
            "data/task.db",
            "data/secret.key",
            "data/new.db",
            "data/backups/b.db",
            "data/backups/inner/c.db",
            "data/tasks/run.sh",
        ] {
            assert!(!allowed(name), "{name}");
        }
        assert!(folders.resolve(Path::new("../task.db"), &[]).is_err());
    }

    #[test]
    fn folders_with_tags_are_for_tasks_with_one_of_them() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "all.txt");
        write(root.path(), "red/r.txt");
        let red = FileFolder { path: root.path().join("red"), tags: vec!["red".into()] };
        let folders = FileFolders { open: vec![FileFolder::for_all(root.path()), red], ..FileFolders::default() };
        let allowed = |name: &str, tags: &[&str]| {
            let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
            folders.resolve(Path::new(name), &tags).is_ok()
        };
        assert!(allowed("all.txt", &[]) && allowed("red/r.txt", &["x", "red"]));
        assert!(!allowed("red/r.txt", &[]) && !allowed("red/r.txt", &["blue"]), "the innermost folder decides");
        let tagged = |tag: &str| FileFolder { path: root.path().to_owned(), tags: vec![tag.into()] };
        let open = vec![FileFolder::for_all(root.path()), tagged("red"), tagged("blue")];
        let twice = FileFolders { open, ..FileFolders::default() };
        let allowed = |tags: &[String]| twice.resolve(Path::new("all.txt"), tags).is_ok();
        assert!(allowed(&["red".to_owned()]) && allowed(&["blue".to_owned()]) && !allowed(&["green".to_owned()]));
    }
}
