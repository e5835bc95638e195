//! Files and folders that only the server's account may use: modes on Unix, an access control list on Windows.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

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
    restrict_to_owner(path)?;
    Ok(())
}

/// Creates an empty file for its owner only, if it is missing.
pub fn create_file(path: &Path) -> io::Result<()> {
    append_options().open(path).map(drop)
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
    options.open(path)
}

/// Opens a file for appending; a new one is for its owner only.
pub fn append(path: &Path) -> io::Result<File> {
    append_options().open(path)
}

fn append_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
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

/// Gives a new folder, with all that will be in it, to its owner and the system alone.
#[cfg(windows)]
fn restrict_to_owner(path: &Path) -> io::Result<()> {
    // OWNER RIGHTS and SYSTEM by their well-known identifiers, which have the same name in every language of Windows.
    let grants = ["*S-1-3-4:(OI)(CI)F", "*S-1-5-18:(OI)(CI)F"];
    let mut command = std::process::Command::new("icacls");
    command.arg(path).args(["/inheritance:r", "/grant:r"]).args(grants).arg("/Q");
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    if command.status()?.success() { Ok(()) } else { Err(io::Error::other("icacls cannot restrict the folder to its owner")) }
}
