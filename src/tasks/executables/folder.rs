//! Scan of the folder of executables.

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
    pub version: FileVersion,
    /// Every user of the machine may write the file, and could thereby run code as Belfry.
    pub world_writable: bool,
}

/// Modification time and size, which change when a file is rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileVersion {
    modified: Option<SystemTime>,
    size: u64,
}

/// The executables in a folder, sorted by path; empty if the folder does not exist. Blocks on disk access.
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
    let version = FileVersion { modified: metadata.modified().ok(), size: metadata.len() };
    Some(Candidate { name, version, world_writable: is_world_writable(&metadata), path })
}

#[cfg(unix)]
fn is_executable(_path: &Path, metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(unix)]
fn is_world_writable(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o002 != 0
}

#[cfg(not(unix))]
fn is_executable(path: &Path, _metadata: &Metadata) -> bool {
    ["exe", "cmd", "bat", "ps1", "py"].contains(&extension(path).as_str())
}

/// Access control lists of other systems are not checked.
#[cfg(not(unix))]
fn is_world_writable(_metadata: &Metadata) -> bool {
    false
}

/// A file's extension in lower case; empty if it has none.
#[cfg(windows)]
pub(super) fn extension(path: &Path) -> String {
    path.extension().map(|extension| extension.to_string_lossy().to_lowercase()).unwrap_or_default()
}
