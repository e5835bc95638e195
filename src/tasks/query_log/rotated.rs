//! The files of a log: the current one and those that were rotated away, by the usual namings.

use std::cmp::Reverse;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

/// A file of a log, with what tells whether it is still the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogFile {
    pub path: PathBuf,
    identity: Identity,
}

impl LogFile {
    /// Whether both are the same file, whatever their names.
    pub fn is_same(&self, other: &LogFile) -> bool {
        self.identity == other.identity
    }
}

/// The identity of a file, which a rename does not change.
type Identity = (u64, u64);

/// What follows the name of a log, or stands before its extension, in the name of a rotated file: numbers and dates.
static MIDDLE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[._-]([0-9]+(?:[-_.:T][0-9]+)*)$").ok());
/// Extensions of compressed files, also those that are not read.
const PACKED: [&str; 12] = [".gz", ".zst", ".zstd", ".xz", ".bz2", ".lz4", ".zip", ".7z", ".Z", ".lzma", ".tgz", ".gzip"];

/// Lists the files of a log, newest first: the file itself, `x.log.1`, `x.log.2.gz`, `x.log-20260101`, `x.log.2026-01-01`, `x-1.log`,
/// `x.2026-01-01.0.log.gz`. A file that is there both plain and compressed is being compressed: only the plain one counts.
pub(super) fn files(path: &Path) -> Vec<LogFile> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return file(path).into_iter().collect() };
    let folder = path.parent().unwrap_or(Path::new("."));
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let mut rotated: Vec<(Age, &String)> = names.iter().filter_map(|found| Some((age(name, found)?, found))).collect();
    rotated.retain(|(_, found)| unpacked(found).is_none_or(|plain| plain == name || !names.iter().any(|name| name == plain)));
    rotated.sort_unstable();
    // Symbolic links are skipped, because they could lead out of the allowed folders.
    let is_plain = |path: &PathBuf| std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
    let rotated = rotated.into_iter().map(|(_, found)| folder.join(found)).filter(is_plain);
    std::iter::once(path.to_owned()).chain(rotated).filter_map(|path| file(&path)).collect()
}

fn file(path: &Path) -> Option<LogFile> {
    let metadata = std::fs::metadata(path).ok().filter(Metadata::is_file)?;
    Some(LogFile { path: path.to_owned(), identity: identity(path, &metadata)? })
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "fails on Windows")]
fn identity(_path: &Path, metadata: &Metadata) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(windows)]
fn identity(path: &Path, _metadata: &Metadata) -> Option<Identity> {
    use std::os::windows::io::AsRawHandle;

    use windows_sys::Win32::Storage::FileSystem::{BY_HANDLE_FILE_INFORMATION, GetFileInformationByHandle};

    let file = std::fs::File::open(path).ok()?;
    let mut found = BY_HANDLE_FILE_INFORMATION::default();
    #[expect(unsafe_code, reason = "the standard library shows no file index")]
    // SAFETY: the handle is open, and the structure lives until the call has returned.
    let done = unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut found) };
    let index = u64::from(found.nFileIndexHigh) << 32 | u64::from(found.nFileIndexLow);
    // Not the time of its creation: a file that takes the name of one just renamed gets its time.
    (done != 0).then(|| (u64::from(found.dwVolumeSerialNumber), index))
}

/// The order of rotated files, newest first. Numbers at the end count up with the age; dates, and numbers before the extension, with the
/// time of the rotation.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Age {
    /// `x.log.old`.
    Previous,
    Numbered(Vec<u64>),
    Dated(Reverse<Vec<u64>>),
}

/// The age of a file, if its name is that of a rotated file of the log `name`.
fn age(name: &str, found: &str) -> Option<Age> {
    let plain = unpacked(found).unwrap_or(found);
    if plain == name {
        return (plain != found).then_some(Age::Previous);
    }
    if let Some(rest) = plain.strip_prefix(name) {
        if matches!(rest, ".old" | ".bak" | ".prev") {
            return Some(Age::Previous);
        }
        let numbers = numbers(rest.strip_suffix(".log").unwrap_or(rest))?;
        return Some(if is_dated(&numbers) { Age::Dated(Reverse(values(&numbers))) } else { Age::Numbered(values(&numbers)) });
    }
    let (stem, extension) = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty())?;
    let middle = plain.strip_prefix(stem)?.strip_suffix(extension)?.strip_suffix('.')?;
    Some(Age::Dated(Reverse(values(&numbers(middle)?))))
}

/// The name without an extension of compressed files.
fn unpacked(name: &str) -> Option<&str> {
    PACKED.iter().find_map(|extension| name.strip_suffix(extension))
}

fn numbers(middle: &str) -> Option<Vec<&str>> {
    let found = MIDDLE.as_ref()?.captures(middle)?.get(1)?.as_str();
    Some(found.split(['-', '_', '.', ':', 'T']).collect())
}

/// The values of numbers, with dates in one number (`20260101`, `2026010112`) split into their parts.
fn values(numbers: &[&str]) -> Vec<u64> {
    let parts = numbers.iter().flat_map(|number| {
        let date = number.len() >= 8 && number.len().is_multiple_of(2) && (number.starts_with("20") || number.starts_with("19"));
        let (year, rest) = number.split_at(if date { 4 } else { number.len() });
        std::iter::once(year).chain((0..rest.len()).step_by(2).map(move |place| &rest[place..place + 2]))
    });
    parts.map(|part| part.parse().unwrap_or(u64::MAX)).collect()
}

/// Whether the numbers begin with a date: `20260101`, `2026 01 01`, or seconds since 1970.
fn is_dated(numbers: &[&str]) -> bool {
    numbers.first().is_some_and(|first| first.len() >= 6 || first.len() == 4 && numbers.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(name: &str, found: &[&str]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for name in found {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        let files = files(&folder.path().join(name));
        files.iter().map(|file| file.path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn rotated_files_of_every_naming_are_found_newest_first() {
        for (name, newest_first) in [
            ("app.log", vec!["app.log", "app.log.1", "app.log.2.gz", "app.log.10.zst"]),
            ("messages", vec!["messages", "messages-20260201", "messages-20260131.gz", "messages-20260130-1769731200.xz"]),
            ("app.log", vec!["app.log", "app.log.2026-01-02_12-30", "app.log.2026-01-02", "app.log.2026-01-01.gz"]),
            ("app.log", vec!["app.log", "app-2.log", "app-1.log"]),
            ("app.log", vec!["app.log", "app.2026-01-02.0.log.gz", "app.2026-01-01.1.log.gz", "app.2026-01-01.0.log.gz"]),
            ("app.log", vec!["app-2026-01-02-1.log", "app_20260101.log"]),
            ("app.log", vec!["app.log", "app.log.old"]),
            ("app.log", vec!["app.log", "app.log.gz"]),
        ] {
            let mut written = newest_first.clone();
            written.reverse();
            assert_eq!(order(name, &written), newest_first);
        }
    }

    #[test]
    fn other_files_are_not_of_the_log() {
        let others = [
            "app.log",
            "app.log.1.swp",
            "app.log.gz.tmp",
            "app2.log",
            "application.log",
            "app-test.log",
            "app.log.lock",
            "myapp.log.1",
        ];
        assert_eq!(order("app.log", &others), ["app.log"]);
    }

    #[test]
    fn file_that_is_being_compressed_counts_once() {
        assert_eq!(
            order("app.log", &["app.log", "app.log.1", "app.log.1.gz", "app.log.2.gz"]),
            ["app.log", "app.log.1", "app.log.2.gz"]
        );
    }
}
