//! The files of copies: each under a name with its time, written aside first, so that whatever has its name is whole.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use crate::tasks::RunError;

const BEGINNING: &str = "belfry-";
/// UTC, to the millisecond.
const TIME: &str = "%Y%m%dT%H%M%S%.3fZ";
/// What a copy that is being written ends with; it begins with a dot.
const PART: &str = ".part";

/// What a copy's name ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// A SQLite database.
    Sqlite,
    /// PostgreSQL's custom archive.
    Postgres,
}

impl Ending {
    const ALL: [Ending; 2] = [Ending::Sqlite, Ending::Postgres];

    fn as_str(self) -> &'static str {
        match self {
            Ending::Sqlite => ".db",
            Ending::Postgres => ".dump",
        }
    }
}

/// A copy that is being written; removed when this is dropped before it is finished.
#[derive(Debug)]
pub(super) struct Part {
    folder: PathBuf,
    name: String,
    path: PathBuf,
}

impl Part {
    /// Makes an empty file that only this account may read: a copy holds what tasks were given.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn begin(folder: &Path, ending: Ending, now: DateTime<Utc>) -> Result<Part, RunError> {
        let name = format!("{BEGINNING}{}{}", now.format(TIME), ending.as_str());
        let path = folder.join(format!(".{name}{PART}"));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&path) {
            Ok(_empty) => Ok(Part { folder: folder.to_owned(), name, path }),
            Err(error) => Err(RunError::retry(format!("{} cannot be written: {error}", folder.display()))),
        }
    }

    /// Where the copy is to be written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the copy its name.
    ///
    /// # Errors
    /// Where it cannot be renamed.
    pub fn finish(&self) -> Result<PathBuf, RunError> {
        let whole = self.folder.join(&self.name);
        let failed = |error| RunError::retry(format!("{} cannot be written: {error}", whole.display()));
        // What has its name must be whole after a power cut too.
        OpenOptions::new().write(true).open(&self.path).and_then(|file| file.sync_all()).map_err(failed)?;
        std::fs::rename(&self.path, &whole).map_err(failed)?;
        Ok(whole)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _was_given_its_name = std::fs::remove_file(&self.path);
    }
}

/// Removes all copies but the newest `keep`, and what a crash left half-written more than a day ago. Answers the names of
/// the copies that went.
pub(super) fn tidy(folder: &Path, keep: Option<usize>, now: DateTime<Utc>) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let is_stale = |name: &String| {
        let made = name.strip_prefix('.').and_then(|name| name.strip_suffix(PART)).and_then(time_of);
        made.is_some_and(|made| now - made > TimeDelta::days(1))
    };
    for name in names.iter().filter(|name| is_stale(name)) {
        let _tried_again_next_time = std::fs::remove_file(folder.join(name));
    }
    let mut copies: Vec<(DateTime<Utc>, &String)> = names.iter().filter_map(|name| Some((time_of(name)?, name))).collect();
    copies.sort();
    let gone = copies.len().saturating_sub(keep.unwrap_or(usize::MAX));
    let old = copies.into_iter().take(gone).map(|(_, name)| name.clone());
    old.filter(|name| std::fs::remove_file(folder.join(name)).is_ok()).collect()
}

/// When a copy was made; `None` for a file that is not one of ours.
fn time_of(name: &str) -> Option<DateTime<Utc>> {
    let rest = name.strip_prefix(BEGINNING)?;
    let time = Ending::ALL.iter().find_map(|ending| rest.strip_suffix(ending.as_str()))?;
    NaiveDateTime::parse_from_str(time, TIME).ok().map(|time| time.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-21T08:00:00.123Z".parse().unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn only_what_is_finished_has_its_name() {
        let folder = tempfile::tempdir().unwrap();
        drop(Part::begin(folder.path(), Ending::Sqlite, now()).unwrap());
        assert_eq!(names(folder.path()), Vec::<String>::new());
        let part = Part::begin(folder.path(), Ending::Sqlite, now()).unwrap();
        assert!(Part::begin(folder.path(), Ending::Sqlite, now()).is_err(), "two never write one file");
        part.finish().unwrap();
        drop(part);
        assert_eq!(names(folder.path()), ["belfry-20261121T080000.123Z.db"]);
    }

    #[test]
    fn the_newest_stay_and_what_is_not_ours_stays_too() {
        let folder = tempfile::tempdir().unwrap();
        let ours = ["belfry-20261121T080000.000Z.db", "belfry-20261120T080000.000Z.dump", "belfry-20251231T235959.999Z.db"];
        let others = ["belfry-old.db", "belfry-20200101T000000.000Z.txt", "notes.db", ".belfry-20261121T075900.000Z.db.part"];
        let left = ".belfry-20261101T080000.000Z.db.part";
        for name in ours.iter().chain(&others).chain([&left]) {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        assert_eq!(tidy(folder.path(), None, now()), Vec::<String>::new());
        assert_eq!(tidy(folder.path(), Some(1), now()), [ours[2], ours[1]]);
        let mut expected: Vec<_> = [&ours[..1], &others[..]].concat();
        expected.sort_unstable();
        assert_eq!(names(folder.path()), expected);
    }
}
