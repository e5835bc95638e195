//! The folder of executables: which of its files are some.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// An executable in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub path: PathBuf,
    /// The file's name without its extension.
    pub name: String,
    pub stamp: Stamp,
    /// Everybody on this machine may write it, and so would run what they like as Belfry.
    pub open_to_all: bool,
}

/// What changes when a file is written anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
}

/// The executables of a folder, by the names of their files; none where there is no such folder. It looks at the disk.
///
/// # Errors
/// Where the folder cannot be read.
pub(super) fn scan(folder: &Path) -> io::Result<Vec<Candidate>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found: Vec<Candidate> = entries.filter_map(|entry| candidate(entry.ok()?.path())).collect();
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn candidate(path: PathBuf) -> Option<Candidate> {
    let metadata = std::fs::metadata(&path).ok()?;
    let name = path.file_stem()?.to_str()?.to_owned();
    if name.starts_with('.') || !metadata.is_file() || !is_executable(&path, &metadata) {
        return None;
    }
    let stamp = Stamp { modified: metadata.modified().ok(), size: metadata.len() };
    Some(Candidate { name, stamp, open_to_all: is_open_to_all(&metadata), path })
}

#[cfg(unix)]
fn is_executable(_path: &Path, metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(unix)]
fn is_open_to_all(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o002 != 0
}

#[cfg(not(unix))]
fn is_executable(path: &Path, _metadata: &Metadata) -> bool {
    ["exe", "cmd", "bat", "ps1", "py"].contains(&extension(path).as_str())
}

/// Where who may write is a matter of lists that are not looked at here.
#[cfg(not(unix))]
fn is_open_to_all(_metadata: &Metadata) -> bool {
    false
}

/// A file's extension in lower case, empty where it has none.
#[cfg(windows)]
pub(super) fn extension(path: &Path) -> String {
    path.extension().map(|extension| extension.to_string_lossy().to_lowercase()).unwrap_or_default()
}
