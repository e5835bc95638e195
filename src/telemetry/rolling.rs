//! A log file with rotation by size: `x.log` becomes `x.log.1`, that one `x.log.2`, and so on. The newest lines are always in
//! `x.log`.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A writer that rotates its file before a write would exceed the maximum size.
pub struct RollingFile {
    path: PathBuf,
    max_bytes: u64,
    keep: u32,
    /// `None` only during rotation: Windows cannot rename an open file.
    file: Option<File>,
    size: u64,
}

impl RollingFile {
    /// Opens the file for appending, creating it if necessary. `keep` is the number of rotated files kept.
    ///
    /// # Errors
    /// The file cannot be opened for writing.
    pub fn open(path: PathBuf, max_bytes: u64, keep: u32) -> io::Result<Self> {
        let mut rolling = Self { path, max_bytes, keep, file: None, size: 0 };
        rolling.reopen()?;
        Ok(rolling)
    }

    fn reopen(&mut self) -> io::Result<&mut File> {
        let file = crate::private_files::append(&self.path)?;
        self.size = file.metadata()?.len();
        Ok(self.file.insert(file))
    }

    /// Rotates the files. If a file cannot be renamed (another program has it open), writing continues in the same file.
    fn rotate(&mut self) {
        self.file = None;
        if self.keep == 0 {
            let _ = std::fs::remove_file(&self.path); // on failure writing continues in the same file
            return;
        }
        for number in (1..self.keep).rev() {
            let _ = std::fs::rename(numbered(&self.path, number), numbered(&self.path, number + 1)); // may not exist yet
        }
        let _ = std::fs::rename(&self.path, numbered(&self.path, 1)); // on failure writing continues in the same file
    }
}

impl Write for RollingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.size > 0 && self.size.saturating_add(bytes.len() as u64) > self.max_bytes {
            self.rotate();
        }
        let file = match self.file.as_mut() {
            Some(file) => file,
            None => self.reopen()?,
        };
        file.write_all(bytes)?;
        self.size = self.size.saturating_add(bytes.len() as u64);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), File::flush)
    }
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(keep: u32) -> (tempfile::TempDir, Vec<(String, String)>) {
        let folder = tempfile::tempdir().expect("create a temporary folder");
        let mut log = RollingFile::open(folder.path().join("x.log"), 8, keep).expect("open the log");
        for line in ["one..\n", "two..\n", "three\n", "four.\n"] {
            log.write_all(line.as_bytes()).expect("write a line");
        }
        let mut files: Vec<(String, String)> = std::fs::read_dir(folder.path())
            .expect("list the folder")
            .map(|entry| entry.expect("read an entry"))
            .map(|entry| {
                (entry.file_name().to_string_lossy().into_owned(), std::fs::read_to_string(entry.path()).expect("read the file"))
            })
            .collect();
        files.sort();
        (folder, files)
    }

    #[test]
    fn rotation_keeps_the_newest_lines_in_the_plain_file() {
        let (_folder, files) = written(2);
        let expected = [("x.log", "four.\n"), ("x.log.1", "three\n"), ("x.log.2", "two..\n")];
        assert_eq!(files, expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
    }

    #[test]
    fn rotation_with_keep_zero_deletes_old_lines() {
        let (_folder, files) = written(0);
        assert_eq!(files, [("x.log".to_owned(), "four.\n".to_owned())]);
    }

    #[test]
    fn open_appends_to_an_existing_file() {
        let folder = tempfile::tempdir().expect("create a temporary folder");
        let path = folder.path().join("x.log");
        for line in ["a\n", "b\n"] {
            let mut log = RollingFile::open(path.clone(), 100, 1).expect("open the log");
            log.write_all(line.as_bytes()).expect("write a line");
        }
        assert_eq!(std::fs::read_to_string(path).expect("read the file"), "a\nb\n");
    }
}
