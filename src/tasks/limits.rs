//! Limits on what task types may do: programs, folders, files and private addresses. Each error names the setting behind it.

use std::net::IpAddr;
use std::path::{Component, Path, PathBuf};

/// The limits of the settings `[commands]`, `[files]` and `[network]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Programs that may be started, by name or absolute path; empty: any.
    pub programs: Vec<String>,
    /// Working folders allowed for commands; empty: any.
    pub command_folders: Vec<PathBuf>,
    /// Folders whose files may be read and written; relative paths are resolved against the first.
    pub file_folders: Vec<PathBuf>,
    /// Whether HTTP requests to private, loopback and link-local addresses are allowed.
    pub private_addresses: bool,
}

impl Limits {
    /// Limits files to `folder`; everything else is allowed.
    pub fn within(folder: impl Into<PathBuf>) -> Self {
        Self { programs: Vec::new(), command_folders: Vec::new(), file_folders: vec![folder.into()], private_addresses: true }
    }

    /// Checks that a program may be started. A name in the list allows only that name, searched in PATH; a path only that path.
    pub fn check_program(&self, program: &str) -> Result<(), String> {
        if self.programs.is_empty() || self.programs.iter().any(|allowed| allowed == program) {
            return Ok(());
        }
        let allowed = self.programs.join(", ");
        Err(format!("the program '{program}' is not allowed here; [commands] programs allows {allowed}"))
    }

    /// Checks that a command may use a working folder. `None` is the server's own.
    pub fn check_command_folder(&self, folder: Option<&Path>) -> Result<(), String> {
        if self.command_folders.is_empty() {
            return Ok(());
        }
        let allowed = join_paths(&self.command_folders);
        let Some(folder) = folder else {
            return Err(format!("a working folder is required; [commands] folders allows {allowed}"));
        };
        match resolve(folder).is_some_and(|real| is_within(&real, &self.command_folders)) {
            true => Ok(()),
            false => Err(format!("commands may not run in {}; [commands] folders allows {allowed}", folder.display())),
        }
    }

    /// The absolute path of a file to read or write, with symbolic links resolved before the check. The folder must exist, the
    /// file need not. Blocks on disk access, so call it from a blocking thread.
    pub fn resolve_file(&self, path: &Path) -> Result<PathBuf, String> {
        let base = self.file_folders.first().cloned().unwrap_or_default();
        let full = base.join(path);
        match resolve(&full) {
            Some(real) if is_within(&real, &self.file_folders) => Ok(real),
            Some(_) => {
                let allowed = join_paths(&self.file_folders);
                Err(format!("tasks may not use files in {}; [files] folders allows {allowed}", parent_of(&full).display()))
            }
            None => Err(format!("folder not found: {}", parent_of(&full).display())),
        }
    }

    /// Checks that HTTP requests may go to an address.
    pub fn check_address(&self, address: IpAddr) -> Result<(), String> {
        if self.private_addresses || is_public(address) {
            return Ok(());
        }
        Err(format!("{address} is a private address; [network] private_addresses = false does not allow it"))
    }
}

/// The path with symbolic links and `..` resolved; for a file that does not exist yet, its folder is resolved.
fn resolve(path: &Path) -> Option<PathBuf> {
    if let Ok(real) = path.canonicalize() {
        return Some(real);
    }
    let name = path.components().next_back().filter(|last| matches!(last, Component::Normal(_)))?;
    Some(path.parent()?.canonicalize().ok()?.join(name))
}

fn is_within(real: &Path, folders: &[PathBuf]) -> bool {
    folders.iter().filter_map(|folder| folder.canonicalize().ok()).any(|folder| real.starts_with(folder))
}

fn parent_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

fn join_paths(folders: &[PathBuf]) -> String {
    folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Whether an address is globally reachable (RFC 6890 and its successors).
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let reserved = a == 0 || a >= 240 || (a == 198 && (b == 18 || b == 19)) || v4.octets()[..3] == [192, 0, 0];
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_documentation()
                || shared
                || reserved)
        }
        IpAddr::V6(v6) => {
            let first = v6.segments()[0];
            let embeds_v4 = first == 0x2002 || v6.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
            let documentation = first == 0x2001 && v6.segments()[1] == 0xdb8;
            !(v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || embeds_v4
                || documentation)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolve_file_rejects_paths_outside_the_folders() {
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(inside.path().join("a.csv"), "x").unwrap();
        std::fs::write(outside.path().join("b.csv"), "x").unwrap();
        let limits = Limits::within(inside.path());
        let real = inside.path().canonicalize().unwrap();
        assert_eq!(limits.resolve_file(Path::new("a.csv")), Ok(real.join("a.csv")));
        assert_eq!(limits.resolve_file(Path::new("new.csv")), Ok(real.join("new.csv")), "the file need not exist");
        for path in ["../b.csv", "/etc/passwd", "nowhere/../../b.csv", ".."] {
            assert!(limits.resolve_file(Path::new(path)).is_err(), "{path}");
        }
        assert!(limits.resolve_file(&outside.path().join("b.csv")).unwrap_err().contains("[files] folders"));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(outside.path().join("b.csv"), inside.path().join("link.csv")).unwrap();
            assert!(limits.resolve_file(Path::new("link.csv")).is_err(), "a symbolic link out of the folder");
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
