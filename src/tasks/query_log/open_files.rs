//! Opens the files of a log while they may be rotated: each line is in exactly one of the opened files.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use super::content::{Packing, packing};
use super::rotated::{self, LogFile};

/// Attempts to open the files of a log between two rotations.
const ATTEMPTS: usize = 20;
const PAUSE: Duration = Duration::from_millis(20);
/// Bytes by which a copy is recognised.
const START: u64 = 4_096;
/// A file with the beginning of the current one is a copy of it while it grows, and so many pauses after that.
const COPY_PAUSES: usize = 50;
/// The longest wait for a copy, in pauses.
const COPY_PAUSES_MAX: usize = 1_500;

/// An opened file of a log.
pub(super) struct OpenFile {
    pub path: PathBuf,
    pub file: File,
    /// The size when it was opened, in bytes.
    pub length: u64,
    pub modified: Option<SystemTime>,
    pub packing: Packing,
}

/// The files of a log at one moment, newest first.
pub(super) struct Snapshot {
    pub files: Vec<OpenFile>,
    listed: Vec<LogFile>,
}

impl Snapshot {
    /// Opens all files of the log; empty if there are none.
    ///
    /// # Errors
    /// A file cannot be opened, or the log is rotated again and again.
    pub fn open(path: &Path) -> io::Result<Snapshot> {
        let mut copying = CopyWait::default();
        for attempt in 0..ATTEMPTS + COPY_PAUSES_MAX {
            let listed = rotated::files(path);
            let opened = listed.iter().map(|file| open(&file.path)).collect::<io::Result<Vec<_>>>();
            let files = match opened {
                Ok(files) => files,
                // Renamed or deleted since it was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound && attempt < ATTEMPTS => {
                    sleep(PAUSE);
                    continue;
                }
                Err(error) => return Err(error),
            };
            if copying.must_wait(path, &files)? {
                sleep(PAUSE);
            } else if rotated::files(path) == listed {
                return Ok(Snapshot { files, listed });
            }
        }
        Err(io::Error::other("the log is rotated again and again"))
    }

    /// Whether the log was copied and truncated since it was opened, so that lines may have been missed. A rotation by renaming does
    /// not matter, because the opened files stay the same.
    pub fn is_outdated(&self, path: &Path) -> bool {
        let now = rotated::files(path);
        now.first() == self.listed.first() && now.iter().any(|file| !self.listed.iter().any(|known| known.is_same(file)))
    }
}

fn open(path: &Path) -> io::Result<OpenFile> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    let packing = packing(&mut file)?;
    Ok(OpenFile { path: path.to_owned(), file, length: metadata.len(), modified: metadata.modified().ok(), packing })
}

/// Waits while a copy of the current file exists that precedes its truncation.
#[derive(Default)]
struct CopyWait {
    length: u64,
    unchanged: usize,
    pauses: usize,
}

impl CopyWait {
    fn must_wait(&mut self, path: &Path, files: &[OpenFile]) -> io::Result<bool> {
        let Some((current, rotated)) = files.split_first().filter(|(current, _)| current.path == path && current.length > 0)
        else {
            return Ok(false);
        };
        let mut copy = None;
        for file in rotated.iter().filter(|file| (1..=current.length).contains(&file.length)) {
            let length = file.length.min(START);
            if start(&current.path, length)? == start(&file.path, length)? {
                copy = Some(file.length);
            }
        }
        let Some(length) = copy else { return Ok(false) };
        self.unchanged = if length == self.length { self.unchanged + 1 } else { 0 };
        self.length = length;
        self.pauses += 1;
        Ok(self.unchanged < COPY_PAUSES && self.pauses < COPY_PAUSES_MAX)
    }
}

/// The first bytes of a file; none if it was renamed meanwhile.
fn start(path: &Path, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(length).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    Ok(bytes)
}
