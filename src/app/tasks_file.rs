//! The file that says how tasks are to be (`[tasks] file`): read at the start and whenever it has changed, and done whole or not
//! at all. A file that does not read, or is gone, changes nothing: the tasks stay as its last good state had them.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::io::AsyncReadExt;
use tokio_util::sync::CancellationToken;

use crate::config::reason;
use crate::domain::transfer::{self, MAX_DOCUMENT};
use crate::domain::user::Actor;
use crate::service::{Error, FileStatus, Service};

/// Between two looks. A file counts as changed when two looks in turn find the same, so that none is read while it is written.
const EVERY: Duration = Duration::from_secs(1);
/// Looks after which a file that could not be done is tried again: what it needs may have come meanwhile.
const PATIENCE: u32 = 30;

/// Watches the file.
pub struct TasksFile {
    service: Service,
    path: PathBuf,
    /// As people know it.
    name: String,
    /// The file as it was done last, or tried.
    tried: Option<Stamp>,
    /// The file as the last look found it.
    seen: Option<Stamp>,
    /// Why the last try failed, and how many looks ago.
    failed: Option<(String, u32)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp(Option<SystemTime>, u64);

impl TasksFile {
    pub fn new(service: Service, path: &Path) -> TasksFile {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        TasksFile { service, path: path.to_owned(), name, tried: None, seen: None, failed: None }
    }

    /// Looks every second until the shutdown.
    pub async fn run(mut self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(EVERY) => self.look().await,
            }
        }
    }

    /// Does what the file says where it has changed and is at rest, or where it is time to try again.
    async fn look(&mut self) {
        let found = stamp(&self.path).await;
        let at_rest = found == self.seen;
        self.seen.clone_from(&found);
        if let Some((_, looks)) = &mut self.failed {
            *looks += 1;
        }
        let again = self.failed.as_ref().is_some_and(|(_, looks)| *looks >= PATIENCE);
        if at_rest && (found != self.tried || again) {
            self.run_once().await;
        }
    }

    /// Does what the file says now.
    pub async fn run_once(&mut self) {
        self.tried = stamp(&self.path).await;
        self.seen.clone_from(&self.tried);
        let error = match self.keep().await {
            Ok(()) => None,
            Err(what) => {
                if self.failed.as_ref().is_none_or(|(before, _)| *before != what) {
                    tracing::error!(file = %self.path.display(), error = what, "the file of tasks was not done; the tasks stay as they are");
                }
                Some(what)
            }
        };
        self.failed = error.clone().map(|what| (what, 0));
        let at = self.service.clock().now();
        self.service.set_tasks_file(FileStatus { name: self.name.clone(), at, error });
    }

    async fn keep(&self) -> Result<(), String> {
        let document = transfer::read(&self.text().await?).map_err(|fault| fault.message)?;
        let actor = Actor::local(self.name.clone());
        let outcome = self.service.keep_tasks(&actor, &document, &self.name).await.map_err(told)?;
        if !outcome.missing_secrets.is_empty() {
            tracing::warn!(secrets = outcome.missing_secrets.join(", "), "the file of tasks names secrets that are not set");
        }
        let drifted = self.service.drifted_tasks(&actor).await.map_err(told)?;
        if !drifted.is_empty() {
            let ids: Vec<&str> = drifted.iter().map(|task| task.id.as_str()).take(20).collect();
            tracing::warn!(
                tasks = ids.join(", "),
                count = drifted.len(),
                "tasks were paused or resumed otherwise than their file says"
            );
        }
        Ok(())
    }

    async fn text(&self) -> Result<String, String> {
        let cannot = |error: std::io::Error| format!("{} cannot be read: {}", self.path.display(), reason(&error));
        let file = tokio::fs::File::open(&self.path).await.map_err(cannot)?;
        let mut bytes = Vec::new();
        file.take(MAX_DOCUMENT as u64 + 1).read_to_end(&mut bytes).await.map_err(cannot)?;
        if bytes.len() > MAX_DOCUMENT {
            return Err(format!("{} has more than {MAX_DOCUMENT} bytes", self.path.display()));
        }
        String::from_utf8(bytes).map_err(|_| format!("{} is not UTF-8", self.path.display()))
    }
}

async fn stamp(path: &Path) -> Option<Stamp> {
    let found = tokio::fs::metadata(path).await.ok()?;
    Some(Stamp(found.modified().ok(), found.len()))
}

fn told(error: Error) -> String {
    match error {
        Error::Invalid(faults) => {
            let more = faults.len().saturating_sub(5);
            let mut told: Vec<String> =
                faults.into_iter().take(5).map(|fault| format!("{} {}", fault.pointer, fault.message)).collect();
            if more > 0 {
                told.push(format!("and {more} more"));
            }
            told.join("; ")
        }
        Error::Internal(cause) => cause.to_string(),
        other => other.to_string(),
    }
}
