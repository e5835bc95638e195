//! The tasks file (`[tasks] file`): defines tasks, is read at the start and whenever it has changed, and is applied as a whole
//! or not at all. An invalid or missing file changes nothing: the tasks stay as the last valid file defined them.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::io::AsyncReadExt;
use tokio_util::sync::CancellationToken;

use crate::clock::{SharedClock, tick};
use crate::config::reason;
use crate::domain::fault::Fault;
use crate::domain::transfer::{self, MAX_DOCUMENT};
use crate::domain::user::Actor;
use crate::i18n::{Message, message};
use crate::service::{Error, FileStatus, Services, TasksFileService};

/// How often the file is checked. A changed file is read when two checks in a row find it the same, so that it is not read
/// while it is being written.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The number of checks after which a file that failed is tried again: what it requires may exist by then.
const RETRY_AFTER_POLLS: u32 = 30;
/// The most faults of a file that are told.
const FAULTS_MAX: usize = 5;

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
    /// The errors of the last try, and how many checks ago it was.
    failed: Option<(Vec<Message>, u32)>,
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
        tick(POLL_INTERVAL).await;
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
        let errors = self.apply().await.err().unwrap_or_default();
        let is_known = self.failed.as_ref().is_some_and(|(previous, _)| *previous == errors);
        if !errors.is_empty() && !is_known {
            let error = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            tracing::error!(file = %self.path.display(), error, "failed to apply tasks file; keeping the tasks as they are");
        }
        self.failed = (!errors.is_empty()).then(|| (errors.clone(), 0));
        let at = self.clock.now();
        self.service.set_status(FileStatus { name: self.name.clone(), at, errors });
    }

    async fn apply(&self) -> Result<(), Vec<Message>> {
        let text = self.text().await.map_err(|error| vec![error])?;
        let document = transfer::read(&text).map_err(|fault| vec![fault.message])?;
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

    async fn text(&self) -> Result<String, Message> {
        let path = || self.path.display().to_string();
        let read_error = |error: std::io::Error| message!("tasks_file.unreadable", file = path(), error = reason(&error));
        let file = tokio::fs::File::open(&self.path).await.map_err(read_error)?;
        let mut bytes = Vec::new();
        file.take(MAX_DOCUMENT as u64 + 1).read_to_end(&mut bytes).await.map_err(read_error)?;
        if bytes.len() > MAX_DOCUMENT {
            return Err(message!("tasks_file.too_large", file = path(), max = MAX_DOCUMENT));
        }
        String::from_utf8(bytes).map_err(|_| message!("tasks_file.not_utf8", file = path()))
    }
}

async fn file_version(path: &Path) -> Option<FileVersion> {
    let metadata = tokio::fs::metadata(path).await.ok()?;
    Some(FileVersion(metadata.modified().ok(), metadata.len()))
}

fn describe(error: Error) -> Vec<Message> {
    match error {
        Error::Invalid(faults) => {
            let more = faults.len().saturating_sub(FAULTS_MAX);
            let line = |fault: Fault| message!("tasks_file.fault", pointer = fault.pointer, fault = fault.message);
            let mut lines: Vec<Message> = faults.into_iter().take(FAULTS_MAX).map(line).collect();
            if more > 0 {
                lines.push(message!("tasks_file.more_faults", more));
            }
            lines
        }
        Error::Internal(cause) => vec![Message::verbatim(cause.to_string())],
        Error::Unavailable(cause) => vec![Message::verbatim(cause.to_string())],
        other => vec![other.message()],
    }
}
