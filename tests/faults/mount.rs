//! A small file system in memory that a test can fill.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A mounted tmpfs, unmounted on drop.
pub struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    /// `None` if this account cannot mount: the test prints a line and is skipped. In CI this panics instead.
    pub fn mount(megabytes: u32) -> Option<SmallDisk> {
        let folder = tempfile::tempdir().expect("create a temporary folder");
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        let reason = match mounted {
            Ok(output) if output.status.success() => return Some(SmallDisk { folder }),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        assert!(std::env::var_os("CI").is_none(), "mounting a tmpfs is required in CI: {reason}");
        eprintln!("skipped: cannot mount a tmpfs, which takes root ({reason})");
        None
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Fills the disk to the last byte with one file.
    pub fn fill(&self) {
        let mut file = File::create(self.ballast()).expect("create a file");
        for size in [64 * 1024, 1] {
            let block = vec![b'x'; size];
            loop {
                match file.write(&block) {
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => panic!("cannot fill the disk: {error}"),
                }
            }
        }
    }

    /// Removes that file.
    pub fn free(&self) {
        std::fs::remove_file(self.ballast()).expect("remove the file");
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status(); // the folder of a failed test stays
    }
}
