//! What task types may do on this machine and in its network, by the settings. Each refusal says which setting it comes from.

use std::net::IpAddr;
use std::path::{Component, Path, PathBuf};

/// The limits of the settings `[commands]`, `[files]` and `[network]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Programs that may be started, by name or whole path; empty: any.
    pub programs: Vec<String>,
    /// Folders in which commands may work; empty: any.
    pub command_folders: Vec<PathBuf>,
    /// Folders whose files may be read and written; the first is where a relative path begins.
    pub file_folders: Vec<PathBuf>,
    /// Whether HTTP may go to private, loopback and link-local addresses.
    pub private_addresses: bool,
}

impl Limits {
    /// No limits but to files: those in `folder` alone.
    pub fn within(folder: impl Into<PathBuf>) -> Self {
        Self { programs: Vec::new(), command_folders: Vec::new(), file_folders: vec![folder.into()], private_addresses: true }
    }

    /// Whether a program may be started. A name allows that name alone, found as the system finds it; a path that path.
    ///
    /// # Errors
    /// The refusal, for people.
    pub fn check_program(&self, program: &str) -> Result<(), String> {
        if self.programs.is_empty() || self.programs.iter().any(|allowed| allowed == program) {
            return Ok(());
        }
        let allowed = self.programs.join(", ");
        Err(format!("the program '{program}' is not allowed here; [commands] programs allows {allowed}"))
    }

    /// Whether a command may work in a folder. `None` is the server's own.
    ///
    /// # Errors
    /// The refusal, for people.
    pub fn check_command_folder(&self, folder: Option<&Path>) -> Result<(), String> {
        if self.command_folders.is_empty() {
            return Ok(());
        }
        let allowed = shown(&self.command_folders);
        let Some(folder) = folder else {
            return Err(format!("a command must name its folder here: [commands] folders allows {allowed}"));
        };
        match real(folder).is_some_and(|real| within(&real, &self.command_folders)) {
            true => Ok(()),
            false => Err(format!("commands may not work in {}; [commands] folders allows {allowed}", folder.display())),
        }
    }

    /// The whole path of a file that is to be read or written. The file itself need not exist, its folder must; links are
    /// followed before it is decided. It looks at the disk, so not for the async threads where disks are slow.
    ///
    /// # Errors
    /// The refusal, for people.
    pub fn file(&self, path: &Path) -> Result<PathBuf, String> {
        let base = self.file_folders.first().cloned().unwrap_or_default();
        let whole = base.join(path);
        match real(&whole) {
            Some(real) if within(&real, &self.file_folders) => Ok(real),
            Some(_) => {
                let allowed = shown(&self.file_folders);
                Err(format!("files in {} are not open to tasks; [files] folders opens {allowed}", folder_of(&whole).display()))
            }
            None => Err(format!("there is no folder {}", folder_of(&whole).display())),
        }
    }

    /// Whether HTTP may go to an address.
    ///
    /// # Errors
    /// The refusal, for people.
    pub fn check_address(&self, address: IpAddr) -> Result<(), String> {
        if self.private_addresses || is_public(address) {
            return Ok(());
        }
        Err(format!("{address} is a private address; [network] private_addresses = false does not allow it"))
    }
}

/// The path with links followed and `..` resolved; of a file that does not exist yet, by its folder.
fn real(path: &Path) -> Option<PathBuf> {
    if let Ok(real) = path.canonicalize() {
        return Some(real);
    }
    let name = path.components().next_back().filter(|last| matches!(last, Component::Normal(_)))?;
    Some(path.parent()?.canonicalize().ok()?.join(name))
}

fn within(real: &Path, folders: &[PathBuf]) -> bool {
    folders.iter().filter_map(|folder| folder.canonicalize().ok()).any(|folder| real.starts_with(folder))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

fn shown(folders: &[PathBuf]) -> String {
    folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Whether an address is one of the open Internet (RFC 6890 and its successors, as far as a host can be reached there).
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
    fn files_outside_are_refused_however_they_are_written() {
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(inside.path().join("a.csv"), "x").unwrap();
        std::fs::write(outside.path().join("b.csv"), "x").unwrap();
        let limits = Limits::within(inside.path());
        let real = inside.path().canonicalize().unwrap();
        assert_eq!(limits.file(Path::new("a.csv")), Ok(real.join("a.csv")));
        assert_eq!(limits.file(Path::new("new.csv")), Ok(real.join("new.csv")), "it need not exist");
        for path in ["../b.csv", "/etc/passwd", "nowhere/../../b.csv", ".."] {
            assert!(limits.file(Path::new(path)).is_err(), "{path}");
        }
        assert!(limits.file(&outside.path().join("b.csv")).unwrap_err().contains("[files] folders"));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(outside.path().join("b.csv"), inside.path().join("link.csv")).unwrap();
            assert!(limits.file(Path::new("link.csv")).is_err(), "a link leads out");
        }
    }

    #[test]
    fn programs_and_folders_of_commands_are_bounded_where_they_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let mut limits = Limits::within(folder.path());
        assert_eq!((limits.check_program("sh"), limits.check_command_folder(None)), (Ok(()), Ok(())));
        limits.programs = vec!["python3".into(), "/usr/bin/env".into()];
        limits.command_folders = vec![folder.path().into()];
        assert_eq!(limits.check_program("python3"), Ok(()));
        assert!(limits.check_program("/tmp/python3").is_err(), "another program of that name");
        assert!(limits.check_program("env").is_err());
        assert_eq!(limits.check_command_folder(Some(folder.path())), Ok(()));
        assert!(limits.check_command_folder(Some(&folder.path().join(".."))).is_err());
        assert!(limits.check_command_folder(None).is_err());
    }

    #[test]
    fn private_addresses_are_told_apart() {
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
