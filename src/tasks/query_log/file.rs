//! Search of a log file and its rotated files (`x.log`, `x.log.1`, `x.log.2.gz`, …), newest first.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::SearchResult;
use super::condition::Counts;
use super::lines;
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

pub(super) async fn search(toolbox: &Toolbox, params: Arc<Params>, context: &RunContext) -> Result<SearchResult, RunError> {
    let stop = context.cancel.child_token();
    // Dropping this future cancels the token, so that the thread ends at its next check.
    let _cancel_on_drop = stop.clone().drop_guard();
    let files = toolbox.files_of(&context.task_id).await?;
    let (own_log, zone) = (toolbox.data_dir.join(OWN_LOG), toolbox.zone);
    let work = move || {
        let path = if params.path == OWN_LOG { own_log } else { resolve_path(&files, &params.path)? };
        let mut search = Search { params: &params, zone, stop: &stop, looked_at: 0, count: 0, matches: Vec::new() };
        let mut names = Vec::new();
        for file in log_files(&path) {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let unreadable = |error: io::Error| message!("log.unreadable", file = &name, error = error.to_string());
            search.search_file(&file).map_err(|error| RunError::retry(unreadable(error)))?;
            names.push(name);
        }
        if names.is_empty() {
            return Err(RunError::fail(message!("log.not_found", file = path.display().to_string())));
        }
        Ok(search.into_result(names))
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| RunError::internal(&error))?
}

/// The path of a file that the task may use.
fn resolve_path(files: &TaskFiles, path: &str) -> Result<PathBuf, RunError> {
    files.resolve(Path::new(path)).map_err(|message| RunError::fail(message.of("path")))
}

/// The file and its rotated files, if they exist, newest first.
fn log_files(path: &Path) -> Vec<PathBuf> {
    let with = |ending: String| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    // Symbolic links are skipped, because they could lead out of the allowed folders.
    let is_plain = |path: &PathBuf| std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
    let mut found: Vec<PathBuf> = Some(path.to_owned()).into_iter().filter(|path| path.is_file()).collect();
    for number in 1..FILES_MAX {
        let next = [with(format!(".{number}")), with(format!(".{number}.gz"))].into_iter().find(is_plain);
        match next {
            Some(next) => found.push(next),
            // Some programs number from .0 or do not create .1.
            None if number > 1 => break,
            None => {}
        }
    }
    found
}

struct Search<'s> {
    params: &'s Params,
    zone: Tz,
    stop: &'s CancellationToken,
    looked_at: u64,
    count: u64,
    /// Newest first.
    matches: Vec<Value>,
}

impl Search<'_> {
    fn search_file(&mut self, path: &Path) -> io::Result<()> {
        let file = File::open(path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.extension().is_some_and(|extension| extension == "gz") {
            self.read(BufReader::new(MultiGzDecoder::new(file)), &name)
        } else {
            self.read(BufReader::with_capacity(64 * 1024, file), &name)
        }
    }

    fn read(&mut self, mut reader: impl BufRead, name: &str) -> io::Result<()> {
        let mut newest: VecDeque<Value> = VecDeque::new();
        let capacity = self.params.limit - self.matches.len();
        let (mut line, mut number, mut at) = (Vec::new(), 0_u64, None);
        while self.looked_at < LINES_MAX && lines::next(&mut reader, &mut line)? {
            self.looked_at += 1;
            number += 1;
            if self.looked_at.is_multiple_of(STEP) && self.stop.is_cancelled() {
                return Err(io::Error::other("the search was cancelled"));
            }
            let text = String::from_utf8_lossy(&line);
            // A line without a time, as in a stack trace, has the time of the line above.
            at = lines::time_of(&text, self.zone).or(at);
            if !self.matches(&text, at) {
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
        Ok(())
    }

    /// Whether a line matches. A line of unknown time is within any bounds.
    fn matches(&self, text: &str, at: Option<DateTime<Utc>>) -> bool {
        at.is_none_or(|at| self.params.is_within(at)) && self.params.pattern.as_ref().is_none_or(|pattern| pattern.is_match(text))
    }

    fn into_result(self, files: Vec<String>) -> SearchResult {
        let counts = Counts { count: self.count, failed: None };
        let result = json!({
            "source": "file", "count": self.count, "looked_at": self.looked_at, "complete": self.looked_at < LINES_MAX,
            "files": files, "matches": self.matches,
        });
        SearchResult { counts, result }
    }
}
