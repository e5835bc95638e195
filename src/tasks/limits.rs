//! Limits on what task types may do: programs, folders, files and private addresses. Each error names the setting behind it.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::files::{FileFolder, FileFolders, join_paths, resolve};
use super::public_address::is_public;
use crate::i18n::{Message, message};

/// The limits of the settings `[commands]`, `[files]` and `[network]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Programs that may be started, by name or absolute path; empty: any.
    pub programs: Vec<String>,
    /// Working folders allowed for commands; empty: any.
    pub command_folders: Vec<PathBuf>,
    /// The folders whose files may be read and written.
    pub files: FileFolders,
    /// The folders that backups may be written to; relative paths are resolved against the first.
    pub backup_folders: Vec<PathBuf>,
    /// Whether HTTP requests to addresses that are not public are allowed.
    pub private_addresses: bool,
}

impl Limits {
    /// Limits files to `folder`; everything else is allowed.
    pub fn within(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        let files = FileFolders { open: vec![FileFolder::for_all(&folder)], ..FileFolders::default() };
        Self { programs: Vec::new(), command_folders: Vec::new(), files, backup_folders: vec![folder], private_addresses: true }
    }

    /// Checks that a program may be started. A name in the list allows only that name, searched in PATH; a path only that path.
    pub fn check_program(&self, program: &str) -> Result<(), Message> {
        if self.programs.is_empty() || self.programs.iter().any(|allowed| allowed == program) {
            return Ok(());
        }
        Err(message!("limit.program", program, allowed = self.programs.join(", ")))
    }

    /// Checks that a command may use a working folder. `None` is the server's own.
    pub fn check_command_folder(&self, folder: Option<&Path>) -> Result<(), Message> {
        if self.command_folders.is_empty() {
            return Ok(());
        }
        let allowed = join_paths(&self.command_folders);
        let Some(folder) = folder else {
            return Err(message!("limit.folder_required", allowed));
        };
        match resolve(folder).is_some_and(|real| is_within(&real, &self.command_folders)) {
            true => Ok(()),
            false => Err(message!("limit.command_folder", folder = folder.display().to_string(), allowed)),
        }
    }

    /// The absolute path of a folder for backups, with symbolic links resolved before the check. Its parent must exist. Blocks on
    /// disk access, so call it from a blocking thread.
    pub fn resolve_backup_folder(&self, path: &Path) -> Result<PathBuf, Message> {
        let full = self.backup_folders.first().cloned().unwrap_or_default().join(path);
        let allowed = || join_paths(&self.backup_folders);
        match resolve(&full) {
            Some(real) if is_within(&real, &self.backup_folders) => Ok(real),
            Some(_) => Err(message!("limit.backup_folder", folder = full.display().to_string(), allowed = allowed())),
            None => Err(message!("limit.folder_not_found", folder = full.parent().unwrap_or(&full).display().to_string())),
        }
    }

    /// Checks that HTTP requests may go to an address.
    pub fn check_address(&self, address: IpAddr) -> Result<(), Message> {
        if self.private_addresses || is_public(address) {
            return Ok(());
        }
        Err(message!("limit.private_address", address = address.to_string()))
    }
}

fn is_within(real: &Path, folders: &[PathBuf]) -> bool {
    folders.iter().filter_map(|folder| folder.canonicalize().ok()).any(|folder| real.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backups_go_to_their_own_folders() {
        let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let limits = Limits { backup_folders: vec![own.path().into()], ..Limits::within(other.path()) };
        let real = own.path().canonicalize().unwrap();
        assert_eq!(limits.resolve_backup_folder(Path::new("daily")), Ok(real.join("daily")));
        assert_eq!(limits.resolve_backup_folder(Path::new(".")), Ok(real));
        for path in ["..", "../x", other.path().to_str().unwrap()] {
            let refused = limits.resolve_backup_folder(Path::new(path)).unwrap_err().to_string();
            assert!(refused.contains("[backup] folders"), "{refused}");
        }
    }

    #[test]
    fn programs_and_working_folders_are_limited_to_the_lists() {
        let folder = tempfile::tempdir().unwrap();
        let mut limits = Limits::within(folder.path());
        assert_eq!((limits.check_program("sh"), limits.check_command_folder(None)), (Ok(()), Ok(())));
        limits.programs = vec!["python3".into(), "/usr/bin/env".into()];
        limits.command_folders = vec![folder.path().into()];
        assert_eq!(limits.check_program("python3"), Ok(()));
        assert!(limits.check_program("/tmp/python3").is_err(), "a program of the same name in another folder");
        assert!(limits.check_program("env").is_err());
        assert_eq!(limits.check_command_folder(Some(folder.path())), Ok(()));
        assert!(limits.check_command_folder(Some(&folder.path().join(".."))).is_err());
        assert!(limits.check_command_folder(None).is_err());
    }

    #[test]
    fn private_addresses_are_rejected_unless_allowed() {
        let mut limits = Limits::within(".");
        let private = [
            "127.0.0.1",
            "10.1.2.3",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
        ];
        assert!(private.iter().all(|address| limits.check_address(address.parse().unwrap()).is_ok()));
        limits.private_addresses = false;
        assert!(private.iter().all(|address| limits.check_address(address.parse().unwrap()).is_err()));
        for public in ["1.1.1.1", "223.5.5.5", "2400:3200::1"] {
            assert_eq!(limits.check_address(public.parse().unwrap()), Ok(()));
        }
    }
}
