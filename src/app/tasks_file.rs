//! The tasks file (`[tasks] file`): defines tasks, is read at the start and whenever it has changed, and is applied as a whole
//! or not at all. An invalid or missing file changes nothing: the tasks stay as the last valid file defined them.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::io::AsyncReadExt;
use tokio_util::sync::CancellationToken;

use crate::clock::SharedClock;
use crate::config::reason;
use crate::domain::transfer::{self, MAX_DOCUMENT};
use crate::domain::user::Actor;
use crate::service::{Error, FileStatus, Services, TasksFileService};

/// How often the file is checked. A changed file is read when two checks in a row find it the same, so that it is not read
/// while it is being written.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The number of checks after which a file that failed is tried again: what it requires may exist by then.
const RETRY_AFTER_POLLS: u32 = 30;

/// The background task that watches the file.
pub struct TasksFile {
    service: TasksFileService,
    clock: SharedClock,
    path: PathBuf,
    /// The file name for display.
    name: String,
    /// The version of the file that was applied or tried last.
    tried: Option<FileVersion>,
    /// The version of the file at the last check.
    seen: Option<FileVersion>,
    /// The error of the last try, and how many checks ago it was.
    failed: Option<(String, u32)>,
}

/// Modification time and size in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FileVersion(Option<SystemTime>, u64);

impl TasksFile {
    pub fn new(services: &Services, path: &Path) -> TasksFile {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let (service, clock) = (services.tasks_file.clone(), services.clock.clone());
        TasksFile { service, clock, path: path.to_owned(), name, tried: None, seen: None, failed: None }
    }

    /// Checks the file every second until the shutdown.
    pub async fn run(mut self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.wait_and_poll() => {}
            }
        }
    }

    async fn wait_and_poll(&mut self) {
        tokio::time::sleep(POLL_INTERVAL).await;
        self.poll().await;
    }

    /// Applies the file if it has changed and is no longer being written, or if it is time to retry.
    async fn poll(&mut self) {
        let found = file_version(&self.path).await;
        let stable = found == self.seen;
        self.seen.clone_from(&found);
        if let Some((_, polls)) = &mut self.failed {
            *polls += 1;
        }
        let retry = self.failed.as_ref().is_some_and(|(_, polls)| *polls >= RETRY_AFTER_POLLS);
        if stable && (found != self.tried || retry) {
            self.run_once().await;
        }
    }

    /// Applies the file now.
    pub async fn run_once(&mut self) {
        self.tried = file_version(&self.path).await;
        self.seen.clone_from(&self.tried);
        let error = match self.apply().await {
            Ok(()) => None,
            Err(error) => {
                if self.failed.as_ref().is_none_or(|(previous, _)| *previous != error) {
                    tracing::error!(file = %self.path.display(), error, "failed to apply tasks file; keeping the tasks as they are");
                }
                Some(error)
            }
        };
        self.failed = error.clone().map(|error| (error, 0));
        let at = self.clock.now();
        self.service.set_status(FileStatus { name: self.name.clone(), at, error });
    }

    async fn apply(&self) -> Result<(), String> {
        let document = transfer::read(&self.text().await?).map_err(|fault| fault.message.to_string())?;
        let actor = Actor::local(self.name.clone());
        let outcome = self.service.apply(&actor, &document, &self.name).await.map_err(describe)?;
        if !outcome.missing_secrets.is_empty() {
            tracing::warn!(secrets = outcome.missing_secrets.join(", "), "the tasks file uses secrets that are not set");
        }
        if !outcome.missing_hooks.is_empty() {
            tracing::warn!(hooks = outcome.missing_hooks.join(", "), "the tasks file names hooks that do not exist");
        }
        let drifted = self.service.drifted_tasks(&actor).await.map_err(describe)?;
        if !drifted.is_empty() {
            let ids: Vec<&str> = drifted.iter().map(|task| task.id.as_str()).take(20).collect();
            tracing::warn!(
                tasks = ids.join(", "),
                count = drifted.len(),
                "the paused state of tasks differs from the tasks file"
            );
        }
        Ok(())
    }

    async fn text(&self) -> Result<String, String> {
        let read_error = |error: std::io::Error| format!("{} cannot be read: {}", self.path.display(), reason(&error));
        let file = tokio::fs::File::open(&self.path).await.map_err(read_error)?;
        let mut bytes = Vec::new();
        file.take(MAX_DOCUMENT as u64 + 1).read_to_end(&mut bytes).await.map_err(read_error)?;
        if bytes.len() > MAX_DOCUMENT {
            return Err(format!("{} is larger than {MAX_DOCUMENT} bytes", self.path.display()));
        }
        String::from_utf8(bytes).map_err(|_| format!("{} is not UTF-8", self.path.display()))
    }
}

async fn file_version(path: &Path) -> Option<FileVersion> {
    let metadata = tokio::fs::metadata(path).await.ok()?;
    Some(FileVersion(metadata.modified().ok(), metadata.len()))
}

fn describe(error: Error) -> String {
    match error {
        Error::Invalid(faults) => {
            let more = faults.len().saturating_sub(5);
            let mut lines: Vec<String> =
                faults.into_iter().take(5).map(|fault| format!("{} {}", fault.pointer, fault.message)).collect();
            if more > 0 {
                lines.push(format!("and {more} more"));
            }
            lines.join("; ")
        }
        Error::Internal(cause) => cause.to_string(),
        Error::Unavailable(cause) => cause.to_string(),
        other => other.to_string(),
    }
}
