//! Files and folders that only the server's account may use: modes on Unix, an access control list on Windows.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

#[cfg(windows)]
mod acl;

/// Creates a folder with its parents, if it is missing. New folders are for their owner only, whatever the umask.
pub fn create_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    #[cfg(windows)]
    acl::restrict(path, &[])?;
    Ok(())
}

/// Creates an empty file for its owner only, if it is missing.
pub fn create_file(path: &Path) -> io::Result<()> {
    append(path).map(drop)
}

/// Creates a file for its owner only.
///
/// # Errors
/// The file exists already.
pub fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    // Nothing is in it yet. In a restricted folder it has the list of the folder, which may name the account of a service.
    #[cfg(windows)]
    if !acl::is_protected(folder_of(path))? {
        acl::restrict(path, &[])?;
    }
    Ok(file)
}

/// Opens a file for appending; a new one is for its owner only.
pub fn append(path: &Path) -> io::Result<File> {
    #[cfg(windows)]
    match create_new(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        created => drop(created?),
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Takes all permissions from a file or folder that are not in `allowed`.
#[cfg(unix)]
pub fn restrict(path: &Path, allowed: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path)?.permissions().mode() & 0o7777;
    match mode & !allowed {
        0 => Ok(()),
        _ => std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode & allowed)),
    }
}

/// Gives a folder, with all that is and will be in it, to this account and SYSTEM alone, unless somebody has set its access control list.
#[cfg(windows)]
pub fn restrict_inherited(path: &Path) -> io::Result<()> {
    if acl::is_protected(path)? { Ok(()) } else { acl::restrict(path, &[]) }
}

/// Gives a folder to this account, SYSTEM and another account, by its name, alone.
#[cfg(windows)]
pub fn share_with(path: &Path, account: &str) -> io::Result<()> {
    acl::restrict(path, &[account])
}

/// Whether a file is closed to other accounts: it, or the folder that it is in, takes no permissions from a parent folder.
#[cfg(windows)]
pub fn is_private(path: &Path) -> io::Result<bool> {
    Ok(acl::is_protected(path)? || acl::is_protected(folder_of(path))?)
}

#[cfg(windows)]
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
