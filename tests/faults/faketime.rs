//! A wall clock that a scenario sets: libfaketime, loaded before the program, adds an offset from a file. The monotonic clock is left
//! alone, as when a person or a time service sets the clock of a machine.

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};

use crate::fire::now;

/// Times that the clock passed one after the other: from the first to the last.
#[derive(Debug, Clone, Copy)]
struct Passage {
    from: DateTime<Utc>,
    /// Between `from` and this time the clock was set, or the server did not run.
    certain_from: DateTime<Utc>,
    to: DateTime<Utc>,
}

/// How long before a step back the server may have decided last, and how exact the times of the steps are.
const MARGIN: TimeDelta = TimeDelta::milliseconds(1500);

pub struct FakeClock {
    folder: tempfile::TempDir,
    library: PathBuf,
    offset: TimeDelta,
    passages: Vec<Passage>,
    /// When the server was told to stop.
    stopped_at: Option<DateTime<Utc>>,
}

impl FakeClock {
    /// A clock that is right. `None` without libfaketime: the test prints a line and is skipped. In CI this panics instead.
    pub fn new() -> Option<FakeClock> {
        let Some(library) = library() else {
            assert!(std::env::var_os("CI").is_none(), "libfaketime is required in CI");
            eprintln!("skipped: libfaketime was not found");
            return None;
        };
        let folder = tempfile::tempdir().expect("create a temporary folder");
        let clock = FakeClock { folder, library, offset: TimeDelta::zero(), passages: Vec::new(), stopped_at: None };
        clock.write();
        Some(clock)
    }

    /// The environment variables of a program with this clock.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let shown = |path: &Path| path.to_str().expect("a path in UTF-8").to_owned();
        let mut variables = vec![("LD_PRELOAD", shown(&self.library)), ("FAKETIME_TIMESTAMP_FILE", shown(&self.file()))];
        let switches = ["FAKETIME_NO_CACHE", "FAKETIME_DONT_FAKE_MONOTONIC", "DONT_FAKE_MONOTONIC", "NO_FAKE_STAT"];
        variables.extend(switches.map(|name| (name, "1".to_owned())));
        variables
    }

    pub fn now(&self) -> DateTime<Utc> {
        now() + self.offset
    }

    /// Times count from now on, for instance because the tasks exist.
    pub fn begin(&mut self, created_from: DateTime<Utc>) {
        let at = self.now();
        self.passages.push(Passage { from: created_from, certain_from: at, to: at });
    }

    /// Sets the clock ahead or back.
    pub fn step(&mut self, by: TimeDelta) {
        let before = self.now();
        self.offset += by;
        self.write();
        let after = self.now();
        if by > TimeDelta::zero() {
            return; // what lies between counts as passed
        }
        if let Some(last) = self.passages.last_mut() {
            last.to = self.stopped_at.take().unwrap_or(before);
            let from = after.min(before + by);
            self.passages.push(Passage { from, certain_from: after, to: after });
        }
    }

    /// Sets the clock to a time.
    pub fn set(&mut self, to: DateTime<Utc>) {
        let by = to - self.now();
        self.step(by);
    }

    /// The server is told to stop: from now on it does not see the time.
    pub fn unseen(&mut self) {
        self.stopped_at = Some(self.now());
    }

    /// The server runs again: until now it could not see the time.
    pub fn seen_again(&mut self) {
        let at = self.now();
        if let Some(last) = self.passages.last_mut() {
            last.certain_from = at;
        }
    }

    /// The tasks do not fire any more.
    pub fn end(&mut self) {
        let at = self.now();
        if let Some(last) = self.passages.last_mut() {
            last.to = at;
        }
    }

    /// Whether a time must be on record.
    pub fn has_passed(&self, at: DateTime<Utc>) -> bool {
        let is_last = |place: usize| place + 1 == self.passages.len();
        let end = |place: usize, passage: &Passage| if is_last(place) { passage.to } else { passage.to - MARGIN };
        self.passages.iter().enumerate().any(|(place, one)| one.certain_from < at && at < end(place, one))
    }

    /// Whether a time may be on record.
    pub fn may_have_passed(&self, at: DateTime<Utc>) -> bool {
        self.passages.iter().any(|one| one.from - MARGIN <= at && at <= one.to + MARGIN)
    }

    /// The first and the last time that may be on record.
    pub fn extent(&self) -> (DateTime<Utc>, DateTime<Utc>) {
        let first = self.passages.iter().map(|one| one.from - MARGIN).min();
        let last = self.passages.iter().map(|one| one.to + MARGIN).max();
        first.zip(last).expect("times passed")
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("offset")
    }

    fn write(&self) {
        let text = format!("{:+.3}\n", self.offset.num_milliseconds() as f64 / 1000.0);
        let next = self.folder.path().join("next");
        std::fs::write(&next, text).and_then(|()| std::fs::rename(&next, self.file())).expect("write the offset");
    }
}

/// The library as Debian and others install it.
fn library() -> Option<PathBuf> {
    let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib"];
    let library = |folder: &&str| Path::new(folder).join("faketime/libfaketimeMT.so.1");
    folders.iter().map(library).find(|library| library.exists())
}
