//! Watcher of the folder of executables: picks up added, changed and removed files without a restart.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio_util::sync::CancellationToken;

use super::describe::{DescribeError, describe};
use super::folder::{Candidate, FileVersion, scan};
use crate::domain::task_id::check_id;
use crate::tasks::registry::{Entry, Registry};

const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// Executables described concurrently.
const DESCRIBE_CONCURRENCY: usize = 8;

/// Polls the folder and updates the registry.
pub struct ExecutableWatcher {
    registry: Arc<Registry>,
    folder: PathBuf,
    seen: HashMap<PathBuf, Seen>,
    /// The last scan failed and the failure was logged.
    scan_failing: bool,
}

/// The state of a file when it was last described.
struct Seen {
    version: FileVersion,
    world_writable: bool,
    /// `None` if the file was rejected.
    entry: Option<Arc<Entry>>,
}

impl ExecutableWatcher {
    /// A watcher of a folder, which need not exist, that updates `registry`.
    pub fn new(registry: Arc<Registry>, folder: &Path) -> ExecutableWatcher {
        // Executables run in their own folder, where a path relative to the server's folder would be wrong.
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        ExecutableWatcher { registry, folder, seen: HashMap::new(), scan_failing: false }
    }

    /// Scans every two seconds until shutdown.
    pub async fn run(mut self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(POLL_INTERVAL) => {}
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                _changed = self.run_once() => {}
            }
        }
    }

    /// Scans once. Returns whether anything changed.
    pub async fn run_once(&mut self) -> bool {
        let folder = self.folder.clone();
        let found = match tokio::task::spawn_blocking(move || scan(&folder)).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => return self.report_scan_failure(&error.to_string()),
            Err(error) => return self.report_scan_failure(&error.to_string()),
        };
        self.scan_failing = false;
        let mut changed = self.forget_removed(&found);
        let candidates: Vec<Candidate> = found.into_iter().filter(|candidate| self.is_changed(candidate)).collect();
        let describing = stream::iter(candidates).map(|candidate| self.describe_candidate(candidate));
        let described: Vec<_> = describing.buffered(DESCRIBE_CONCURRENCY).collect().await;
        for (candidate, described) in described {
            changed |= self.record(candidate, described);
        }
        if changed {
            self.publish();
        }
        changed
    }

    /// Logs the first of consecutive failures. The discovered types are kept, because the folder may be back soon.
    fn report_scan_failure(&mut self, error: &str) -> bool {
        if !std::mem::replace(&mut self.scan_failing, true) {
            let folder = self.folder.display();
            tracing::warn!(%folder, error, "failed to scan the folder of executables; keeping the known task types");
        }
        false
    }

    fn forget_removed(&mut self, found: &[Candidate]) -> bool {
        let before = self.seen.len();
        self.seen.retain(|path, seen| {
            let stays = found.iter().any(|candidate| candidate.path == *path);
            if let (false, Some(entry)) = (stays, &seen.entry) {
                let name = &*entry.spec.name;
                tracing::info!(task.r#type = name, file = %path.display(), "executable removed; its task type is unregistered");
            }
            stays
        });
        self.seen.len() != before
    }

    fn is_changed(&self, candidate: &Candidate) -> bool {
        let is_same = |seen: &Seen| seen.version == candidate.version && seen.world_writable == candidate.world_writable;
        !self.seen.get(&candidate.path).is_some_and(is_same)
    }

    /// Describes a new or changed file.
    async fn describe_candidate(&self, candidate: Candidate) -> (Candidate, Result<Entry, DescribeError>) {
        let described = match self.check_allowed(&candidate.name, candidate.world_writable) {
            Ok(()) => describe(&candidate.name, &candidate.path).await,
            Err(reason) => Err(DescribeError::Invalid(reason)),
        };
        (candidate, described)
    }

    /// Records the description of a file. Returns `false` if the file could not be started and will be described again.
    fn record(&mut self, candidate: Candidate, described: Result<Entry, DescribeError>) -> bool {
        let Candidate { path, name, version, world_writable } = candidate;
        let entry = match described {
            Ok(entry) => {
                tracing::info!(task.r#type = name, file = %path.display(), "executable registered as task type");
                Some(Arc::new(entry))
            }
            Err(DescribeError::Unavailable(reason)) => {
                tracing::debug!(file = %path.display(), reason, "failed to start executable; retrying at the next scan");
                return false;
            }
            Err(DescribeError::Invalid(reason)) => {
                tracing::warn!(file = %path.display(), reason, "executable rejected as task type");
                None
            }
        };
        self.seen.insert(path, Seen { version, world_writable, entry });
        true
    }

    fn check_allowed(&self, name: &str, world_writable: bool) -> Result<(), String> {
        check_id(name).map_err(|message| format!("invalid task type name: {message}"))?;
        if self.registry.is_builtin(name) {
            return Err(format!("{name} is the name of a built-in task type"));
        }
        if world_writable {
            return Err("the file is writable by all users of the machine; run chmod o-w".to_owned());
        }
        Ok(())
    }

    fn publish(&self) {
        let mut paths: Vec<&PathBuf> = self.seen.keys().collect();
        paths.sort();
        let mut types: BTreeMap<String, Arc<Entry>> = BTreeMap::new();
        for path in paths {
            let Some(entry) = &self.seen[path].entry else { continue };
            match types.entry(entry.spec.name.to_string()) {
                Slot::Vacant(slot) => {
                    slot.insert(entry.clone());
                }
                Slot::Occupied(_) => {
                    tracing::warn!(file = %path.display(), "duplicate task type name; executable ignored");
                }
            }
        }
        self.registry.replace_discovered(types.into_values().collect());
    }
}
