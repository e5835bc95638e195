//! Search of a log file and its rotated files, newest first.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::SearchResult;
use super::condition::Counts;
use super::content::{self, Packing};
use super::lines;
use super::log_time::TimeReader;
use super::open_files::{OpenFile, Snapshot};
use super::params::{OWN_LOG, Params};
use crate::domain::input::truncate;
use crate::i18n::message;
use crate::tasks::task_files::TaskFiles;
use crate::tasks::{RunContext, RunError, Toolbox};

/// Maximum number of files searched.
const FILES_MAX: usize = 100;
/// Maximum number of lines scanned.
const LINES_MAX: u64 = 50_000_000;
/// Maximum length of a line in the result, in characters.
const LINE_MAX: usize = 500;
/// Lines between two checks for cancellation.
const STEP: u64 = 4_096;
/// Searches begun again because the log was copied and truncated meanwhile.
const RESTARTS_MAX: usize = 5;
/// For lines without a year, a file that was written last before this was written in a past year perhaps.
const OLD: TimeDelta = TimeDelta::days(180);

pub(super) async fn search(toolbox: &Toolbox, params: Arc<Params>, context: &RunContext) -> Result<SearchResult, RunError> {
    let stop = context.cancel.child_token();
    // Dropping this future cancels the token, so that the thread ends at its next check.
    let _cancel_on_drop = stop.clone().drop_guard();
    let files = toolbox.files_of(&context.task_id).await?;
    let (own_log, zone, now) = (toolbox.data_dir.join(OWN_LOG), toolbox.zone, toolbox.clock.now());
    let work = move || {
        let path = if params.path == OWN_LOG { own_log } else { resolve_path(&files, &params.path)? };
        let zone = params.timezone.unwrap_or(zone);
        let new =
            || Search { params: &params, zone, now, stop: &stop, looked_at: 0, count: 0, unknown_time: 0, matches: Vec::new() };
        for _ in 0..=RESTARTS_MAX {
            let snapshot = Snapshot::open(&path).map_err(|error| unreadable(&path, &error))?;
            let mut search = new();
            let (names, complete) = search.files(&snapshot)?;
            if !snapshot.is_outdated(&path) {
                return match names.is_empty() {
                    true => Err(RunError::fail(message!("log.not_found", file = path.display().to_string()))),
                    false => Ok(search.into_result(names, complete)),
                };
            }
        }
        Err(RunError::retry(message!("log.rotated", file = file_name(&path))))
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| RunError::internal(&error))?
}

/// The path of a file that the task may use.
fn resolve_path(files: &TaskFiles, path: &str) -> Result<PathBuf, RunError> {
    files.resolve(Path::new(path)).map_err(|message| RunError::fail(message.of("path")))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn unreadable(path: &Path, error: &io::Error) -> RunError {
    RunError::retry(message!("log.unreadable", file = file_name(path), error = error.to_string()))
}

struct Search<'s> {
    params: &'s Params,
    zone: Tz,
    now: DateTime<Utc>,
    stop: &'s CancellationToken,
    looked_at: u64,
    count: u64,
    /// Lines that match the pattern and whose time is unknown, although times are limited.
    unknown_time: u64,
    /// Newest first.
    matches: Vec<Value>,
}

impl Search<'_> {
    /// Searches the files. Returns the names of those that were read, and whether these are all.
    fn files(&mut self, snapshot: &Snapshot) -> Result<(Vec<String>, bool), RunError> {
        let mut names = Vec::new();
        for file in snapshot.files.iter().take(FILES_MAX) {
            if self.is_needed(file)? {
                self.file(file)?;
                names.push(file_name(&file.path));
            }
        }
        Ok((names, snapshot.files.len() <= FILES_MAX && self.looked_at < LINES_MAX))
    }

    /// Whether a file must be read. One in a format that is not read is left out if all of its lines are too old.
    fn is_needed(&self, file: &OpenFile) -> Result<bool, RunError> {
        let Packing::Other(format) = file.packing else { return Ok(true) };
        let written = file.modified.map(DateTime::<Utc>::from);
        match self.params.from.zip(written) {
            Some((from, written)) if written < from => Ok(false),
            _ => Err(RunError::fail(message!("log.packed", file = file_name(&file.path), format))),
        }
    }

    fn file(&mut self, file: &OpenFile) -> Result<(), RunError> {
        let opened = file.file.try_clone();
        let opened = opened.and_then(|opened| content::open(opened, file.length, file.packing, self.params.encoding));
        let written = file.modified.map(DateTime::<Utc>::from).filter(|written| *written < self.now - OLD);
        let times = TimeReader::new(self.zone, self.params.time_format.as_ref(), written.unwrap_or(self.now));
        let name = file_name(&file.path);
        let read = opened.and_then(|mut reader| self.read(&mut reader, &name, times));
        match read.map_err(|error| unreadable(&file.path, &error))? {
            true => Ok(()),
            false => Err(RunError::fail(message!("log.no_times", file = name))),
        }
    }

    /// Reads a file. Returns whether its times can be told, if they are limited.
    fn read(&mut self, reader: &mut Box<dyn io::BufRead>, name: &str, mut times: TimeReader<'_>) -> io::Result<bool> {
        let limited = self.params.from.is_some() || self.params.to.is_some();
        let mut newest: VecDeque<Value> = VecDeque::new();
        let capacity = self.params.limit - self.matches.len();
        let (mut line, mut number, mut at, mut has_text) = (Vec::new(), 0_u64, None, false);
        while self.looked_at < LINES_MAX && lines::next(reader, &mut line)? {
            self.looked_at += 1;
            number += 1;
            if self.looked_at.is_multiple_of(STEP) && self.stop.is_cancelled() {
                return Err(io::Error::other("the search was cancelled"));
            }
            let text = String::from_utf8_lossy(&line);
            if limited {
                has_text |= !text.trim().is_empty();
                // A line without a time, as in a stack trace, has the time of the line above.
                at = times.read(&text).or(at);
            }
            if !self.matches(&text, at, limited) {
                continue;
            }
            self.count += 1;
            if capacity > 0 {
                if newest.len() == capacity {
                    newest.pop_front();
                }
                newest.push_back(json!({"file": name, "line": number, "text": truncate(&text, LINE_MAX)}));
            }
        }
        self.matches.extend(newest.into_iter().rev());
        Ok(!limited || at.is_some() || !has_text)
    }

    /// Whether a line matches. One whose time is unknown is counted apart where times are limited.
    fn matches(&mut self, text: &str, at: Option<DateTime<Utc>>, limited: bool) -> bool {
        if at.is_some_and(|at| !self.params.is_within(at)) {
            return false;
        }
        if !self.params.pattern.as_ref().is_none_or(|pattern| pattern.is_match(text)) {
            return false;
        }
        let unknown = limited && at.is_none();
        self.unknown_time += u64::from(unknown && !text.trim().is_empty());
        !unknown
    }

    fn into_result(self, files: Vec<String>, complete: bool) -> SearchResult {
        let counts = Counts { count: self.count, failed: None };
        let result = json!({
            "source": "file", "count": self.count, "unknown_time": self.unknown_time, "looked_at": self.looked_at, "complete": complete,
            "files": files, "matches": self.matches,
        });
        SearchResult { counts, result }
    }
}
