//! A log file that is set aside when it has grown: `x.log` becomes `x.log.1`, that one `x.log.2`, and so on. The newest lines
//! always stand under the plain name.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes to a file and sets it aside when a write would take it past its size.
pub struct RollingFile {
    path: PathBuf,
    max_bytes: u64,
    keep: u32,
    /// `None` only while the file is being set aside: Windows renames no open file.
    file: Option<File>,
    size: u64,
}

impl RollingFile {
    /// Goes on with the file, or begins it. `keep`: how many set-aside files stay.
    ///
    /// # Errors
    /// Where the file cannot be opened for writing.
    pub fn open(path: PathBuf, max_bytes: u64, keep: u32) -> io::Result<Self> {
        let mut rolling = Self { path, max_bytes, keep, file: None, size: 0 };
        rolling.reopen()?;
        Ok(rolling)
    }

    fn reopen(&mut self) -> io::Result<&mut File> {
        let file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        self.size = file.metadata()?.len();
        Ok(self.file.insert(file))
    }

    /// Where a file cannot be renamed (another program holds it), writing goes on in the same one: lines matter more than sizes.
    fn set_aside(&mut self) {
        self.file = None;
        if self.keep == 0 {
            let _stays_where_it_cannot_go = std::fs::remove_file(&self.path);
            return;
        }
        for number in (1..self.keep).rev() {
            let _not_there_yet = std::fs::rename(numbered(&self.path, number), numbered(&self.path, number + 1));
        }
        let _stays_where_it_cannot_go = std::fs::rename(&self.path, numbered(&self.path, 1));
    }
}

impl Write for RollingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.size > 0 && self.size.saturating_add(bytes.len() as u64) > self.max_bytes {
            self.set_aside();
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
        let folder = tempfile::tempdir().expect("a folder");
        let mut log = RollingFile::open(folder.path().join("x.log"), 8, keep).expect("opens");
        for line in ["one..\n", "two..\n", "three\n", "four.\n"] {
            log.write_all(line.as_bytes()).expect("writes");
        }
        let mut files: Vec<(String, String)> = std::fs::read_dir(folder.path())
            .expect("lists")
            .map(|entry| entry.expect("an entry"))
            .map(|entry| {
                (entry.file_name().to_string_lossy().into_owned(), std::fs::read_to_string(entry.path()).expect("reads"))
            })
            .collect();
        files.sort();
        (folder, files)
    }

    #[test]
    fn the_newest_lines_stand_under_the_plain_name() {
        let (_folder, files) = written(2);
        let expected = [("x.log", "four.\n"), ("x.log.1", "three\n"), ("x.log.2", "two..\n")];
        assert_eq!(files, expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
    }

    #[test]
    fn nothing_is_kept_where_nothing_is_to_be_kept() {
        let (_folder, files) = written(0);
        assert_eq!(files, [("x.log".to_owned(), "four.\n".to_owned())]);
    }

    #[test]
    fn a_file_that_is_there_is_gone_on_with() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.log");
        for line in ["a\n", "b\n"] {
            let mut log = RollingFile::open(path.clone(), 100, 1).expect("opens");
            log.write_all(line.as_bytes()).expect("writes");
        }
        assert_eq!(std::fs::read_to_string(path).expect("reads"), "a\nb\n");
    }
}
